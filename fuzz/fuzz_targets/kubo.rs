//! What is read of Kubo's repos: leveldb's logs, manifests, batches and tables; pins; names; specs.
#![no_main]

use basalt_fuzz::bounded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // A block of a table may unpack to many times its size, and a few are in memory.
    bounded(data.len(), 256, 1 << 20, || {
        basalt_kubo::leveldb::try_all(data);
        let _ = basalt_kubo::decode_pin(data);
        let _ = basalt_kubo::decode_reference(data);
        if let Ok(text) = std::str::from_utf8(data) {
            let _ = basalt_kubo::block_hash(text);
            let _ = basalt_kubo::check_shard_function(text);
        }
        if let Ok(spec) = serde_json::from_slice(data) {
            let _ = basalt_kubo::mounts("/repo".as_ref(), &spec);
        }
    });
});
