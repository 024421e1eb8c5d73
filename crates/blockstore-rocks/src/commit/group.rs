//! One batch in the making: requests in their order, each seeing what those before it did.

use std::collections::HashMap;

use basalt_block::{Block, Multihash};
use basalt_blockstore::{Batch, Deleted, Epochs, Error, Horizon, Op, Result};
use rocksdb::WriteBatch;

use super::Answer;
use crate::cf::Cf;
use crate::codec::{Key, Meta, Totals};
use crate::db::Db;
use crate::open::{RECOUNT, TOTALS};

/// A block that was written, or written again.
pub(super) type Touched = (Key, Meta);

pub(super) struct Group<'a> {
    db: &'a Db,
    epochs: &'a Epochs,
    pub(super) batch: WriteBatch,
    /// What the batch makes of the blocks it touches.
    overlay: HashMap<Multihash, Known>,
    pub(super) touched: Vec<Touched>,
    pub(super) totals: Totals,
    pub(super) epoch: u32,
    bytes: usize,
    /// Whether a block or a record is written.
    puts: bool,
    /// Told when the batch is visible.
    pub(super) answers: Vec<Answer>,
    /// Told when the batch is durable.
    pub(super) durable: Vec<Answer>,
}

/// What is known of a block.
#[derive(Debug, Clone, Copy)]
enum Known {
    Absent,
    There(Meta),
    /// Its row cannot be read, so it may be there or not.
    Unreadable,
}

impl<'a> Group<'a> {
    /// An empty batch with room for `size` bytes.
    pub(super) fn new(db: &'a Db, epochs: &'a Epochs, totals: Totals, size: usize) -> Self {
        Self {
            db,
            epochs,
            batch: WriteBatch::with_capacity_bytes(size),
            overlay: HashMap::new(),
            touched: Vec::new(),
            totals,
            epoch: epochs.current(),
            bytes: 0,
            puts: false,
            answers: Vec::new(),
            durable: Vec::new(),
        }
    }

    /// Bytes of blocks and records in the batch.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the blocks that are not there and renews those that are. On an error nothing of the
    /// request is in the batch.
    pub(super) fn put(
        &mut self,
        blocks: Vec<Block>,
        admit: impl FnOnce(u64) -> Result<()>,
    ) -> Result<()> {
        let keys: Vec<Key> = blocks.iter().map(|b| Key::of_cid(b.cid())).collect();
        let known = self.look_up(blocks.iter().map(Block::multihash), &keys)?;
        let new = |(block, known): (&Block, &Known)| match known {
            Known::There(_) => 0,
            _ => block.data().len() as u64 + 64,
        };
        let new: u64 = blocks.iter().zip(&known).map(new).sum();
        if new > 0 {
            admit(new)?;
        }
        self.puts = true;
        for ((block, key), known) in blocks.into_iter().zip(keys).zip(known) {
            // Blocks may come twice in one request.
            let known = self
                .overlay
                .get(block.multihash())
                .copied()
                .unwrap_or(known);
            self.put_one(block, key, known);
        }
        Ok(())
    }

    fn put_one(&mut self, block: Block, key: Key, known: Known) {
        let meta = match known {
            Known::There(meta) => {
                let meta_now = meta.rewritten(&block, self.epoch);
                self.touched.push((key, meta_now));
                if meta_now == meta {
                    return;
                }
                meta_now
            }
            Known::Absent | Known::Unreadable => {
                let meta = Meta::of(&block, self.epoch);
                let cf = if meta.is_node() { Cf::Nodes } else { Cf::Data };
                self.batch.put_cf(self.db.cf(cf), key, block.data());
                self.bytes += block.data().len();
                self.totals.blocks += 1;
                self.totals.bytes += meta.size;
                self.touched.push((key, meta));
                if matches!(known, Known::Unreadable) {
                    let other = if meta.is_node() { Cf::Data } else { Cf::Nodes };
                    self.batch.delete_cf(self.db.cf(other), key);
                    self.recount();
                }
                meta
            }
        };
        self.batch.put_cf(self.db.cf(Cf::Meta), key, meta.encode());
        self.overlay.insert(*block.multihash(), Known::There(meta));
    }

    /// Deletes what neither the horizon nor, without one, a lease keeps.
    pub(super) fn delete(
        &mut self,
        hashes: &[Multihash],
        horizon: Option<Horizon>,
    ) -> Result<Vec<Deleted>> {
        let keys: Vec<Key> = hashes.iter().map(Key::of).collect();
        let known = self.look_up(hashes, &keys)?;
        let current = self.epochs.current();
        // Who deletes by name may mean bytes that damage has cut off from their row of the index.
        let orphans = horizon.is_none();
        let horizon = horizon.or_else(|| {
            let oldest_kept = self.epochs.oldest_lease()?;
            Some(Horizon::of(oldest_kept))
        });
        let rows = hashes.iter().zip(keys).zip(known);
        let deleted = rows
            .map(|((hash, key), known)| {
                let known = self.overlay.get(hash).copied().unwrap_or(known);
                self.delete_one(hash, key, known, orphans, |meta| {
                    horizon.is_some_and(|h| h.spares(meta.epoch, current))
                })
            })
            .collect();
        Ok(deleted)
    }

    fn delete_one(
        &mut self,
        hash: &Multihash,
        key: Key,
        known: Known,
        orphans: bool,
        spared: impl FnOnce(Meta) -> bool,
    ) -> Deleted {
        let size = match known {
            Known::Absent => {
                if orphans {
                    self.batch.delete_cf(self.db.cf(Cf::Nodes), key);
                    self.batch.delete_cf(self.db.cf(Cf::Data), key);
                }
                return Deleted::Absent;
            }
            Known::There(meta) if spared(meta) => return Deleted::Spared,
            Known::There(meta) => {
                let cf = if meta.is_node() { Cf::Nodes } else { Cf::Data };
                self.batch.delete_cf(self.db.cf(cf), key);
                self.totals.blocks = self.totals.blocks.saturating_sub(1);
                self.totals.bytes = self.totals.bytes.saturating_sub(meta.size);
                meta.size
            }
            Known::Unreadable => {
                self.batch.delete_cf(self.db.cf(Cf::Nodes), key);
                self.batch.delete_cf(self.db.cf(Cf::Data), key);
                self.recount();
                0
            }
        };
        self.batch.delete_cf(self.db.cf(Cf::Meta), key);
        self.overlay.insert(*hash, Known::Absent);
        Deleted::Gone(size)
    }

    /// Adds changes of records.
    pub(super) fn write(&mut self, batch: Batch) {
        let cf = self.db.cf(Cf::Records);
        for op in batch.0 {
            match op {
                Op::Put(key, value) => {
                    self.puts = true;
                    self.bytes += key.len() + value.len();
                    self.batch.put_cf(cf, key, value);
                }
                Op::Delete(key) => self.batch.delete_cf(cf, key),
            }
        }
    }

    /// What is known of the blocks, the batch included.
    fn look_up<'h>(
        &self,
        hashes: impl IntoIterator<Item = &'h Multihash>,
        keys: &[Key],
    ) -> Result<Vec<Known>> {
        let stored = match self.db.metas(keys) {
            Ok(stored) => stored.into_iter().map(known).collect(),
            Err(Error::Damaged(_)) => keys.iter().map(|key| self.look_up_one(key)).collect(),
            Err(other) => return Err(other),
        };
        let stored: Vec<Known> = stored;
        let seen = |(hash, stored)| self.overlay.get(hash).copied().unwrap_or(stored);
        Ok(hashes.into_iter().zip(stored).map(seen).collect())
    }

    fn look_up_one(&self, key: &Key) -> Known {
        match self.db.metas(std::slice::from_ref(key)).as_deref() {
            Ok([meta]) => known(*meta),
            _ => Known::Unreadable,
        }
    }

    /// Adds the totals, if they are not what is stored.
    pub(super) fn finish(&mut self, stored: Totals) {
        if !self.batch.is_empty() && !self.touched.is_empty() {
            self.totals.epoch = self.epoch;
        }
        if self.totals != stored {
            self.batch
                .put_cf(self.db.cf(Cf::Own), TOTALS, self.totals.encode());
        }
    }

    /// Whether nothing is written but deletions; an empty batch, for a sync, is none.
    pub(super) fn only_deletes(&self) -> bool {
        !self.puts && !self.batch.is_empty()
    }

    /// Answers all with an error.
    pub(super) fn refuse(self, error: &Error) {
        for answer in self.answers.into_iter().chain(self.durable) {
            answer(Err(error.clone()));
        }
    }

    /// Has the totals counted at the next start.
    pub(super) fn recount(&mut self) {
        self.batch.put_cf(self.db.cf(Cf::Own), RECOUNT, b"");
    }
}

fn known(meta: Option<Meta>) -> Known {
    meta.map_or(Known::Absent, Known::There)
}
