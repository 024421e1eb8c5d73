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
        Arc::new(self.paced())
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
        let block = self.paced().get(cid).await;
        block.map_err(|e| Error::from(e).retrieving())
    }

    /// How long a block is; one that is here is not read for that.
    pub(crate) async fn length(&self, cid: &Cid) -> Result<u64, Error> {
        self.denied.check_cid(cid)?;
        let stat = self.blocks.stat(cid).await;
        Ok(stat.map_err(|e| Error::from(e).retrieving())?.size)
    }

    fn paced(&self) -> Blocks {
        Blocks {
            blocks: self.blocks.clone(),
            pace: self.pace.clone(),
        }
    }
}

/// Blocks, long ones of which are read in their turn where many answers are being made.
struct Blocks {
    blocks: BlockService,
    pace: Pace,
}

impl Blocks {
    async fn get(&self, cid: &Cid) -> basalt_exchange::Result<Block> {
        if self.pace.is_free() {
            return self.blocks.get(cid).await;
        }
        let one = std::slice::from_ref(cid);
        if self.pace.try_turn() || self.wait(one).await? {
            let found = self.blocks.get_local(one).await?.pop().flatten();
            if let Some(block) = found {
                self.pace.trim_turn(block.data().len());
                return Ok(block);
            }
        }
        // Others may take long to send it.
        self.pace.put_down();
        let block = self.blocks.get(cid).await?;
        if block.data().len() <= PIECE {
            return Ok(block);
        }
        // It is in the store now.
        let length = block.data().len();
        drop(block);
        self.pace.take_turn(length).await;
        self.blocks.get(cid).await
    }

    /// Waits for a turn to read these blocks, if they are long; whether all of them are here.
    async fn wait(&self, cids: &[Cid]) -> basalt_exchange::Result<bool> {
        let known = self.blocks.stat_local(cids).await?;
        let Some(known) = known.into_iter().collect::<Option<Vec<_>>>() else {
            return Ok(false);
        };
        let length: u64 = known.iter().map(|stat| stat.size).sum();
        if length > PIECE as u64 {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            self.pace.take_turn(length).await;
        }
        Ok(true)
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_exchange::Result<Vec<Block>> {
        if let [cid] = cids {
            return Ok(vec![self.get(cid).await?]);
        }
        if !self.pace.is_free() && !self.wait(cids).await? {
            self.pace.put_down();
        }
        self.blocks.get_many(cids).await
    }
}

fn failure(error: basalt_exchange::Error) -> basalt_unixfs::Error {
    basalt_unixfs::Error::Source(Box::new(error))
}

#[async_trait]
impl BlockSource for Blocks {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<Block> {
        Blocks::get(self, cid).await.map_err(failure)
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<Block>> {
        Blocks::get_many(self, cids).await.map_err(failure)
    }

    fn read_ahead(&self) -> usize {
        self.pace.ahead()
    }
}
