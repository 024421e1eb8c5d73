//! dag-json blocks, and json without links.
#![no_main]

use basalt_block::Cid;
use basalt_fuzz::bounded;
use basalt_ipld::{codec, decode, encode, links};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // One byte can be one value of the data model.
    bounded(data.len(), 512, 64 << 10, || {
        for code in [codec::DAG_JSON, codec::JSON] {
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
            // A number as great as 1e20 is written without an exponent and read as an integer that is
            // out of range, as in Kubo.
            let Ok(again) = decode(code, &written) else {
                continue;
            };
            // Minus zero loses its sign at the second reading, as it does in Kubo.
            let second = encode(code, &again).expect("what was written is written again");
            let Ok(last) = decode(code, &second) else {
                continue;
            };
            assert_eq!(encode(code, &last).ok(), Some(second), "there is one form");
        }
    });
});
