//! JSON as Go reads and writes it.
#![no_main]

use basalt_fuzz::bounded;
use basalt_repo::go_json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 512, 64 << 10, || {
        let first = go_json::parse_first(data);
        let Ok(value) = go_json::parse(data) else {
            return;
        };
        assert_eq!(first.ok().flatten().as_ref(), Some(&value));
        let written = go_json::to_vec(&value).expect("a value is written");
        let again = go_json::parse(&written).expect("what was written is read");
        // `1e0` is written as `1`: the same text, another kind of number.
        assert_eq!(
            go_json::to_vec(&again).expect("a value is written"),
            written
        );
        for byte in [b'<', b'>', b'&'] {
            assert!(!written.contains(&byte), "Go escapes these");
        }
    });
});
