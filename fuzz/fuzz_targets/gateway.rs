//! What clients and websites say to the gateway: ranges, conditions, Accept, queries, `_redirects`,
//! paths, denylists. The first byte chooses, a line break parts two texts.
#![no_main]

use basalt_fuzz::bounded;
use basalt_gateway::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let (first, second) = text.split_once('\n').unwrap_or((&text, ""));
    let size = first.len() as u64 * 37;
    // A rule may lead to a path of 64 KiB whatever it came from.
    bounded(data.len(), 512, 1 << 20, || match choice % 6 {
        0 => fuzzing::range(&text, size),
        1 => fuzzing::accept(first, second.as_bytes()),
        2 => fuzzing::conditions(&text, size),
        3 => fuzzing::redirects(second, first),
        4 => fuzzing::names(first, rest),
        _ => fuzzing::denylist(&text),
    });
});
