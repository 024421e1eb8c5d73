//! What the node announces itself, as far as that is every block that it has.

use std::sync::Arc;

use async_trait::async_trait;
use basalt_block::{Cid, Multihash, codec};
use basalt_blockstore::Blockstore;
use basalt_routing::OwnContent;

use crate::{Node, ProvideSettings};

impl Node {
    /// Whether all that is here is announced, so that no list of it is needed.
    pub(super) fn announces_every_block(&self) -> bool {
        let repo = self.repo();
        let settings = repo.map(|repo| ProvideSettings::of(&repo.config()));
        settings.is_some_and(|settings| settings.enabled && settings.strategy.all)
    }
}

/// The store alone: the node holds what holds this.
pub(super) struct OwnBlocks(pub(super) Arc<dyn Blockstore>);

#[async_trait]
impl OwnContent for OwnBlocks {
    async fn provides(&self, key: &[u8]) -> bool {
        let Ok(hash) = Multihash::from_bytes(key) else {
            return false;
        };
        let cid = Cid::new_v1(codec::RAW, hash);
        let has = self.0.has(&cid).await;
        has.unwrap_or_else(|error| {
            tracing::warn!(target: "basalt::provide", %cid, %error, "it cannot be told whether a block is here");
            false
        })
    }
}
