//! Query strings.
#![no_main]

use basalt_fuzz::{bounded, check_query};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // `&` is the shortest pair; a byte that is not UTF-8 takes three, escaped nine.
    bounded(data.len(), 128, 16 << 10, || check_query(data));
});
