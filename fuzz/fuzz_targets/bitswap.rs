//! Bitswap messages.
#![no_main]

use basalt_bitswap::message::{Message, Version};
use basalt_fuzz::bounded;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let frame = Bytes::copy_from_slice(data);
    // A want of six bytes becomes a CID with room for a digest of 128.
    bounded(data.len(), 192, 64 << 10, || {
        let Ok(message) = Message::decode(&frame) else {
            return;
        };
        for block in &message.blocks {
            if let Some(named) = block.clone().into_block() {
                let data = named.data().clone();
                assert!(basalt_block::Block::verified(*named.cid(), data).is_ok());
            }
        }
        let written = message.encode(Version::V1_2);
        let bytes = Bytes::from(written.concat());
        assert_eq!(bytes.len(), written.len());
        let (len, at) = basalt_block::varint::read(&bytes).expect("a length is in front");
        assert_eq!(len as usize + at, bytes.len());
        let again = Message::decode(&bytes.slice(at..)).expect("what was written is read");
        assert_eq!(again, message);
        for version in [Version::V1_1, Version::V1_0, Version::Plain] {
            let bytes = Bytes::from(message.encode(version).concat());
            let (_, at) = basalt_block::varint::read(&bytes).expect("a length is in front");
            let old = Message::decode(&bytes.slice(at..)).expect("what was written is read");
            assert_eq!(old.wants, message.wants);
            assert!(old.presences.is_empty());
        }
    });
});
