//! UnixFS nodes.
#![no_main]

use basalt_fuzz::bounded;
use basalt_unixfs::Data;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let block = Bytes::copy_from_slice(data);
    // A size of one byte becomes a number of eight, in a list that grows by doubling.
    bounded(data.len(), 64, 16 << 10, || {
        let Ok(node) = Data::decode(&block) else {
            return;
        };
        let written = Bytes::from(node.encode());
        assert_eq!(Data::decode(&written).as_ref(), Ok(&node));
        let _ = (node.size(), node.stat());
        let mut other = node.clone();
        other.set_stat(node.stat());
        assert_eq!(other.stat(), node.stat());
    });
});
