//! A HAMT from entries in the order of their hashes: only the shards on the way to the last entry
//! are open.

use basalt_block::Block;
use basalt_ipld::dag_pb::Link;

use super::entries::Row;
use crate::{
    CidFormat, Error, Result, Stat,
    directory::hamt::{Shape, Slots},
    sink::Outbox,
};

pub(super) struct Shards {
    shape: Shape,
    cids: CidFormat,
    open: Vec<Slots>,
    /// The last entry, whose depth depends on the next, and how many digits it shares with the
    /// one before.
    last: Option<(Row, usize)>,
}

impl Shards {
    pub(super) fn new(fanout: usize, cids: CidFormat) -> Result<Self> {
        Ok(Self {
            shape: Shape::new(fanout).ok_or(Error::Fanout(fanout))?,
            cids,
            open: Vec::new(),
            last: None,
        })
    }

    fn shared_digits(&self, a: u64, b: u64) -> usize {
        ((a ^ b).leading_zeros() / self.shape.digit_bits) as usize
    }

    fn slot(&self, hash: u64, depth: usize) -> Result<usize> {
        self.shape.slot(hash, depth as u32 * self.shape.digit_bits)
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
        let slot = self.slot(row.hash, depth)?;
        while self.open.len() <= depth {
            self.open.push(self.shape.slots());
        }
        let name = [self.shape.prefix(slot).as_bytes(), &row.name].concat();
        self.open[depth].push(slot, Link::new(row.cid, name, row.tsize));
        while self.open.len() > keep + 1 {
            let Some(shard) = self.open.pop() else { break };
            let (block, size) = self.shape.block(shard, Stat::default(), self.cids)?;
            let depth = self.open.len() - 1;
            let slot = self.slot(row.hash, depth)?;
            let link = Link::new(*block.cid(), self.shape.prefix(slot), size);
            self.open[depth].push(slot, link);
            out.push(block);
        }
        Ok(())
    }

    /// The root shard and the size of all below it.
    pub(super) fn finish(mut self, stat: Stat, out: &mut Outbox) -> Result<(Block, u64)> {
        if let Some((last, before)) = self.last.take() {
            self.place(last, before, 0, out)?;
        }
        let root = self.open.pop().unwrap_or_else(|| self.shape.slots());
        self.shape.block(root, stat, self.cids)
    }
}
