use std::io::{ErrorKind, Read, Result};

use bytes::{Bytes, BytesMut};

use crate::{Chunker, Splitter};

const LEAST_READ: usize = 64 << 10;

/// The chunks of a reader, in order; made by [`Chunker::chunks`].
#[derive(Debug)]
pub struct Chunks<R> {
    reader: R,
    splitter: Splitter,
    buffer: BytesMut,
    buffer_len: usize,
    eof: bool,
}

impl Chunker {
    /// Cuts everything that `reader` yields. Holds at most one chunk, or 64 KiB if that is more;
    /// ends after the reader's first error.
    pub fn chunks<R: Read>(&self, reader: R) -> Chunks<R> {
        Chunks {
            reader,
            splitter: self.splitter(),
            buffer: BytesMut::new(),
            buffer_len: self.max_len().max(LEAST_READ),
            eof: false,
        }
    }
}

impl<R: Read> Chunks<R> {
    fn fill(&mut self) -> Result<()> {
        let old = self.buffer.len();
        self.buffer.resize(self.buffer_len.max(old + 1), 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[old..]) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer
            .truncate(old + read.as_ref().copied().unwrap_or(0));
        self.eof = matches!(read, Ok(0) | Err(_));
        read.map(drop)
    }
}

impl<R: Read> Iterator for Chunks<R> {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Result<Bytes>> {
        loop {
            if let Some(len) = self.splitter.next_cut(&self.buffer, self.eof) {
                return Some(Ok(self.buffer.split_to(len).freeze()));
            }
            if self.eof {
                return None;
            }
            if let Err(e) = self.fill() {
                self.buffer.clear();
                return Some(Err(e));
            }
        }
    }
}
