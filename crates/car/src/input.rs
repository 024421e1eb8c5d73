//! Bytes that come in pieces, taken as whole items.

use bytes::{Buf, Bytes, BytesMut};

/// Room that an item which is cut in two gets at first.
const FIRST: usize = 64 << 10;

/// What was fed and not taken yet, and the beginning of an item whose end has not come.
#[derive(Debug, Default)]
pub(crate) struct Input {
    piece: Bytes,
    begun: BytesMut,
    /// Bytes taken so far.
    taken: u64,
    /// The longest item that came whole. The next may be as long, and gets so much room at once.
    longest: usize,
}

impl Input {
    pub(crate) fn feed(&mut self, piece: Bytes) {
        if self.piece.is_empty() {
            self.piece = piece;
        } else {
            let mut joined = BytesMut::with_capacity(self.piece.len() + piece.len());
            joined.extend_from_slice(&self.piece);
            joined.extend_from_slice(&piece);
            self.piece = joined.freeze();
        }
    }

    /// The position behind what was taken, in bytes.
    pub(crate) fn position(&self) -> u64 {
        self.taken
    }

    /// How much there is of an item whose end has not come.
    pub(crate) fn has_begun(&self) -> bool {
        !self.begun.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let byte = *self.piece.first()?;
        self.piece.advance(1);
        self.taken += 1;
        Some(byte)
    }

    /// An item of `len` bytes once all of it is there, copied only if it came in several pieces.
    /// Room is made as it comes: a length that lies costs nothing.
    pub(crate) fn item(&mut self, len: usize) -> Option<Bytes> {
        if self.begun.is_empty() && self.piece.len() >= len {
            self.longest = self.longest.max(len);
            self.taken += len as u64;
            return Some(self.piece.split_to(len));
        }
        let more = self.piece.len().min(len - self.begun.len());
        let want = self.begun.len() + more;
        if self.begun.capacity() < want {
            let room = want.max(2 * self.begun.len()).max(FIRST);
            let room = room.max(self.longest).min(len);
            self.begun.reserve_exact(room - self.begun.len());
        }
        self.begun.extend_from_slice(&self.piece[..more]);
        self.piece.advance(more);
        if self.begun.len() < len {
            return None;
        }
        self.longest = self.longest.max(len);
        self.taken += len as u64;
        Some(std::mem::take(&mut self.begun).freeze())
    }

    /// Passes over up to `len` bytes; returns how many.
    pub(crate) fn skip(&mut self, len: u64) -> u64 {
        let now = usize::try_from(len)
            .unwrap_or(usize::MAX)
            .min(self.piece.len());
        self.piece.advance(now);
        self.taken += now as u64;
        now as u64
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.piece = Bytes::new();
        self.begun = BytesMut::new();
    }
}

trait ReserveExact {
    fn reserve_exact(&mut self, more: usize);
}

impl ReserveExact for BytesMut {
    /// As [`BytesMut::reserve`], without room for more than was asked.
    fn reserve_exact(&mut self, more: usize) {
        let mut room = BytesMut::with_capacity(self.len() + more);
        room.extend_from_slice(self);
        *self = room;
    }
}

#[cfg(test)]
impl Input {
    /// Bytes of room made for an item whose end has not come.
    pub(crate) fn room(&self) -> usize {
        self.begun.capacity()
    }
}
