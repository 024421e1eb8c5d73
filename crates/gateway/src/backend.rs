//! Where the gateway gets blocks and the meaning of names from.

use std::sync::Arc;

use async_trait::async_trait;
use basalt_block::{Block, Cid};
use basalt_exchange::BlockService;
use basalt_ipns::Resolver;
use basalt_unixfs::BlockSource;

use crate::error::Error;

/// Blocks and names.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) blocks: BlockService,
    pub(crate) names: Resolver,
}

impl Backend {
    /// The same for the blocks of one request, which belong together.
    pub(crate) fn session(&self) -> Self {
        Self {
            blocks: self.blocks.session(),
            names: self.names.clone(),
        }
    }

    /// The blocks as UnixFS reads them.
    pub(crate) fn source(&self) -> Arc<dyn BlockSource> {
        Arc::new(Blocks(self.blocks.clone()))
    }

    /// A block.
    pub(crate) async fn block(&self, cid: &Cid) -> Result<Block, Error> {
        self.blocks
            .get(cid)
            .await
            .map_err(|e| Error::from(e).retrieving())
    }
}

struct Blocks(BlockService);

fn failure(error: basalt_exchange::Error) -> basalt_unixfs::Error {
    basalt_unixfs::Error::Source(Box::new(error))
}

#[async_trait]
impl BlockSource for Blocks {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<Block> {
        self.0.get(cid).await.map_err(failure)
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<Block>> {
        self.0.get_many(cids).await.map_err(failure)
    }
}
