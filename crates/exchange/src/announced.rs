use std::sync::Arc;

use async_trait::async_trait;
use basalt_block::{Block, Cid, Multihash};
use basalt_blockstore::{
    BlockStat, Blockstore, Deleted, Findings, Horizon, Lease, Result, StatStream, Usage,
};

use crate::Exchange;

/// A store that tells an exchange of all that is written, by whatever way, for peers that wait for
/// it.
pub struct Announced {
    store: Arc<dyn Blockstore>,
    exchange: Arc<dyn Exchange>,
}

impl Announced {
    /// The store, and who is told of its blocks.
    pub fn new(store: Arc<dyn Blockstore>, exchange: Arc<dyn Exchange>) -> Self {
        Self { store, exchange }
    }
}

#[async_trait]
impl Blockstore for Announced {
    async fn get(&self, cid: &Cid) -> Result<Option<Block>> {
        self.store.get(cid).await
    }

    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        self.store.get_many(cids).await
    }

    async fn stat_many(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        self.store.stat_many(cids).await
    }

    async fn put_many(&self, blocks: Vec<Block>) -> Result<()> {
        if !self.exchange.is_online() {
            return self.store.put_many(blocks).await;
        }
        let cids: Vec<Cid> = blocks.iter().map(|b| *b.cid()).collect();
        self.store.put_many(blocks).await?;
        self.exchange.notify(&cids).await;
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        self.store.sync().await
    }

    async fn delete_many(&self, hashes: &[Multihash]) -> Result<Vec<Deleted>> {
        self.store.delete_many(hashes).await
    }

    async fn sweep(&self, hashes: &[Multihash], horizon: Horizon) -> Result<Vec<Deleted>> {
        self.store.sweep(hashes, horizon).await
    }

    async fn compact(&self) -> Result<()> {
        self.store.compact().await
    }

    fn lease(&self) -> Lease {
        self.store.lease()
    }

    fn begin_sweep(&self) -> Horizon {
        self.store.begin_sweep()
    }

    fn keys(&self) -> StatStream {
        self.store.keys()
    }

    fn scrub(&self) -> Findings {
        self.store.scrub()
    }

    fn usage(&self) -> Usage {
        self.store.usage()
    }
}
