//! Messages of the fetch protocol.
#![no_main]

use basalt_fuzz::bounded;
use basalt_routing::{FetchAnswer, fetch_question, read_fetch_question};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 4, 64 << 10, || {
        if let Ok(key) = read_fetch_question(data) {
            let again = read_fetch_question(&fetch_question(&key));
            assert_eq!(again.expect("it was just written"), key);
        }
        if let Ok(answer) = FetchAnswer::decode(data) {
            let again = FetchAnswer::decode(&answer.encode());
            assert_eq!(again.expect("it was just written"), answer);
        }
    });
});
