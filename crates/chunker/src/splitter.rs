use crate::{Chunker, buzhash::Buzhash, rabin::Rabin};

/// Finds the ends of chunks in bytes that arrive bit by bit. It keeps no bytes itself.
///
/// ```
/// let mut splitter = basalt_chunker::Chunker::Size(4).splitter();
/// assert_eq!(splitter.next_cut(b"abc", false), None);
/// assert_eq!(splitter.next_cut(b"abcdef", false), Some(4));
/// assert_eq!(splitter.next_cut(b"ef", true), Some(2));
/// assert_eq!(splitter.next_cut(b"", true), None);
/// ```
#[derive(Debug, Clone)]
pub struct Splitter(State);

#[derive(Debug, Clone)]
enum State {
    Size(usize),
    Rabin(Rabin),
    Buzhash(Buzhash),
}

impl Splitter {
    pub(crate) fn new(chunker: Chunker) -> Self {
        Self(match chunker {
            Chunker::Size(_) => State::Size(chunker.max_len()),
            Chunker::Rabin { min, avg, .. } => {
                State::Rabin(Rabin::new(min, avg, chunker.max_len()))
            }
            Chunker::Buzhash => State::Buzhash(Buzhash::default()),
        })
    }

    /// The length of the chunk that begins `buf`, or `None` when it takes more bytes to tell.
    ///
    /// `buf` holds everything since the last cut: after `None` it comes again with more bytes at
    /// its end (those already looked at are not read again), after `Some(n)` without its first
    /// `n` bytes. With `eof`, no bytes will follow: `None` then means that `buf` is empty.
    pub fn next_cut(&mut self, buf: &[u8], eof: bool) -> Option<usize> {
        let cut = match &mut self.0 {
            State::Size(size) => (buf.len() >= *size).then_some(*size),
            State::Rabin(rabin) => rabin.cut(buf),
            State::Buzhash(buzhash) => buzhash.cut(buf),
        };
        cut.or((eof && !buf.is_empty()).then_some(buf.len()))
    }
}
