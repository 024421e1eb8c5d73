//! Routing over HTTP: answers of servers, announcements, requests and their filters. The first byte
//! chooses, a line break parts two texts.
#![no_main]

use basalt_delegated::{Announcement, Endpoint, Filters, Listing, PeerRecord, fuzzing};
use basalt_fuzz::bounded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let (first, second) = text.split_once('\n').unwrap_or((&text, ""));
    // An address of a few bytes is a structure of some hundred.
    bounded(data.len(), 512, 64 << 10, || match choice % 5 {
        0 => {
            let Ok(records) = PeerRecord::read(rest, choice & 0x80 != 0) else {
                return;
            };
            for record in records {
                let line = record.line(Listing::Providers).expect("records are written");
                let again = PeerRecord::read(&line, true).expect("it was just written");
                // Not every address is written as it was read.
                assert!(again.len() == 1 && again[0].id == record.id);
                assert_eq!(again[0].protocols, record.protocols);
            }
        }
        1 => {
            let filters = Filters::new(first, second);
            let query = filters.query();
            let pairs = basalt_http::query::parse(&query);
            let value = |name: &str| {
                let found = pairs.iter().find(|(have, _)| have == name);
                found.map_or("", |(_, value)| value.as_str())
            };
            let again = Filters::new(value("filter-addrs"), value("filter-protocols"));
            assert_eq!(again.query(), query);
        }
        2 => fuzzing::request("GET", &format!("/routing/v1/{first}"), second.as_bytes()),
        3 => drop(Announcement::read(rest)),
        _ => drop(Endpoint::parse(&text)),
    });
});
