//! Chunkers: the first line says how to cut the rest.
#![no_main]

use basalt_chunker::Chunker;
use basalt_fuzz::bounded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let line = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let Ok(text) = std::str::from_utf8(&data[..line]) else {
        return;
    };
    let rest = data.get(line + 1..).unwrap_or_default();
    let Ok(chunker) = Chunker::parse(text) else {
        return;
    };
    assert_eq!(chunker.to_string().parse(), Ok(chunker));
    // Two of the longest chunks are in memory at once.
    let chunks = bounded(data.len(), 64, 6 << 20, || {
        chunker
            .chunks(rest)
            .collect::<Result<Vec<_>, _>>()
            .expect("a slice is read")
    });
    assert_eq!(chunks.concat(), rest);
    assert!(
        chunks
            .iter()
            .all(|chunk| !chunk.is_empty() && chunk.len() <= chunker.max_len())
    );
    // The same cuts when bytes come one by one.
    let (mut splitter, mut from) = (chunker.splitter(), 0);
    let mut cuts = Vec::new();
    for have in 0..=rest.len() {
        while let Some(len) = splitter.next_cut(&rest[from..have], have == rest.len()) {
            cuts.push(len);
            from += len;
        }
    }
    assert_eq!(
        cuts,
        chunks.iter().map(|chunk| chunk.len()).collect::<Vec<_>>()
    );
});
