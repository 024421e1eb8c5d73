//! How many references there are: kept with every write, so that nobody has to count.

use basalt_block::varint;

/// The record of the totals. It is no reference's key.
pub(crate) const KEY: &str = "filestore-totals";

/// References, and the bytes of the blocks they stand for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) references: u64,
    pub(crate) bytes: u64,
}

impl Totals {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut row = Vec::new();
        varint::write(self.references, &mut row);
        varint::write(self.bytes, &mut row);
        row
    }

    pub(crate) fn decode(mut row: &[u8]) -> Option<Self> {
        let references = varint::take(&mut row).ok()?;
        let bytes = varint::take(&mut row).ok()?;
        row.is_empty().then_some(Self { references, bytes })
    }

    pub(crate) fn add(&mut self, size: u64) {
        self.references += 1;
        self.bytes += size;
    }

    pub(crate) fn remove(&mut self, size: u64) {
        self.references = self.references.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(size);
    }
}
