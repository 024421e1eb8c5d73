//! A HAMT from entries in the order of their hashes: only the shards on the way to the last entry
//! are open.

use basalt_block::Block;
use basalt_ipld::dag_pb::Link;
use bytes::Bytes;

use super::{entries::Row, node_block};
use crate::{
    CidFormat, Data, Error, Kind, Result, Stat, directory::hamt::HASH_MURMUR3, sink::Outbox,
};

pub(super) struct Shards {
    fanout: usize,
    digit_bits: u32,
    /// Hex digits before each name.
    pad: usize,
    cids: CidFormat,
    open: Vec<Shard>,
    /// The last entry, whose depth depends on the next, and how many digits it shares with the
    /// one before.
    last: Option<(Row, usize)>,
}

struct Shard {
    links: Vec<Link>,
    /// Big endian: the first slot is the lowest bit of the last byte.
    bits: Vec<u8>,
}

impl Shards {
    pub(super) fn new(fanout: usize, cids: CidFormat) -> Result<Self> {
        if !is_fanout(fanout) {
            return Err(Error::Fanout(fanout));
        }
        Ok(Self {
            fanout,
            digit_bits: fanout.trailing_zeros(),
            pad: format!("{:X}", fanout - 1).len(),
            cids,
            open: Vec::new(),
            last: None,
        })
    }

    fn shared_digits(&self, a: u64, b: u64) -> usize {
        ((a ^ b).leading_zeros() / self.digit_bits) as usize
    }

    fn digit(&self, hash: u64, depth: usize) -> Option<usize> {
        let used = (depth as u32 + 1) * self.digit_bits;
        let shift = 64u32.checked_sub(used)?;
        Some((hash >> shift) as usize & (self.fanout - 1))
    }

    /// Adds the next entry.
    pub(super) fn push(&mut self, row: Row, out: &mut Outbox) -> Result<()> {
        let mut shared = 0;
        if let Some((last, before)) = self.last.take() {
            if last.name == row.name {
                return Err(Error::Exists);
            }
            shared = self.shared_digits(last.hash, row.hash);
            self.place(last, before.max(shared), shared, out)?;
        }
        self.last = Some((row, shared));
        Ok(())
    }

    /// Puts an entry into the shard at `depth`, then closes the shards below `keep`.
    fn place(&mut self, row: Row, depth: usize, keep: usize, out: &mut Outbox) -> Result<()> {
        let slot = self.digit(row.hash, depth).ok_or(Error::ShardTooDeep)?;
        while self.open.len() <= depth {
            let bits = vec![0; self.fanout / 8];
            self.open.push(Shard {
                links: Vec::new(),
                bits,
            });
        }
        let name = [self.prefix(slot).as_bytes(), &row.name].concat();
        self.open[depth].push(slot, Link::new(row.cid, name, row.tsize));
        while self.open.len() > keep + 1 {
            let Some(shard) = self.open.pop() else { break };
            let (block, size) = self.close(shard, Stat::default())?;
            let depth = self.open.len() - 1;
            let slot = self.digit(row.hash, depth).ok_or(Error::ShardTooDeep)?;
            let link = Link::new(*block.cid(), self.prefix(slot), size);
            self.open[depth].push(slot, link);
            out.push(block);
        }
        Ok(())
    }

    fn prefix(&self, slot: usize) -> String {
        format!("{slot:0width$X}", width = self.pad)
    }

    fn close(&self, shard: Shard, stat: Stat) -> Result<(Block, u64)> {
        let zeros = shard.bits.iter().take_while(|b| **b == 0).count();
        let bits = Bytes::copy_from_slice(&shard.bits[zeros..]);
        let data = Data {
            kind: Kind::HamtShard,
            data: (!bits.is_empty()).then_some(bits),
            hash_type: Some(HASH_MURMUR3),
            fanout: Some(self.fanout as u64),
            ..Data::directory(stat)
        };
        node_block(shard.links, &data, self.cids)
    }

    /// The root shard and the size of all below it.
    pub(super) fn finish(mut self, stat: Stat, out: &mut Outbox) -> Result<(Block, u64)> {
        if let Some((last, before)) = self.last.take() {
            self.place(last, before, 0, out)?;
        }
        let empty = || Shard {
            links: Vec::new(),
            bits: vec![0; self.fanout / 8],
        };
        let root = self.open.pop().unwrap_or_else(empty);
        self.close(root, stat)
    }
}

impl Shard {
    fn push(&mut self, slot: usize, link: Link) {
        let last = self.bits.len() - 1;
        self.bits[last - slot / 8] |= 1 << (slot % 8);
        self.links.push(link);
    }
}

/// Whether a shard may have so many slots.
pub(super) fn is_fanout(n: usize) -> bool {
    n.is_power_of_two() && (8..=1024).contains(&n)
}
