//! Objects of Git, as they are hashed and as Git keeps them.
#![no_main]

use basalt_block::Cid;
use basalt_fuzz::bounded;
use basalt_ipld::{Value, codec, decode, encode, links};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 512, 64 << 10, || {
        let Ok(value) = decode(codec::GIT_RAW, data) else {
            return;
        };
        let mut count = 0;
        value.for_each_link(&mut |_: &Cid| count += 1);
        assert_eq!(
            links(codec::GIT_RAW, data).map(|found| found.len()).ok(),
            Some(count),
            "links are lost"
        );
        // Headers that Git would not write are not kept to the byte, by Kubo neither.
        let written = encode(codec::GIT_RAW, &value);
        let is_exact = match &value {
            Value::Bytes(_) => true,
            value => data.starts_with(b"tree ") && value.kind() == "map",
        };
        if is_exact {
            let written = written.expect("blobs and trees are written");
            assert_eq!(decode(codec::GIT_RAW, &written), Ok(value), "it is the same");
        } else if let Ok(written) = written {
            decode(codec::GIT_RAW, &written).ok();
        }
    });
    // A few bytes inflate to many, up to a limit of its own.
    if data.len() < 4096 {
        decode(codec::GIT_RAW_ZLIB, data).ok();
    }
});
