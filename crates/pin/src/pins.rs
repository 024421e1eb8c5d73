use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use basalt_block::{Block, Cid, codec};
use basalt_blockstore::{Blockstore, Datastore};
use futures::{StreamExt, stream, stream::BoxStream};

use crate::guard::Guard;
use crate::links::links_of;
use crate::table::Table;
use crate::walk::Options;
use crate::{Collector, Error, Mode, Pin, Result, Source, Visited, Walk};

/// The pins of a node.
///
/// Everything that is pinned is there: [`Pins::add`] and [`Pins::update`] walk the DAG first, and
/// fetch what is missing from the [`Source`] they are given. When they return, the pin and all its
/// blocks are durable.
#[derive(Clone)]
pub struct Pins {
    pub(crate) table: Arc<Table>,
    collector: Arc<Collector>,
}

/// How far pinning a DAG has come. May be read at any time.
#[derive(Debug, Default)]
pub struct Progress {
    blocks: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Blocks gone through.
    pub fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    /// Bytes of the blocks gone through.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn count(&self, bytes: u64) {
        self.blocks.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Pins {
    /// The pins recorded in `records`, for blocks in `store`.
    pub fn new(records: Arc<dyn Datastore>, store: Arc<dyn Blockstore>) -> Self {
        let table = Arc::new(Table::new(records));
        let collector = Arc::new(Collector::new(store, table.clone()));
        Self { table, collector }
    }

    /// What collects the garbage of these pins.
    pub fn collector(&self) -> &Arc<Collector> {
        &self.collector
    }

    /// Pins a block or DAG. A recursive pin takes the place of an older pin of the same CID, name
    /// and all; nothing changes if a block cannot be had.
    ///
    /// # Errors
    /// A name that is too long, a block that cannot be had or decoded, a direct pin of what is
    /// pinned recursively.
    pub async fn add(&self, source: Arc<dyn Source>, pin: Pin, progress: &Progress) -> Result<()> {
        pin.check()?;
        let _lease = self.collector.store().lease();
        let guard = Arc::new(self.collector.guard(vec![pin.cid]).await);
        match pin.mode {
            Mode::Recursive => {
                let roots = vec![pin.cid];
                gather(source, Arc::default(), roots, &guard, progress).await?;
            }
            Mode::Direct => {
                let stats = source.stat_local(&[pin.cid]).await?;
                let size = match stats.first() {
                    Some(Some(stat)) => stat.size,
                    _ => source.get(&pin.cid).await?.data().len() as u64,
                };
                progress.count(size);
            }
        }
        self.table.put_many(std::slice::from_ref(&pin)).await
    }

    /// Writes pins without looking for their blocks: for those who have just written them, and hold
    /// the lease still. All are written or none, as if one after the other.
    pub async fn put_many(&self, pins: &[Pin]) -> Result<()> {
        self.table.put_many(pins).await
    }

    /// Removes the pin of a CID; a recursive one only if `recursive`.
    pub async fn remove(&self, cid: &Cid, recursive: bool) -> Result<()> {
        self.table.remove(cid, recursive).await
    }

    /// Pins `to` recursively, under the name of the recursive pin `from`, and removes the latter if
    /// `unpin`. What the two DAGs have in common is not gone through.
    pub async fn update(
        &self,
        source: Arc<dyn Source>,
        from: &Cid,
        to: &Cid,
        unpin: bool,
        progress: &Progress,
    ) -> Result<()> {
        let _lease = self.collector.store().lease();
        // `from` stays even if somebody unpins it meanwhile.
        let guard = Arc::new(self.collector.guard(vec![*from, *to]).await);
        if !self.table.can_replace(from, to).await? {
            return Ok(());
        }
        let visited = Arc::new(Visited::default());
        let roots = differences(&source, &visited, from, to, &guard, progress).await?;
        gather(source, visited, roots, &guard, progress).await?;
        self.table.replace(from, to, unpin).await
    }

    /// The recursive or direct pin of a CID.
    pub async fn get(&self, cid: &Cid) -> Result<Option<Pin>> {
        let pins = self.get_many(std::slice::from_ref(cid)).await?;
        Ok(pins.into_iter().next().flatten())
    }

    /// The recursive or direct pins of CIDs, in that order.
    pub async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Pin>>> {
        self.table.get_many(cids).await
    }

    /// All pins of one mode, as of now, one by one. A damaged record is an error in its place.
    pub fn pins(&self, mode: Mode) -> BoxStream<'static, Result<Pin>> {
        self.table.list(mode)
    }
}

/// Goes through what is under `roots` and fetches what is missing.
async fn gather(
    source: Arc<dyn Source>,
    visited: Arc<Visited>,
    roots: Vec<Cid>,
    guard: &Arc<Guard>,
    progress: &Progress,
) -> Result<()> {
    let options = Options {
        fetch: true,
        guard: Some(guard.clone()),
        ..Options::default()
    };
    let roots = stream::iter(roots.into_iter().map(Ok)).boxed();
    let mut walk = Walk::new(source, visited, roots, options);
    while let Some(batch) = walk.next().await {
        for reached in batch? {
            progress.count(reached.found?);
        }
    }
    Ok(())
}

/// The roots of what is under `to` and not under `from`, whose DAG is there. Blocks in the place of
/// one another are compared link by link, as a tree that was changed in some places asks for.
async fn differences(
    source: &Arc<dyn Source>,
    visited: &Visited,
    from: &Cid,
    to: &Cid,
    guard: &Guard,
    progress: &Progress,
) -> Result<Vec<Cid>> {
    let mut roots = Vec::new();
    let mut pairs = vec![(*from, *to)];
    while let Some((old, new)) = pairs.pop() {
        // Leaves have nothing to be compared, and need not be read.
        let stats = source.stat_local(&[new]).await?;
        if new.codec() == codec::RAW || matches!(stats[..], [Some(stat)] if stat.leaf) {
            roots.push(new);
            continue;
        }
        if !visited.visit(&new) {
            continue;
        }
        let block = source.get(&new).await?;
        progress.count(block.data().len() as u64);
        let new_links = links_of(&block)?;
        guard.cover(&new_links).await;
        let old_links = old_links(source, &old).await?;
        let kept: HashSet<&Cid> = old_links.iter().collect();
        let still: HashSet<&Cid> = new_links.iter().collect();
        let mut gone = old_links.iter().filter(|cid| !still.contains(cid));
        for cid in new_links.iter().filter(|cid| !kept.contains(cid)) {
            match gone.next() {
                Some(old) => pairs.push((*old, *cid)),
                None => roots.push(*cid),
            }
        }
    }
    Ok(roots)
}

/// The links of a block of a DAG that is pinned; none if it cannot be read after all, so that
/// everything in its place counts as new.
async fn old_links(source: &Arc<dyn Source>, cid: &Cid) -> Result<Vec<Cid>> {
    let blocks: Result<Vec<Option<Block>>> = source.get_local(std::slice::from_ref(cid)).await;
    let block = match blocks {
        Ok(blocks) => blocks.into_iter().flatten().next(),
        Err(error @ Error::Store(basalt_blockstore::Error::Closed)) => return Err(error),
        Err(_) => None,
    };
    Ok(block.and_then(|b| links_of(&b).ok()).unwrap_or_default())
}
