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
    /// The store is damaged in a way that does not show which blocks suffer; dropping blocks does
    /// not mend it.
    Damaged(String),
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
    /// Reads every block, checks it against its hash and deals with the bad ones. Goes on past
    /// whatever is damaged; a block that was written anew meanwhile is left alone.
    pub fn verify_blocks(&self, remedy: Remedy) -> BoxStream<'static, Verified> {
        let node = self.clone();
        let findings = self.blocks().store().scrub();
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

    async fn remedy(&self, hash: Multihash, reason: String, remedy: Remedy) -> Verified {
        let cid = named(hash);
        let outcome = match remedy {
            Remedy::Report => Outcome::Left,
            // The check saw the store as it was when it began.
            _ if self.is_sound(&cid).await => return Verified::Good(cid),
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
        match self.blocks().store().get(cid).await {
            Ok(Some(block)) => Block::verified(*cid, block.into_data()).is_ok(),
            _ => false,
        }
    }

    async fn drop_block(&self, hash: Multihash) -> Outcome {
        let store = self.blocks().store();
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
