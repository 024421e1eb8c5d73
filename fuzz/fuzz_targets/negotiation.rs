//! The reader of protocol names from the negotiation of a stream, which a peer writes one side of.
#![no_main]

// The file alone: the crate around it would bring the whole of libp2p.
#[allow(dead_code, unreachable_pub)]
#[path = "../../crates/network/src/traffic/sniff.rs"]
mod sniff;

use basalt_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use sniff::Sniff;

fuzz_target!(|data: &[u8]| {
    let Some((cut, data)) = data.split_first() else {
        return;
    };
    bounded(data.len(), 4, 64 << 10, || {
        let mut whole = Sniff::default();
        let at_once = whole.feed(data);
        // The same, however it is cut.
        let mut parts = Sniff::default();
        let mut found = None;
        for piece in data.chunks(usize::from(*cut).max(1)) {
            found = found.or(parts.feed(piece));
        }
        assert_eq!(at_once, found);
        if let Some(name) = found {
            assert!(name.starts_with('/') && whole.is_done() && parts.is_done());
        }
    });
});
