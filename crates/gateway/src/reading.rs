//! A body of known length that can be read again from any place.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;

use crate::answer::Pieces;
use crate::error::Error;
use crate::pace::Pace;

/// Makes the pieces of a body from a place of it to its end.
type Read = Arc<dyn Fn(u64) -> Pieces + Send + Sync>;

/// Where the reading of a body stands.
pub(crate) struct Reading {
    /// How many bytes the body has.
    pub(crate) length: u64,
    pub(crate) pace: Pace,
    read: Read,
    at: u64,
    pieces: Option<Pieces>,
    /// A piece that was read before it is wanted.
    first: Option<Bytes>,
}

impl Reading {
    /// A body of `length` bytes, whose pieces `read` makes.
    pub(crate) fn new(
        length: u64,
        pace: Pace,
        read: impl Fn(u64) -> Pieces + Send + Sync + 'static,
    ) -> Self {
        Self {
            length,
            pace,
            read: Arc::new(read),
            at: 0,
            pieces: None,
            first: None,
        }
    }

    /// Reads the first piece, so that it is known whether it can be had.
    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        self.pace.enter();
        if let Some(piece) = self.next().await {
            let piece = piece?;
            self.at -= piece.len() as u64;
            self.first = Some(piece);
        }
        Ok(())
    }

    /// The next piece, never an empty one.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        if let Some(first) = self.first.take() {
            self.at += first.len() as u64;
            return Some(Ok(first));
        }
        if self.at >= self.length {
            return None;
        }
        let (read, at) = (&self.read, self.at);
        let pieces = self.pieces.get_or_insert_with(|| read(at));
        let piece = pieces.next().await?;
        if let Ok(bytes) = &piece {
            self.at += bytes.len() as u64;
        }
        Some(piece)
    }

    /// Whether every byte was read.
    pub(crate) fn is_ended(&self) -> bool {
        self.at >= self.length
    }

    /// Forgets what was read ahead, and goes on so many bytes before the end of the last piece.
    pub(crate) fn rest(&mut self, back: u64) {
        self.pieces = None;
        self.first = None;
        self.at = self.at.saturating_sub(back);
    }
}
