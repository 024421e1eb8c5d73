//! Signed and encrypted JOSE objects.
#![no_main]

use basalt_block::Cid;
use basalt_fuzz::bounded;
use basalt_ipld::{codec, decode, encode, links};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // One byte can be one value of the data model, and is held as it is and as it is meant.
    bounded(data.len(), 1024, 64 << 10, || {
        let Ok(value) = decode(codec::DAG_JOSE, data) else {
            return;
        };
        let mut count = 0;
        value.for_each_link(&mut |_: &Cid| count += 1);
        assert_eq!(
            links(codec::DAG_JOSE, data).map(|found| found.len()).ok(),
            Some(count),
            "links are lost"
        );
        // No recipients, or numbers that JSON has no room for, cannot be written.
        let Ok(written) = encode(codec::DAG_JOSE, &value) else {
            return;
        };
        let again = decode(codec::DAG_JOSE, &written).expect("what was written is read");
        assert_eq!(
            encode(codec::DAG_JOSE, &again).ok(),
            Some(written),
            "there is one form"
        );
    });
});
