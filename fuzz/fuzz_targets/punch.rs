//! What a peer says before a hole is punched through the routers between the two.
#![no_main]

// The file alone: the crate around it would bring the whole of libp2p.
#[allow(dead_code, unreachable_pub)]
#[path = "../../crates/network/src/punch/message.rs"]
mod message;

use basalt_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use message::{ADDRESSES, Message};

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 8, 64 << 10, || {
        let Some(message) = Message::decode(data) else {
            return;
        };
        if let Message::Connect(addresses) = &message {
            assert!(addresses.len() <= ADDRESSES);
        }
        let again = Message::decode(&message.encode());
        assert_eq!(again, Some(message));
    });
});
