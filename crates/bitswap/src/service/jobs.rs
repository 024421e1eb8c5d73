//! Work that waits: for the store, or for somebody who knows providers.

use std::sync::Arc;

use basalt_block::{Block, Cid};
use basalt_blockstore::Blockstore;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use libp2p_identity::PeerId;

use crate::Provider;
use crate::client::SessionId;
use crate::engine;

pub(super) type Job = BoxFuture<'static, Done>;

/// What came of a job.
pub(super) enum Done {
    Looked(PeerId, Vec<(Cid, Option<u64>)>),
    Loaded(PeerId, Vec<(Cid, Option<Bytes>)>),
    Checked(Vec<Block>),
    Found(SessionId, Provider, BoxStream<'static, Provider>),
    Searched(SessionId),
}

/// A job of the engine. What the store cannot give is as good as absent to a peer.
pub(super) fn engine(store: Arc<dyn Blockstore>, job: engine::Job) -> Job {
    async move {
        match job {
            engine::Job::Look { peer, cids } => {
                let stats = store.stat_many(&cids).await.unwrap_or_else(|error| {
                    tracing::error!(target: "basalt::bitswap", %error, "blocks could not be looked up for a peer");
                    vec![None; cids.len()]
                });
                let sizes = stats.into_iter().map(|stat| stat.map(|s| s.size));
                Done::Looked(peer, cids.into_iter().zip(sizes).collect())
            }
            engine::Job::Read { peer, cids } => {
                let blocks = read(&store, &cids).await;
                let data = blocks.into_iter().map(|b| b.map(Block::into_data));
                Done::Loaded(peer, cids.into_iter().zip(data).collect())
            }
        }
    }
    .boxed()
}

/// Those of the blocks that are in the store.
pub(super) fn check(store: Arc<dyn Blockstore>, cids: Vec<Cid>) -> Job {
    async move { Done::Checked(read(&store, &cids).await.into_iter().flatten().collect()) }.boxed()
}

/// The next provider.
pub(super) fn search(session: SessionId, mut found: BoxStream<'static, Provider>) -> Job {
    async move {
        match found.next().await {
            Some(provider) => Done::Found(session, provider, found),
            None => Done::Searched(session),
        }
    }
    .boxed()
}

/// Reads blocks, each on its own when one of them cannot be read.
async fn read(store: &Arc<dyn Blockstore>, cids: &[Cid]) -> Vec<Option<Block>> {
    if let Ok(blocks) = store.get_many(cids).await {
        return blocks;
    }
    let mut blocks = Vec::with_capacity(cids.len());
    for cid in cids {
        blocks.push(store.get(cid).await.unwrap_or_else(|error| {
            tracing::error!(target: "basalt::bitswap", %cid, %error, "a block could not be read for a peer");
            None
        }));
    }
    blocks
}
