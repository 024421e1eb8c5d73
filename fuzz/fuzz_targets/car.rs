//! CARs. The first byte says where to cut.
#![no_main]

use basalt_block::{Block, Cid};
use basalt_car::{Decoder, Error, Event, write_header, write_section};
use basalt_fuzz::bounded;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Default, PartialEq)]
struct Read {
    roots: Vec<Cid>,
    blocks: Vec<Block>,
    error: Option<Error>,
}

fn read(car: &[u8], cut: usize) -> Read {
    let mut read = Read::default();
    let mut decoder = Decoder::default();
    let mut pieces = car.chunks(cut.max(1));
    let mut headers = 0;
    loop {
        match decoder.next() {
            Ok(Some(Event::Header(header))) => {
                headers += 1;
                let roots = header.roots();
                assert_eq!(roots.len(), header.roots().count(), "a root is lost");
                read.roots.extend(roots);
            }
            Ok(Some(Event::Section(section))) => {
                assert_eq!(headers, 1, "one header, and first");
                assert!((section.offset() as usize) < car.len());
                match section.verify() {
                    Ok(block) => read.blocks.push(block),
                    Err(error) => read.error = read.error.or(Some(error)),
                }
            }
            Ok(None) => match pieces.next() {
                Some(piece) => decoder.feed(Bytes::copy_from_slice(piece)),
                None => {
                    read.error = read.error.or(decoder.finish().err());
                    return read;
                }
            },
            Err(error) => {
                assert!(decoder.is_done() && matches!(decoder.next(), Ok(None)));
                read.error = read.error.or(Some(error));
                return read;
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((cut, car)) = data.split_first() else {
        return;
    };
    // A root takes eight bytes at least, and some 160 in memory; one that is given out is no longer
    // the decoder's. A section is kept with the one before it.
    let whole = bounded(data.len(), 200, 64 << 10, || read(car, car.len()));
    let pieces = bounded(data.len(), 200, 64 << 10, || read(car, usize::from(*cut)));
    assert_eq!(whole, pieces, "a CAR depends on how it was cut");
    if whole.error.is_some() {
        return;
    }
    let mut again = Vec::new();
    write_header(&whole.roots, &mut again);
    for block in &whole.blocks {
        write_section(block.cid(), block.data(), &mut again);
    }
    assert_eq!(read(&again, again.len()), whole, "what is written is read");
});
