use std::collections::VecDeque;

use basalt_block::{Block, Cid};
use bytes::Bytes;

use crate::{section_head, write_header};

/// A CARv1 on its way out: sections put together to pieces that are worth sending.
///
/// Small blocks are gathered; the bytes of large ones, an eighth of a piece or more, are handed on as they
/// are, without a copy.
#[derive(Debug)]
pub struct Gather {
    piece: usize,
    gathered: Vec<u8>,
    ready: VecDeque<Bytes>,
}

impl Gather {
    /// Begins with the header that names `roots`; a piece is about `piece` bytes.
    pub fn new(roots: &[Cid], piece: usize) -> Self {
        let mut gathered = Vec::new();
        write_header(roots, &mut gathered);
        Self {
            piece,
            gathered,
            ready: VecDeque::new(),
        }
    }

    /// Appends a section.
    pub fn write(&mut self, block: &Block) {
        let data = block.data();
        section_head(block.cid(), data.len(), &mut self.gathered);
        if data.len() >= self.piece / 8 {
            self.flush();
            self.ready.push_back(data.clone());
        } else {
            self.gathered.extend_from_slice(data);
            if self.gathered.len() >= self.piece {
                self.flush();
            }
        }
    }

    /// Appends what stands before a block of `length` bytes; the caller sends the block itself after
    /// everything that was written so far.
    pub fn head(&mut self, cid: &Cid, length: usize) {
        section_head(cid, length, &mut self.gathered);
    }

    /// Makes a piece of what is gathered so far, if anything is.
    pub fn flush(&mut self) {
        if self.has_rest() {
            self.ready
                .push_back(std::mem::take(&mut self.gathered).into());
        }
    }

    /// Whether something is gathered that is no piece yet.
    pub fn has_rest(&self) -> bool {
        !self.gathered.is_empty()
    }

    /// The next piece.
    pub fn take(&mut self) -> Option<Bytes> {
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use basalt_block::{Hasher, codec};

    use super::*;
    use crate::write_section;

    #[test]
    fn the_pieces_are_the_car_and_large_blocks_are_not_copied() {
        let block = |byte: u8, len: usize| {
            let data = vec![byte; len].into();
            Block::hash(1, codec::RAW, Hasher::SHA2_256, data).unwrap()
        };
        let blocks = [block(1, 10), block(2, 127), block(3, 128), block(4, 5)];
        let roots = [*blocks[0].cid()];
        let (mut gather, mut car) = (Gather::new(&roots, 1024), Vec::new());
        write_header(&roots, &mut car);
        for block in &blocks {
            gather.write(block);
            write_section(block.cid(), block.data(), &mut car);
        }
        assert!(gather.has_rest());
        gather.flush();
        assert!(!gather.has_rest());
        let pieces: Vec<Bytes> = std::iter::from_fn(|| gather.take()).collect();
        assert_eq!(pieces.concat(), car);
        let large = blocks[2].data().as_ptr();
        assert!(pieces.iter().any(|piece| piece.as_ptr() == large));
    }
}
