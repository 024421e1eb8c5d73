//! Reading a whole CAR.

use basalt_block::{Block, Cid};
use basalt_car::{Decoder, Error, Event};
use bytes::Bytes;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Read {
    pub(crate) roots: Vec<Cid>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) error: Option<Error>,
}

/// Reads `car` in pieces, whose lengths come in turn from `cuts`.
pub(crate) fn read(car: &[u8], cuts: &[usize]) -> Read {
    let mut read = Read::default();
    let mut decoder = Decoder::default();
    let mut rest = car;
    let mut cuts = cuts.iter().cycle();
    loop {
        match decoder.next() {
            Ok(Some(Event::Header(header))) => read.roots.extend(header.roots()),
            Ok(Some(Event::Section(section))) => match section.verify() {
                Ok(block) => read.blocks.push(block),
                Err(error) => read.error = Some(error),
            },
            Ok(None) if rest.is_empty() => {
                read.error = read.error.or(decoder.finish().err());
                return read;
            }
            Ok(None) => {
                let cut = cuts.next().map_or(rest.len(), |cut| *cut);
                let (piece, left) = rest.split_at(cut.clamp(1, rest.len()));
                decoder.feed(Bytes::copy_from_slice(piece));
                rest = left;
            }
            Err(error) => {
                read.error = Some(error);
                return read;
            }
        }
    }
}
