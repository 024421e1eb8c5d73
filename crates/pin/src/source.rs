use std::sync::Arc;

use async_trait::async_trait;
use basalt_block::{Block, Cid, validate};
use basalt_blockstore::{BlockStat, Blockstore};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use crate::{Error, Result};

/// Where a walk reads blocks. Identity CIDs are answered like any other, and CIDs that are not to
/// be trusted ([`basalt_block::validate`]) are refused.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// What is known of blocks that are here, in the order of `cids`, without reading them.
    async fn stat_local(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>>;

    /// Blocks that are here, in the order of `cids`.
    async fn get_local(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>>;

    /// A block, fetched if it is not here. That it cannot be had is an error.
    async fn get(&self, cid: &Cid) -> Result<Block>;

    /// Several blocks as they come, in any order: each of `cids` once, fetched if it is not here, or
    /// why it cannot be had.
    fn each(&self, cids: Vec<Cid>) -> BoxStream<'static, (Cid, Result<Block>)>;
}

/// A store alone, with nobody to ask for what is missing.
#[derive(Clone)]
pub struct Local(pub Arc<dyn Blockstore>);

#[async_trait]
impl Source for Local {
    async fn stat_local(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        cids.iter().try_for_each(validate)?;
        let mut stats = self.0.stat_many(cids).await?;
        for (cid, stat) in cids.iter().zip(&mut stats) {
            if let Some(block) = Block::from_identity(cid) {
                *stat = Some(BlockStat {
                    size: block.data().len() as u64,
                    leaf: block.is_leaf(),
                });
            }
        }
        Ok(stats)
    }

    async fn get_local(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        cids.iter().try_for_each(validate)?;
        let mut blocks = self.0.get_many(cids).await?;
        for (cid, block) in cids.iter().zip(&mut blocks) {
            if let Some(inline) = Block::from_identity(cid) {
                *block = Some(inline);
            }
        }
        Ok(blocks)
    }

    async fn get(&self, cid: &Cid) -> Result<Block> {
        validate(cid)?;
        if let Some(inline) = Block::from_identity(cid) {
            return Ok(inline);
        }
        self.0.get(cid).await?.ok_or(Error::Missing(*cid))
    }

    fn each(&self, cids: Vec<Cid>) -> BoxStream<'static, (Cid, Result<Block>)> {
        let local = self.clone();
        stream::iter(cids)
            .then(move |cid| {
                let local = local.clone();
                async move { (cid, local.get(&cid).await) }
            })
            .boxed()
    }
}
