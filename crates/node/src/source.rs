//! The block service as a place that walks read from.

use async_trait::async_trait;
use basalt_block::{Block, Cid};
use basalt_blockstore::BlockStat;
use basalt_exchange::BlockService;
use basalt_pin::{Error, Source};
use basalt_unixfs::BlockSource;
use futures::StreamExt;
use futures::stream::BoxStream;

/// What is read ahead, in bytes, of blocks that are here, and of those that may come from peers.
const NEAR: usize = 1 << 20;
const FAR: usize = 4 << 20;

/// Blocks that are here or can be fetched.
#[derive(Clone)]
pub(crate) struct Blocks(pub(crate) BlockService);

/// Walks tell what is missing apart from what failed.
fn failure(error: basalt_exchange::Error) -> Error {
    match error {
        basalt_exchange::Error::NotFoundOffline(cid) => Error::Missing(cid),
        basalt_exchange::Error::Store(error) => error.into(),
        basalt_exchange::Error::Block(error) => error.into(),
        other => Error::source(other),
    }
}

#[async_trait]
impl Source for Blocks {
    async fn stat_local(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>, Error> {
        self.0.stat_local(cids).await.map_err(failure)
    }

    async fn get_local(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>, Error> {
        self.0.get_local(cids).await.map_err(failure)
    }

    async fn get(&self, cid: &Cid) -> Result<Block, Error> {
        self.0.get(cid).await.map_err(failure)
    }

    fn each(&self, cids: Vec<Cid>) -> BoxStream<'static, (Cid, Result<Block, Error>)> {
        let came = self.0.each(cids);
        came.map(|(cid, block)| (cid, block.map_err(failure)))
            .boxed()
    }
}

#[async_trait]
impl BlockSource for Blocks {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<Block> {
        self.0
            .get(cid)
            .await
            .map_err(|e| basalt_unixfs::Error::Source(Box::new(e)))
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<Block>> {
        self.0
            .get_many(cids)
            .await
            .map_err(|e| basalt_unixfs::Error::Source(Box::new(e)))
    }

    fn read_ahead(&self) -> usize {
        if self.0.exchange().is_online() {
            FAR
        } else {
            NEAR
        }
    }
}
