//! CIDs as text and as bytes.
#![no_main]

use basalt_block::{cid_of_bytes, cid_text, parse_cid};
use basalt_fuzz::bounded;
use basalt_ipld::{decode_cid, read_cid};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 8, 16 << 10, || {
        if let Ok(text) = std::str::from_utf8(data)
            && let Ok((cid, base)) = parse_cid(text)
        {
            assert_eq!(parse_cid(&cid_text(&cid, base)), Ok((cid, base)), "{text}");
        }
        let found = cid_of_bytes(data);
        if let Ok(cid) = &found {
            assert_eq!(cid.to_bytes(), data, "a CID has one form");
        }
        assert_eq!(decode_cid(data).ok(), found.ok(), "two readers disagree");
        if let Ok((cid, len)) = read_cid(data) {
            assert_eq!(cid.to_bytes(), data[..len]);
        }
    });
});
