use basalt::block::{Block, Hasher, MAX_BLOCK_SIZE, validate};
use basalt::{Node, Pin, TOO_BIG};
use bytes::Bytes;

use super::hashing_failed;
use crate::{Error, Result};

/// Makes a block of `data`, whose CID must be one that is trusted.
pub(crate) fn new_block(
    version: u64,
    codec: u64,
    hasher: Hasher,
    data: Bytes,
    allow_big: bool,
) -> Result<Block> {
    let len = data.len();
    let block = Block::hash(version, codec, hasher, data).map_err(hashing_failed)?;
    if len > MAX_BLOCK_SIZE && !allow_big {
        return Err(Error::new(TOO_BIG));
    }
    validate(block.cid()).map_err(|e| Error::new(e.to_string()))?;
    Ok(block)
}

/// What becomes of new blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The next collection removes them.
    UntilCollected,
    /// They are pinned recursively; what they link to need not be here yet.
    Pinned,
    /// They are pinned with all that they link to, which is fetched.
    PinnedWhole,
}

/// Stores blocks and their pins: all of it is durable when this returns.
pub(crate) async fn store(node: &Node, blocks: Vec<Block>, keep: Keep) -> Result<()> {
    if blocks.is_empty() {
        return Ok(());
    }
    let _kept_until_pinned = node.blocks().lease();
    let pins: Vec<Pin> = blocks.iter().map(|b| Pin::recursive(*b.cid())).collect();
    let leaves = blocks.iter().all(Block::is_leaf);
    let stored: Vec<_> = blocks.iter().map(|block| *block.cid()).collect();
    let put = node.blocks().put_many(blocks).await;
    put.map_err(basalt::Error::from)?;
    match keep {
        Keep::UntilCollected => {
            let synced = node.blocks().store().sync().await;
            synced.map_err(basalt::Error::from)?;
        }
        // Nothing is below leaves that could be missing.
        Keep::Pinned | Keep::PinnedWhole if leaves || keep == Keep::Pinned => {
            // The commit of the records makes the blocks durable before them.
            let pinned = node.pins().put_many(&pins).await;
            pinned.map_err(basalt::Error::from)?;
        }
        Keep::Pinned | Keep::PinnedWhole => {
            for pin in pins {
                node.pin(pin).await?;
            }
        }
    }
    if let Some(provider) = node.provider() {
        stored.into_iter().for_each(|cid| provider.stored(cid));
    }
    Ok(())
}
