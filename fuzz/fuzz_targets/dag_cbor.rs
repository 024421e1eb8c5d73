//! dag-cbor blocks, and cbor without links.
#![no_main]

use basalt_block::Cid;
use basalt_fuzz::bounded;
use basalt_ipld::{codec, decode, encode, links};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // One byte can be one value of the data model.
    bounded(data.len(), 512, 64 << 10, || {
        for code in [codec::DAG_CBOR, codec::CBOR] {
            let Ok(value) = decode(code, data) else {
                continue;
            };
            let mut count = 0;
            value.for_each_link(&mut |_: &Cid| count += 1);
            assert_eq!(
                links(code, data).map(|found| found.len()).ok(),
                Some(count),
                "links are lost"
            );
            // Some of what is read cannot be written, such as numbers that are not finite.
            let Ok(written) = encode(code, &value) else {
                continue;
            };
            let again = decode(code, &written).expect("what was written is read");
            assert_eq!(
                encode(code, &again).ok(),
                Some(written),
                "there is one form"
            );
        }
    });
});
