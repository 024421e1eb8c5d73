//! A block of a table: sorted entries whose keys share beginnings.

use super::varint::{take, take_bytes, u32_at};

/// An entry: its internal key, and where in the block its value is.
pub(super) type Entry = (Vec<u8>, std::ops::Range<usize>);

/// Entries in their order.
pub(super) struct Block {
    bytes: Vec<u8>,
    at: usize,
    end: usize,
    key: Vec<u8>,
}

impl Block {
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, String> {
        let end = entries_end(&bytes).ok_or("a block's list of restarts is damaged")?;
        Ok(Self {
            bytes,
            at: 0,
            end,
            key: Vec::new(),
        })
    }

    pub(super) fn value(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    pub(super) fn next(&mut self) -> Result<Option<Entry>, String> {
        if self.at == self.end {
            return Ok(None);
        }
        let entry = self.entry();
        entry.map(Some).ok_or_else(|| {
            self.at = self.end;
            "an entry of a block is damaged".to_owned()
        })
    }

    fn entry(&mut self) -> Option<Entry> {
        let whole = &self.bytes[self.at..self.end];
        let mut rest = whole;
        let shared = usize::try_from(take(&mut rest)?).ok()?;
        let own = usize::try_from(take(&mut rest)?).ok()?;
        let len = usize::try_from(take(&mut rest)?).ok()?;
        let own = take_bytes(&mut rest, own)?;
        if shared > self.key.len() {
            return None;
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(own);
        let begin = self.at + (whole.len() - rest.len());
        take_bytes(&mut rest, len)?;
        self.at = begin + len;
        Some((self.key.clone(), begin..begin + len))
    }
}

fn entries_end(bytes: &[u8]) -> Option<usize> {
    let count_at = bytes.len().checked_sub(4)?;
    let restarts = usize::try_from(u32_at(bytes, count_at)?).ok()?;
    count_at.checked_sub(restarts.checked_mul(4)?)
}
