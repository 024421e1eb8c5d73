use async_trait::async_trait;
use basalt_block::{Block, Cid, Multihash};
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::{Horizon, Lease, Result};

/// What is known of a block without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockStat {
    /// Size of the data in bytes.
    pub size: u64,
    /// Whether the block certainly holds no links under the codec it was asked for; `false` may
    /// mean "not known".
    pub leaf: bool,
}

/// Totals of a store, kept up to date with every write: reading them takes constant time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Blocks in the store.
    pub blocks: u64,
    /// Bytes of those blocks' data.
    pub block_bytes: u64,
    /// Bytes on disk, everything counted.
    pub disk_bytes: u64,
}

/// What became of a block that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It was there and is gone; its size in bytes.
    Gone(u64),
    /// It was not there.
    Absent,
    /// It was written too lately for this sweep, or under a lease that lives.
    Spared,
}

/// A row of [`Blockstore::keys`].
pub type StatStream = BoxStream<'static, Result<(Multihash, BlockStat)>>;
/// A row of [`Datastore::scan`]: key (with its prefix) and value.
pub type Records = BoxStream<'static, Result<(Bytes, Bytes)>>;
/// What [`Blockstore::scrub`] finds.
pub type Findings = BoxStream<'static, ScrubEvent>;

/// One finding of a scrub.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ScrubEvent {
    /// The block's bytes hash to its name.
    Good(Multihash),
    /// The block is damaged: its bytes are unreadable or wrong.
    Bad(Multihash, String),
    /// A part of the store is damaged that cannot be told block by block; the scrub went on
    /// behind it.
    Damaged(String),
}

/// A place that keeps blocks.
///
/// Calls may be made from any task; none blocks the runtime. Identity CIDs are not special here:
/// callers answer them without a store.
#[async_trait]
pub trait Blockstore: Send + Sync + 'static {
    /// The block, its bytes checked against the store's own checksum, or `None`.
    async fn get(&self, cid: &Cid) -> Result<Option<Block>>;

    /// As [`Blockstore::get`], for several blocks in one visit; answers in the order of `cids`.
    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>>;

    /// What is known of the blocks, without reading their data; in the order of `cids`.
    async fn stat_many(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>>;

    /// What is known of one block.
    async fn stat(&self, cid: &Cid) -> Result<Option<BlockStat>> {
        Ok(self
            .stat_many(std::slice::from_ref(cid))
            .await?
            .pop()
            .flatten())
    }

    /// Whether the block is here.
    async fn has(&self, cid: &Cid) -> Result<bool> {
        Ok(self.stat(cid).await?.is_some())
    }

    /// Writes blocks that are not there yet; all of them count as written in the present epoch.
    /// On return they are visible; [`Blockstore::sync`] makes them durable. Either all or none of
    /// one call is kept after a crash or a full disk. The bytes are taken to match the CIDs.
    async fn put_many(&self, blocks: Vec<Block>) -> Result<()>;

    /// Makes everything that was written before this call durable.
    async fn sync(&self) -> Result<()>;

    /// Deletes blocks but for those a live lease keeps. In the order of `hashes`.
    async fn delete_many(&self, hashes: &[Multihash]) -> Result<Vec<Deleted>>;

    /// Deletes blocks that are older than `horizon`. In the order of `hashes`.
    async fn sweep(&self, hashes: &[Multihash], horizon: Horizon) -> Result<Vec<Deleted>>;

    /// Gives the space of deleted blocks back to the file system. Rate-limited; may be dropped at
    /// any time.
    async fn compact(&self) -> Result<()>;

    /// Keeps what is written from now on until the lease is dropped.
    fn lease(&self) -> Lease;

    /// Begins a sweep.
    fn begin_sweep(&self) -> Horizon;

    /// Every block, as of now, in no particular order; reads no block data.
    fn keys(&self) -> StatStream;

    /// Reads every block and checks its hash, going on past whatever is damaged.
    fn scrub(&self) -> Findings;

    /// Totals, in constant time.
    fn usage(&self) -> Usage;
}

/// A place that keeps small records: pins, the MFS root, counters. Keys begin with the name of
/// their table and a slash.
#[async_trait]
pub trait Datastore: Send + Sync + 'static {
    /// The value under `key`.
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>>;

    /// As [`Datastore::get`], for several keys in one visit.
    async fn get_many(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>>;

    /// Applies the whole batch or nothing. On return it is durable, and so is every block and
    /// record written before.
    async fn write(&self, batch: Batch) -> Result<()>;

    /// The records whose keys begin with `prefix` and are not before `from`, in the order of the
    /// keys, as of now.
    fn scan(&self, prefix: &[u8], from: Option<&[u8]>) -> Records;
}

/// Changes to a [`Datastore`] that belong together.
#[derive(Debug, Clone, Default)]
pub struct Batch(pub Vec<Op>);

/// One change.
#[derive(Debug, Clone)]
pub enum Op {
    /// Writes a record.
    Put(Bytes, Bytes),
    /// Removes a record, if it is there.
    Delete(Bytes),
}

impl Batch {
    /// Adds a write.
    pub fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> &mut Self {
        self.0.push(Op::Put(key.into(), value.into()));
        self
    }

    /// Adds a removal.
    pub fn delete(&mut self, key: impl Into<Bytes>) -> &mut Self {
        self.0.push(Op::Delete(key.into()));
        self
    }
}
