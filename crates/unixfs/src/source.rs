//! Where blocks come from that are read.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use basalt_block::{Block, Cid};
use basalt_blockstore::Blockstore;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use tokio::task::JoinHandle;

use crate::{Error, Result};

/// What is read ahead of a reader where blocks are near, in bytes.
const READ_AHEAD: usize = 1 << 20;

/// A place that gives blocks. Identity CIDs are answered before it is asked.
#[async_trait]
pub trait BlockSource: Send + Sync + 'static {
    /// The block; that it cannot be had is an error.
    async fn get(&self, cid: &Cid) -> Result<Block>;

    /// Several blocks in the order of `cids`; one that cannot be had is an error.
    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Block>>;

    /// How many bytes are worth reading ahead of a reader; more where blocks are far away.
    fn read_ahead(&self) -> usize {
        READ_AHEAD
    }
}

#[async_trait]
impl<T: Blockstore + ?Sized> BlockSource for Arc<T> {
    async fn get(&self, cid: &Cid) -> Result<Block> {
        Blockstore::get(&**self, cid)
            .await?
            .ok_or(Error::NotFound(*cid))
    }

    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Block>> {
        let blocks = Blockstore::get_many(&**self, cids)
            .await?
            .into_iter()
            .zip(cids);
        blocks
            .map(|(block, cid)| block.ok_or(Error::NotFound(*cid)))
            .collect()
    }
}

/// A block, from its CID if it is in there.
pub(crate) async fn get<S: BlockSource + ?Sized>(source: &S, cid: &Cid) -> Result<Block> {
    match Block::from_identity(cid) {
        Some(block) => Ok(block),
        None => source.get(cid).await,
    }
}

/// Several blocks, those inside their CIDs included.
pub(crate) async fn get_many<S: BlockSource + ?Sized>(
    source: &S,
    cids: &[Cid],
) -> Result<Vec<Block>> {
    let inline: Vec<Option<Block>> = cids.iter().map(Block::from_identity).collect();
    if inline.iter().all(Option::is_none) {
        return source.get_many(cids).await;
    }
    let asked: Vec<Cid> = cids
        .iter()
        .zip(&inline)
        .filter(|(_, block)| block.is_none())
        .map(|(cid, _)| *cid)
        .collect();
    let mut found = source.get_many(&asked).await?.into_iter();
    let fill = |(block, cid): (Option<Block>, &Cid)| {
        block.or_else(|| found.next()).ok_or(Error::NotFound(*cid))
    };
    inline.into_iter().zip(cids).map(fill).collect()
}

/// Blocks in the order of `groups`, each of which is fetched at once, the next while the one
/// before is consumed.
pub(crate) fn fetch_ahead(
    source: Arc<dyn BlockSource>,
    groups: Vec<Vec<Cid>>,
) -> BoxStream<'static, Result<Block>> {
    let fetch = move |cids: Vec<Cid>| {
        let source = source.clone();
        Fetch(tokio::spawn(async move { get_many(&*source, &cids).await }))
    };
    stream::iter(groups)
        .map(fetch)
        .buffered(2)
        .map_ok(|blocks| stream::iter(blocks.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

/// Blocks in the order of `groups`, each of which is fetched when the one before is consumed.
pub(crate) fn fetch_in_turn(
    source: Arc<dyn BlockSource>,
    groups: Vec<Vec<Cid>>,
) -> BoxStream<'static, Result<Block>> {
    stream::iter(groups)
        .then(move |cids| {
            let source = source.clone();
            async move { get_many(&*source, &cids).await }
        })
        .map_ok(|blocks| stream::iter(blocks.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

/// A fetch that goes on while nobody looks, and ends when nobody wants it.
struct Fetch(JoinHandle<Result<Vec<Block>>>);

impl Future for Fetch {
    type Output = Result<Vec<Block>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let done = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(done.unwrap_or(Err(Error::Cancelled)))
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.0.abort();
    }
}
