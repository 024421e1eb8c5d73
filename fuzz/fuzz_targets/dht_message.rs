//! Messages of the DHT.
#![no_main]

use basalt_fuzz::bounded;
use basalt_routing::{Cycle, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // An address of a few bytes is a structure of some hundred.
    bounded(data.len(), 512, 64 << 10, || {
        let _ = Cycle::decode(data);
        let Ok(message) = Message::decode(data) else {
            return;
        };
        let written = message.encode();
        assert_eq!(Message::decode(&written).expect("it was just written"), message);
    });
});
