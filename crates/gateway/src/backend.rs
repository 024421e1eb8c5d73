//! Where the gateway gets blocks and the meaning of names from.

use std::sync::Arc;

use async_trait::async_trait;
use basalt_block::{Block, Cid};
use basalt_exchange::BlockService;
use basalt_ipns::{Find, Resolver};
use basalt_unixfs::BlockSource;

use crate::denylist::Denylists;
use crate::error::Error;

/// Blocks and names.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) blocks: BlockService,
    pub(crate) names: Resolver,
    pub(crate) denied: Denylists,
    /// Whether so many requests are being answered that each must do with little memory.
    pub(crate) crowded: bool,
}

impl Backend {
    /// The same for the blocks of one request, which belong together.
    pub(crate) fn session(&self, crowded: bool) -> Self {
        Self {
            blocks: self.blocks.session(),
            crowded,
            ..self.clone()
        }
    }

    /// The blocks as UnixFS reads them.
    pub(crate) fn source(&self) -> Arc<dyn BlockSource> {
        Arc::new(Blocks {
            blocks: self.blocks.clone(),
            denied: self.denied.clone(),
        })
    }

    /// How the meaning of names is found out: by asking others, if blocks are asked for too.
    pub(crate) fn find(&self) -> Find {
        match self.blocks.exchange().is_online() {
            true => Find::default(),
            false => Find::offline(),
        }
    }

    /// A block.
    pub(crate) async fn block(&self, cid: &Cid) -> Result<Block, Error> {
        self.denied.check_cid(cid)?;
        self.blocks
            .get(cid)
            .await
            .map_err(|e| Error::from(e).retrieving())
    }
}

struct Blocks {
    blocks: BlockService,
    denied: Denylists,
}

impl Blocks {
    fn check(&self, cid: &Cid) -> basalt_unixfs::Result<()> {
        let checked = self.denied.check_cid(cid);
        checked.map_err(|e| basalt_unixfs::Error::Source(Box::new(e)))
    }
}

fn failure(error: basalt_exchange::Error) -> basalt_unixfs::Error {
    basalt_unixfs::Error::Source(Box::new(error))
}

#[async_trait]
impl BlockSource for Blocks {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<Block> {
        self.check(cid)?;
        self.blocks.get(cid).await.map_err(failure)
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<Block>> {
        cids.iter().try_for_each(|cid| self.check(cid))?;
        self.blocks.get_many(cids).await.map_err(failure)
    }
}
