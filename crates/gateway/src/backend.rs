//! Where the gateway gets blocks and the meaning of names from.

use std::sync::Arc;

use async_trait::async_trait;
use basalt_block::{Block, Cid};
use basalt_denylist::Denylists;
use basalt_exchange::BlockService;
use basalt_ipns::{Find, Resolver};
use basalt_unixfs::BlockSource;

use crate::directories::Directories;
use crate::error::Error;
use crate::pace::{PIECE, Pace};
use crate::retrieval::Retrieval;

/// Blocks and names.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) blocks: BlockService,
    pub(crate) names: Resolver,
    pub(crate) denied: Denylists,
    /// Directories that were looked into.
    pub(crate) directories: Directories,
    /// How much memory the answer to the request may hold.
    pub(crate) pace: Pace,
}

impl Backend {
    /// The same for the blocks of one request, which belong together; `retrieval` is told what it waits for.
    pub(crate) fn session(&self, retrieval: &Retrieval) -> Self {
        Self {
            blocks: self.blocks.session().observed(retrieval.observer()),
            pace: self.pace.another(),
            ..self.clone()
        }
    }

    /// The blocks as UnixFS reads them.
    pub(crate) fn source(&self) -> Arc<dyn BlockSource> {
        Arc::new(Blocks {
            blocks: self.blocks.clone(),
            pace: self.pace.clone(),
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
        if self.pace.is_crowded() {
            // What has to come from elsewhere takes no turn: it may take long.
            let known = self.blocks.stat_local(std::slice::from_ref(cid)).await;
            let known = known
                .ok()
                .and_then(|known| known.into_iter().next().flatten());
            if known.is_some_and(|stat| stat.size > PIECE as u64) {
                self.pace.take_turn().await;
            }
        }
        self.blocks
            .get(cid)
            .await
            .map_err(|e| Error::from(e).retrieving())
    }
}

struct Blocks {
    blocks: BlockService,
    pace: Pace,
}

fn failure(error: basalt_exchange::Error) -> basalt_unixfs::Error {
    basalt_unixfs::Error::Source(Box::new(error))
}

#[async_trait]
impl BlockSource for Blocks {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<Block> {
        self.blocks.get(cid).await.map_err(failure)
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<Block>> {
        self.blocks.get_many(cids).await.map_err(failure)
    }

    fn read_ahead(&self) -> usize {
        self.pace.ahead()
    }
}
