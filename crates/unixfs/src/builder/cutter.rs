//! Chunks out of buffers of any size, copying only what lies in more than one of them.

use basalt_chunker::{Chunker, Splitter};
use bytes::{Buf, Bytes, BytesMut};

#[derive(Debug)]
pub(crate) struct Cutter {
    splitter: Splitter,
    max_len: usize,
    /// The begin of a chunk, if it came in an earlier buffer than `input`.
    begun: BytesMut,
    input: Bytes,
    has_cut: bool,
}

impl Cutter {
    pub(crate) fn new(chunker: &Chunker) -> Self {
        Self {
            splitter: chunker.splitter(),
            max_len: chunker.max_len(),
            begun: BytesMut::new(),
            input: Bytes::new(),
            has_cut: false,
        }
    }

    /// Takes the next buffer. What was before must have been cut as far as [`Self::next`] could.
    pub(crate) fn feed(&mut self, bytes: Bytes) {
        if !self.input.is_empty() {
            // Whoever sent a whole chunk will send more of them; others may be short.
            let room = if self.has_cut {
                self.max_len
            } else {
                self.input.len() + bytes.len()
            };
            self.begun.reserve(room.min(self.max_len));
            self.begun.extend_from_slice(&self.input);
        }
        self.input = bytes;
    }

    /// The next chunk, or `None` when it takes another buffer to tell its end.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let chunk = if self.begun.is_empty() {
            let len = self.splitter.next_cut(&self.input, false)?;
            self.input.split_to(len)
        } else {
            self.complete()?
        };
        self.has_cut = true;
        Some(chunk)
    }

    fn complete(&mut self) -> Option<Bytes> {
        let old = self.begun.len();
        let more = self
            .input
            .len()
            .min(self.max_len.saturating_sub(old).max(1));
        self.begun.extend_from_slice(self.input.get(..more)?);
        let Some(len) = self.splitter.next_cut(&self.begun, false) else {
            self.input.advance(more);
            return None;
        };
        if len >= old {
            // What follows the cut is still in the input, where it need not be copied.
            self.begun.truncate(len);
            self.input.advance(len - old);
            return Some(std::mem::take(&mut self.begun).freeze());
        }
        self.input.advance(more);
        Some(self.begun.split_to(len).freeze())
    }

    /// The last chunks.
    pub(crate) fn finish(&mut self) -> Vec<Bytes> {
        let mut rest = if self.begun.is_empty() {
            std::mem::take(&mut self.input)
        } else {
            self.begun.extend_from_slice(&self.input);
            self.input.clear();
            std::mem::take(&mut self.begun).freeze()
        };
        let mut chunks = Vec::new();
        while let Some(len) = self.splitter.next_cut(&rest, true) {
            chunks.push(rest.split_to(len));
        }
        chunks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(chunker: Chunker, pieces: Vec<Bytes>) -> Vec<Bytes> {
        let mut cutter = Cutter::new(&chunker);
        let mut chunks = Vec::new();
        for piece in pieces {
            cutter.feed(piece);
            chunks.extend(std::iter::from_fn(|| cutter.next()));
        }
        chunks.extend(cutter.finish());
        chunks
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            seed in any::<u64>(),
            lens in prop::collection::vec(0usize..700, 0..30),
            which in 0usize..3,
        ) {
            let chunker = [
                Chunker::Size(100),
                Chunker::Size(1),
                Chunker::Rabin { min: 32, avg: 64, max: 200 },
            ][which];
            let mut state = seed | 1;
            let mut byte = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            };
            let pieces: Vec<Bytes> =
                lens.iter().map(|len| (0..*len).map(|_| byte()).collect()).collect();
            let whole: Bytes = pieces.concat().into();
            let expected: Vec<Bytes> =
                chunker.chunks(&whole[..]).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(cut(chunker, pieces), expected);
        }
    }

    #[test]
    fn a_chunk_within_a_buffer_is_not_copied() {
        let buffer = Bytes::from(vec![7; 1000]);
        let chunks = cut(Chunker::Size(400), vec![buffer.clone()]);
        assert_eq!(
            chunks.iter().map(Bytes::len).collect::<Vec<_>>(),
            [400, 400, 200]
        );
        for (at, chunk) in chunks.iter().enumerate() {
            assert_eq!(chunk.as_ptr(), buffer[at * 400..].as_ptr());
        }
    }
}
