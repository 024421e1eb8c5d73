//! Shards of a directory: <https://specs.ipfs.tech/unixfs/#hamt-sharded-directories>.

use basalt_block::Block;
use basalt_ipld::dag_pb::{Link, Node};
use bytes::Bytes;

use super::{Entry, get};
use crate::{BlockSource, Data, Error, Kind, Result, murmur3, reader::decode};

/// The multicodec code of the hash function.
pub(crate) const HASH_MURMUR3: u64 = 0x22;
const MAX_FANOUT: u64 = 1024;

/// A shard whose bit field and links agree.
pub(super) struct Shard {
    bits: Bytes,
    digit_bits: u32,
    pad: usize,
    links: Vec<Link>,
}

/// What a slot holds.
pub(super) enum Slot {
    Entry(Entry),
    Shard(Link),
}

impl Shard {
    pub(super) fn decode(block: &Block) -> Result<Self> {
        let (node, data) = decode(block)?;
        Self::from_parts(block, node, data)
    }

    pub(super) fn from_parts(block: &Block, node: Node, data: Data) -> Result<Self> {
        let bad = |reason: &str| Err(Error::malformed(block.cid(), reason));
        if data.kind != Kind::HamtShard {
            return bad("node was not a dir shard");
        }
        if data.hash_type != Some(HASH_MURMUR3) {
            return bad("only murmur3 supported as hash function");
        }
        let fanout = data.fanout.unwrap_or(0);
        if !fanout.is_power_of_two() || !fanout.is_multiple_of(8) {
            return bad("hamt size should be a power of two");
        }
        if fanout > MAX_FANOUT {
            return bad("hamt width exceeds the maximum of 1024");
        }
        let bits = data.data.unwrap_or_default();
        let ones: u32 = bits.iter().map(|b| b.count_ones()).sum();
        if bits.len() as u64 > fanout / 8 || ones as usize != node.links.len() {
            return bad("the bit field and the links of the shard do not agree");
        }
        let pad = format!("{:X}", fanout - 1).len();
        if node.links.iter().any(|link| link.name().len() < pad) {
            return bad("invalid link name");
        }
        Ok(Self {
            bits,
            digit_bits: fanout.trailing_zeros(),
            pad,
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

    /// All slots that hold something, in their order.
    pub(super) fn into_slots(self) -> Vec<Slot> {
        let pad = self.pad;
        self.links.into_iter().map(|link| slot(link, pad)).collect()
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
    let hash = murmur3::hash64(name);
    let mut shard = Shard::decode(root)?;
    let mut rest = 64u32;
    loop {
        rest = rest
            .checked_sub(shard.digit_bits)
            .ok_or(Error::ShardTooDeep)?;
        let digit = (hash >> rest) as usize & ((1 << shard.digit_bits) - 1);
        let Some(link) = shard.at(digit) else {
            return Ok(None);
        };
        match slot(link.clone(), shard.pad) {
            Slot::Entry(entry) => return Ok((entry.name == name).then_some(entry)),
            Slot::Shard(link) => shard = Shard::decode(&get(source, &link.cid).await?)?,
        }
    }
}
