//! Checking every block of the store, and what to do about bad ones.

use std::time::Duration;

use basalt_block::{Block, Cid, Multihash, codec};
use basalt_blockstore::{Deleted, ScrubEvent};
use futures::{StreamExt, stream::BoxStream};

use crate::{Node, Result};

/// Bad blocks that are dealt with side by side; fetching them may take long.
const SIDE_BY_SIDE: usize = 16;

/// What becomes of a block that is found to be bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Remedy {
    /// It is only told of.
    #[default]
    Report,
    /// It is removed.
    Drop,
    /// It is removed and fetched again, for this long at most; `None` waits without end. A block
    /// that nobody has stays removed.
    Heal(Option<Duration>),
}

/// What was found of a part of the store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Verified {
    /// A block is as it was written.
    Good(Cid),
    /// A block is not.
    Bad {
        /// The block as CIDv1 and raw: the store does not know what else it was called.
        cid: Cid,
        /// What is wrong with it.
        reason: String,
        /// What was done about it.
        outcome: Outcome,
    },
    /// The store is damaged in a way that dropping blocks does not mend; [`Node::rebuild_store`]
    /// does.
    Damaged(String),
}

/// What became of a store that was rebuilt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Blocks that were kept.
    pub blocks: u64,
    /// Records, such as pins, that were kept.
    pub records: u64,
    /// Blocks that could not be read, as CIDv1 and raw.
    pub lost: Vec<Cid>,
    /// Places where records or rows of the index could not be read.
    pub gaps: Vec<String>,
}

/// What was done about a bad block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing, as was asked.
    Left,
    /// It was removed.
    Removed,
    /// It is still there, for this reason.
    NotRemoved(String),
    /// It was removed and is here again, whole.
    Healed,
    /// It was removed and could not be fetched, for this reason.
    NotHealed(String),
}

impl Node {
    /// Reads every block that is kept here, checks it against its hash and deals with the bad ones.
    /// Goes on past whatever is damaged; a block that was written anew meanwhile is left alone. What
    /// is only referred to is checked by [`basalt_filestore::Filestore::list`].
    pub fn verify_blocks(&self, remedy: Remedy) -> BoxStream<'static, Verified> {
        let node = self.clone();
        let findings = self.kept().scrub();
        findings
            .map(move |found| {
                let node = node.clone();
                async move {
                    match found {
                        ScrubEvent::Good(hash) => Verified::Good(named(hash)),
                        ScrubEvent::Bad(hash, reason) => node.remedy(hash, reason, remedy).await,
                        ScrubEvent::Damaged(text) => Verified::Damaged(text),
                        other => Verified::Damaged(format!("{other:?}")),
                    }
                }
            })
            .buffer_unordered(SIDE_BY_SIDE)
            .boxed()
    }

    /// Whether the store is damaged so that only [`Node::rebuild_store`] mends it, as far as opening
    /// it told.
    pub fn is_broken(&self) -> bool {
        self.rocks().is_some_and(|store| store.is_broken())
    }

    /// Makes a new store of what can be read of a damaged one. It takes the place of the damaged
    /// one when the repo is opened the next time; nothing may be written to this node any more.
    pub async fn rebuild_store(&self) -> Result<Rebuilt> {
        let Some(store) = self.rocks() else {
            return Ok(Rebuilt::default());
        };
        let rescued = store.rebuild().await?;
        Ok(Rebuilt {
            blocks: rescued.blocks,
            records: rescued.records,
            lost: rescued.lost_blocks.into_iter().map(named).collect(),
            gaps: rescued.gaps,
        })
    }

    async fn remedy(&self, hash: Multihash, reason: String, remedy: Remedy) -> Verified {
        let cid = named(hash);
        let outcome = match remedy {
            Remedy::Report => Outcome::Left,
            // The check saw the store as it was when it began.
            _ if self.is_sound(&cid).await => return Verified::Good(cid),
            _ if self.has_whole_bytes(&hash).await => {
                Outcome::NotRemoved("its bytes are whole; a rebuilt store has it".into())
            }
            Remedy::Drop => self.drop_block(hash).await,
            Remedy::Heal(limit) => match self.drop_block(hash).await {
                Outcome::Removed => self.fetch_again(&cid, limit).await,
                failed => failed,
            },
        };
        Verified::Bad {
            cid,
            reason,
            outcome,
        }
    }

    async fn is_sound(&self, cid: &Cid) -> bool {
        match self.kept().get(cid).await {
            Ok(Some(block)) => Block::verified(*cid, block.into_data()).is_ok(),
            _ => false,
        }
    }

    async fn has_whole_bytes(&self, hash: &Multihash) -> bool {
        let Some(store) = self.rocks() else {
            return false;
        };
        matches!(store.salvage(hash).await, Ok(Some(_)))
    }

    async fn drop_block(&self, hash: Multihash) -> Outcome {
        let store = self.kept();
        let deleted: Result<_, _> = async {
            let deleted = store.delete_many(&[hash]).await?;
            store.sync().await?;
            Ok::<_, basalt_blockstore::Error>(deleted)
        }
        .await;
        match deleted {
            Ok(deleted) if deleted.contains(&Deleted::Spared) => Outcome::NotRemoved(
                "a running import has written it; try again when it has ended".into(),
            ),
            Ok(_) => Outcome::Removed,
            Err(error) => Outcome::NotRemoved(error.to_string()),
        }
    }

    async fn fetch_again(&self, cid: &Cid, limit: Option<Duration>) -> Outcome {
        let fetched = self.blocks().get(cid);
        let fetched = match limit {
            Some(limit) => tokio::time::timeout(limit, fetched).await,
            None => Ok(fetched.await),
        };
        match fetched {
            Ok(Ok(_)) => Outcome::Healed,
            Ok(Err(error)) => Outcome::NotHealed(error.to_string()),
            Err(_) => Outcome::NotHealed("context deadline exceeded".into()),
        }
    }
}

fn named(hash: Multihash) -> Cid {
    Cid::new_v1(codec::RAW, hash)
}
