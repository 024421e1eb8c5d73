//! The head of an HTTP message, and the framing of its body. The first byte says where to cut.
#![no_main]

use basalt_fuzz::{bounded, check_head};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((cut, rest)) = data.split_first() else {
        return;
    };
    bounded(data.len(), 32, 64 << 10, || {
        check_head(rest, usize::from(*cut))
    });
});
