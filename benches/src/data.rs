//! Test data: the same bytes in every run, nearly free to make.
//!
//! One piece of noise is made once; every page of it is stamped anew before it is sent, so that no
//! two chunks of a stream are equal and nothing compresses, while the client spends its time on the
//! socket and not on random numbers.

use std::sync::OnceLock;

/// Bytes that a stream hands out at once.
pub(crate) const PIECE: usize = 1 << 20;
const PAGE: usize = 4096;

/// One step of splitmix64.
fn splitmix(state: u64) -> u64 {
    let mut word = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        (0..PIECE as u64 / 8)
            .flat_map(|word| splitmix(word).to_le_bytes())
            .collect()
    })
}

fn stamp(page: &mut [u8], seed: u64, number: u64) {
    let mark = [splitmix(seed), splitmix(splitmix(seed) ^ number)];
    for (bytes, word) in page.chunks_mut(8).zip(mark) {
        bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
    }
}

/// A stream of `len` bytes that `seed` decides.
#[derive(Debug)]
pub(crate) struct Stream {
    piece: Vec<u8>,
    seed: u64,
    page: u64,
    left: u64,
}

impl Stream {
    /// A stream that hands out at most `piece` bytes at once (at most [`PIECE`], whole pages).
    pub(crate) fn new(seed: u64, len: u64, piece: usize) -> Self {
        let piece = piece.clamp(PAGE, PIECE) / PAGE * PAGE;
        Self {
            piece: noise()[..piece].to_vec(),
            seed,
            page: 0,
            left: len,
        }
    }

    /// The next bytes, none at the end.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        if self.left == 0 {
            return None;
        }
        for page in self.piece.chunks_mut(PAGE) {
            stamp(page, self.seed, self.page);
            self.page += 1;
        }
        let len = self.left.min(self.piece.len() as u64) as usize;
        self.left -= len as u64;
        Some(&self.piece[..len])
    }
}

/// Appends block `number` of the series `seed`: `size` bytes, at least 16 and at most [`PIECE`].
pub(crate) fn append_block(into: &mut Vec<u8>, seed: u64, number: u64, size: usize) {
    let start = into.len();
    into.extend_from_slice(&noise()[..size]);
    stamp(&mut into[start..], seed, number);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn collect(seed: u64, len: u64, piece: usize) -> Vec<u8> {
        let mut stream = Stream::new(seed, len, piece);
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next() {
            bytes.extend_from_slice(piece);
        }
        bytes
    }

    #[test]
    fn a_seed_gives_the_same_bytes_and_another_seed_others() {
        let bytes = collect(1, 3 * PIECE as u64 + 5, PIECE);
        assert_eq!(bytes.len(), 3 * PIECE + 5);
        assert_eq!(bytes, collect(1, 3 * PIECE as u64 + 5, PIECE));
        assert_ne!(bytes, collect(2, 3 * PIECE as u64 + 5, PIECE));
    }

    #[test]
    fn no_page_comes_twice() {
        let bytes = collect(1, 4 * PIECE as u64, 256 << 10);
        let pages: HashSet<&[u8]> = bytes.chunks(PAGE).collect();
        assert_eq!(pages.len(), 4 * PIECE / PAGE);
    }

    #[test]
    fn blocks_differ() {
        let blocks: HashSet<Vec<u8>> = (0..1000)
            .map(|number| {
                let mut block = Vec::new();
                append_block(&mut block, 7, number, 100);
                block
            })
            .collect();
        assert_eq!(blocks.len(), 1000);
        assert!(blocks.iter().all(|block| block.len() == 100));
    }
}
