//! The bytes of the store's own rows; `docs/store.md` is their specification.

use basalt_block::{Block, Cid, Multihash, codec, varint};
use basalt_blockstore::{BlockStat, Usage};

/// The store's format. It grows when a store written by this build could be misread by an older.
pub(crate) const FORMAT: u64 = 1;

/// In `nodes` rather than in `data`.
const NODE: u8 = 1;
/// No links under dag-pb.
const LEAF_PB: u8 = 1 << 1;
/// No links under dag-cbor.
const LEAF_CBOR: u8 = 1 << 2;

/// What the `meta` family holds of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    flags: u8,
    pub(crate) size: u64,
    pub(crate) epoch: u32,
}

impl Meta {
    pub(crate) fn of(block: &Block, epoch: u32) -> Self {
        let leaf = block.is_leaf();
        Self {
            flags: leaf_flag(block.cid().codec(), leaf) | if leaf { 0 } else { NODE },
            size: block.data().len() as u64,
            epoch,
        }
    }

    /// This row after the block was written again, perhaps under another codec. Where the bytes
    /// are does not change.
    pub(crate) fn rewritten(self, block: &Block, epoch: u32) -> Self {
        let codec = block.cid().codec();
        let known = leaf_flag(codec, true);
        let leaf = self.flags & known == 0 && known != 0 && block.is_leaf();
        Self {
            flags: self.flags | leaf_flag(codec, leaf),
            epoch,
            ..self
        }
    }

    pub(crate) fn at(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }

    pub(crate) fn is_node(self) -> bool {
        self.flags & NODE != 0
    }

    /// A codec under which writing the block leads to this row. What was learnt under a second codec
    /// is not in it.
    pub(crate) fn codec(self) -> u64 {
        match self.flags {
            flags if flags & LEAF_CBOR != 0 => codec::DAG_CBOR,
            flags if flags & (NODE | LEAF_PB) != 0 => codec::DAG_PB,
            _ => codec::RAW,
        }
    }

    pub(crate) fn stat(self, codec: u64) -> BlockStat {
        let leaf = codec == codec::RAW || self.flags & leaf_flag(codec, true) != 0;
        BlockStat {
            size: self.size,
            leaf,
        }
    }

    pub(crate) fn encode(self) -> Row {
        let mut row = Row::default();
        row.push(self.flags);
        row.varint(self.size);
        row.varint(self.epoch.into());
        row
    }

    pub(crate) fn decode(mut row: &[u8]) -> Option<Self> {
        let (flags, rest) = row.split_first()?;
        row = rest;
        let size = varint::take(&mut row).ok()?;
        let epoch = u32::try_from(varint::take(&mut row).ok()?).ok()?;
        let flags = *flags;
        let known = flags & !(NODE | LEAF_PB | LEAF_CBOR) == 0;
        (known && row.is_empty()).then_some(Self { flags, size, epoch })
    }
}

fn leaf_flag(codec: u64, leaf: bool) -> u8 {
    match codec {
        codec::DAG_PB if leaf => LEAF_PB,
        codec::DAG_CBOR if leaf => LEAF_CBOR,
        _ => 0,
    }
}

/// A few bytes that need no allocation.
#[derive(Debug, Default)]
pub(crate) struct Row {
    len: usize,
    bytes: [u8; 25],
}

impl Row {
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn varint(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.push(n as u8);
    }
}

impl AsRef<[u8]> for Row {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The totals, as one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
    /// The last epoch in which a block was written.
    pub(crate) epoch: u32,
}

impl Totals {
    pub(crate) fn encode(self) -> Row {
        let mut row = Row::default();
        row.varint(self.blocks);
        row.varint(self.bytes);
        row.varint(self.epoch.into());
        row
    }

    pub(crate) fn decode(mut row: &[u8]) -> Option<Self> {
        let blocks = varint::take(&mut row).ok()?;
        let bytes = varint::take(&mut row).ok()?;
        let epoch = u32::try_from(varint::take(&mut row).ok()?).ok()?;
        let totals = Self {
            blocks,
            bytes,
            epoch,
        };
        row.is_empty().then_some(totals)
    }

    pub(crate) fn usage(self, disk_bytes: u64) -> Usage {
        Usage {
            blocks: self.blocks,
            block_bytes: self.bytes,
            disk_bytes,
        }
    }
}

pub(crate) fn encode_format(format: u64) -> Row {
    let mut row = Row::default();
    row.varint(format);
    row
}

pub(crate) fn decode_format(mut row: &[u8]) -> Option<u64> {
    let format = varint::take(&mut row).ok()?;
    row.is_empty().then_some(format)
}

/// The key of a block, on the stack: its multihash in binary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    len: u8,
    bytes: [u8; KEY_MAX],
}

/// A multihash's code and length take at most 10 and 2 bytes.
const KEY_MAX: usize = basalt_block::MAX_DIGEST + 12;

impl Key {
    pub(crate) fn of(hash: &Multihash) -> Self {
        let mut bytes = [0; KEY_MAX];
        // A slice that is long enough cannot fail to be written.
        let len = hash.write(&mut bytes[..]).unwrap_or(0);
        Self {
            len: len as u8,
            bytes,
        }
    }

    pub(crate) fn of_cid(cid: &Cid) -> Self {
        Self::of(cid.hash())
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The multihash that `key` is.
pub(crate) fn multihash(key: &[u8]) -> Option<Multihash> {
    Multihash::from_bytes(key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_back(flags in 0u8..8, size: u64, epoch: u32, blocks: u64) {
            let meta = Meta { flags, size, epoch };
            prop_assert_eq!(Meta::decode(meta.encode().as_ref()), Some(meta));
            let totals = Totals { blocks, bytes: size, epoch };
            prop_assert_eq!(Totals::decode(totals.encode().as_ref()), Some(totals));
            prop_assert_eq!(decode_format(encode_format(size).as_ref()), Some(size));
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            if let Some(meta) = Meta::decode(&bytes) {
                prop_assert_eq!(Meta::decode(meta.encode().as_ref()), Some(meta));
            }
            let _ = Totals::decode(&bytes);
            let _ = decode_format(&bytes);
            if let Some(hash) = multihash(&bytes) {
                prop_assert_eq!(multihash(Key::of(&hash).as_ref()), Some(hash));
            }
        }

        #[test]
        fn every_multihash_fits_a_key(code: u64, digest in prop::collection::vec(any::<u8>(), 0..=128)) {
            let hash = Multihash::wrap(code, &digest).unwrap();
            let key = Key::of(&hash);
            prop_assert_eq!(key.as_ref(), hash.to_bytes());
        }
    }
}
