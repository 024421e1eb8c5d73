//! Bodies of several parts. The first byte says where to cut, the first line is the boundary.
#![no_main]

use basalt_fuzz::{bounded, check_multipart};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((cut, rest)) = data.split_first() else {
        return;
    };
    let line = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    let (boundary, body) = rest.split_at(line);
    bounded(data.len(), 64, 64 << 10, || {
        check_multipart(
            boundary,
            body.get(1..).unwrap_or_default(),
            usize::from(*cut),
        );
    });
});
