//! Shards of a directory: <https://specs.ipfs.tech/unixfs/#hamt-sharded-directories>.

use std::sync::Arc;

use basalt_block::Block;
use basalt_ipld::dag_pb::{Link, Node};
use bytes::Bytes;

use super::{Entry, get};
use crate::{
    BlockSource, CidFormat, Data, Error, Kind, Result, Stat, builder::node_block, edit, murmur3,
    reader::decode,
};

/// The multicodec code of the hash function.
const HASH_MURMUR3: u64 = 0x22;
const MAX_FANOUT: usize = 1024;

/// How many slots a shard has, and what follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    fanout: usize,
    /// The bits of a hash that choose a slot.
    pub(crate) digit_bits: u32,
    /// The hex digits before each name.
    pub(crate) pad: usize,
}

impl Shape {
    /// `None` for a number of slots that no shard may have.
    pub(crate) fn new(fanout: usize) -> Option<Self> {
        let fits = fanout.is_power_of_two() && (8..=MAX_FANOUT).contains(&fanout);
        fits.then(|| Self {
            fanout,
            digit_bits: fanout.trailing_zeros(),
            pad: format!("{:X}", fanout - 1).len(),
        })
    }

    /// The slot of a hash, of which so many bits chose the shard.
    pub(crate) fn slot(self, hash: u64, used_bits: u32) -> Result<usize> {
        let shift = 64u32.checked_sub(used_bits + self.digit_bits);
        let shift = shift.ok_or(Error::ShardTooDeep)?;
        Ok((hash >> shift) as usize & (self.fanout - 1))
    }

    /// What stands before the name in a slot's link.
    pub(crate) fn prefix(self, slot: usize) -> String {
        format!("{slot:0width$X}", width = self.pad)
    }

    /// The block of a shard with these links, and the size of all it leads to.
    pub(crate) fn block(self, slots: Slots, stat: Stat, cids: CidFormat) -> Result<(Block, u64)> {
        let zeros = slots.bits.iter().take_while(|b| **b == 0).count();
        let bits = Bytes::copy_from_slice(&slots.bits[zeros..]);
        let data = Data {
            kind: Kind::HamtShard,
            data: (!bits.is_empty()).then_some(bits),
            hash_type: Some(HASH_MURMUR3),
            fanout: Some(self.fanout as u64),
            ..Data::directory(stat)
        };
        node_block(slots.links, &data, cids)
    }

    pub(crate) fn slots(self) -> Slots {
        Slots {
            links: Vec::new(),
            bits: vec![0; self.fanout / 8],
        }
    }
}

/// The links of a shard to be, in the order of their slots.
pub(crate) struct Slots {
    pub(crate) links: Vec<Link>,
    /// Big endian: the first slot is the lowest bit of the last byte.
    bits: Vec<u8>,
}

impl Slots {
    pub(crate) fn push(&mut self, slot: usize, link: Link) {
        let last = self.bits.len() - 1;
        self.bits[last - slot / 8] |= 1 << (slot % 8);
        self.links.push(link);
    }
}

/// A shard whose bit field and links agree.
pub(crate) struct Shard {
    bits: Bytes,
    pub(crate) shape: Shape,
    links: Vec<Link>,
}

/// What a slot holds.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    Entry(Entry),
    Shard(Link),
    /// A shard that is being edited.
    Open(Arc<edit::Shard>),
}

impl Shard {
    pub(crate) fn decode(block: &Block) -> Result<Self> {
        let (node, data) = decode(block)?;
        Self::from_parts(block, node, data)
    }

    pub(crate) fn from_parts(block: &Block, node: Node, data: Data) -> Result<Self> {
        let bad = |reason: &str| Err(Error::malformed(block.cid(), reason));
        if data.kind != Kind::HamtShard {
            return bad("node was not a dir shard");
        }
        if data.hash_type != Some(HASH_MURMUR3) {
            return bad("only murmur3 supported as hash function");
        }
        let fanout = usize::try_from(data.fanout.unwrap_or(0)).unwrap_or(usize::MAX);
        let Some(shape) = Shape::new(fanout) else {
            return bad(if fanout > MAX_FANOUT && fanout.is_power_of_two() {
                "hamt width exceeds the maximum of 1024"
            } else {
                "hamt size should be a power of two"
            });
        };
        let bits = data.data.unwrap_or_default();
        let ones: u32 = bits.iter().map(|b| b.count_ones()).sum();
        if bits.len() > fanout / 8 || ones as usize != node.links.len() {
            return bad("the bit field and the links of the shard do not agree");
        }
        if node.links.iter().any(|link| link.name().len() < shape.pad) {
            return bad("invalid link name");
        }
        Ok(Self {
            bits,
            shape,
            links: node.links,
        })
    }

    /// The link of a slot.
    fn at(&self, slot: usize) -> Option<&Link> {
        let from_end = slot / 8;
        let byte = self.bits.len().checked_sub(from_end + 1)?;
        let mask = 1u8 << (slot % 8);
        if self.bits[byte] & mask == 0 {
            return None;
        }
        let below: u32 = self.bits[byte + 1..].iter().map(|b| b.count_ones()).sum();
        let index = below + (self.bits[byte] & (mask - 1)).count_ones();
        self.links.get(index as usize)
    }

    /// What the slot of a hash holds, of which so many bits led here; and how many lead below it.
    pub(crate) fn find(&self, hash: u64, used_bits: u32) -> Result<Option<(Slot, u32)>> {
        let Some(link) = self.at(self.shape.slot(hash, used_bits)?) else {
            return Ok(None);
        };
        let below = used_bits + self.shape.digit_bits;
        Ok(Some((slot(link.clone(), self.shape.pad), below)))
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn size(&self) -> usize {
        let names: usize = self.links.iter().map(|link| link.name().len()).sum();
        // Names and bits are parts of the block, the CIDs of which are in it once more.
        self.links.len() * (size_of::<Link>() + 48) + names + self.bits.len()
    }

    /// All slots that hold something, in their order.
    pub(crate) fn into_slots(self) -> Vec<Slot> {
        let pad = self.shape.pad;
        self.links.into_iter().map(|link| slot(link, pad)).collect()
    }

    /// The numbers of the slots that hold something.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> {
        let bits = self
            .bits
            .iter()
            .rev()
            .flat_map(|b| (0..8).map(move |i| b >> i & 1));
        bits.enumerate()
            .filter(|(_, bit)| *bit == 1)
            .map(|(at, _)| at)
    }
}

fn slot(mut link: Link, pad: usize) -> Slot {
    match &mut link.name {
        Some(name) if name.len() > pad => {
            *name = name.slice(pad..);
            Slot::Entry(link.into())
        }
        _ => Slot::Shard(link),
    }
}

/// Finds a name, from shard to shard.
pub(super) async fn lookup(
    source: &dyn BlockSource,
    root: &Block,
    name: &[u8],
) -> Result<Option<Entry>> {
    lookup_below(source, Shard::decode(root)?, 0, name).await
}

/// As [`lookup`], from a shard that so many bits of the name's hash led to.
pub(crate) async fn lookup_below(
    source: &dyn BlockSource,
    mut shard: Shard,
    mut used_bits: u32,
    name: &[u8],
) -> Result<Option<Entry>> {
    let hash = murmur3::hash64(name);
    while let Some((slot, below)) = shard.find(hash, used_bits)? {
        used_bits = below;
        match slot {
            Slot::Entry(entry) => return Ok((entry.name == name).then_some(entry)),
            Slot::Shard(link) => shard = Shard::decode(&get(source, &link.cid).await?)?,
            Slot::Open(_) => break,
        }
    }
    Ok(None)
}
