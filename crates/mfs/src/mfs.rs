use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use basalt_block::{Block, Cid};
use basalt_blockstore::{Blockstore, Datastore};
use basalt_unixfs::{BlockSource, DirectoryEdit, Entry};
use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::commit::Commits;
use crate::dir::Dir;
use crate::known::Known;
use crate::{Error, Keep, KeepNothing, Result, Settings};

/// What a tree is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where blocks are written.
    pub store: Arc<dyn Blockstore>,
    /// Where the root is recorded.
    pub records: Arc<dyn Datastore>,
    /// Where blocks are read, fetched if they are not here.
    pub source: Arc<dyn BlockSource>,
    /// Whoever collects garbage.
    pub keep: Arc<dyn Keep>,
    /// How new parts are made.
    pub settings: Settings,
}

impl Parts {
    /// A tree whose blocks are all in one store that nobody collects.
    pub fn local<S: Blockstore + Datastore>(
        store: Arc<S>,
        records: Arc<dyn Datastore>,
        settings: Settings,
    ) -> Self {
        let store: Arc<dyn Blockstore> = store;
        Self {
            source: Arc::new(store.clone()),
            store,
            records,
            keep: Arc::new(KeepNothing),
            settings,
        }
    }
}

/// The mutable file tree; cheap to clone.
///
/// Nothing is read before the first call, and a root that cannot be read fails calls, never the
/// node. Calls run beside each other; each leaves the tree whole, also when it is dropped half-way.
#[derive(Clone)]
pub struct Mfs(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) parts: Parts,
    pub(crate) source: Arc<dyn BlockSource>,
    pub(crate) root: OnceCell<Arc<Dir>>,
    pub(crate) commits: Commits,
    unflushed: AtomicU64,
    /// Directories that were opened so far.
    pub(crate) opened: AtomicU64,
    pub(crate) known: Known,
}

impl Mfs {
    /// A tree.
    pub fn new(parts: Parts) -> Self {
        let source = Arc::new(Timed {
            inner: parts.source.clone(),
            most: parts.settings.fetch_timeout,
        });
        Self(Arc::new(Inner {
            source,
            parts,
            root: OnceCell::new(),
            commits: Commits::default(),
            unflushed: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            known: Known::default(),
        }))
    }

    /// Notes that a change is going to be made, and whether it will be flushed.
    ///
    /// # Errors
    /// So many were not flushed that this one has to be.
    pub fn note_change(&self, flushed: bool) -> Result<()> {
        let count = &self.0.unflushed;
        if flushed {
            count.store(0, Ordering::Relaxed);
            return Ok(());
        }
        let most = self.settings().unflushed.unwrap_or(u64::MAX);
        let noted = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
            (n < most).then_some(n + 1)
        });
        noted.map(drop).map_err(|_| Error::Unflushed(most))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.parts.settings
    }

    pub(crate) fn store(&self) -> &Arc<dyn Blockstore> {
        &self.0.parts.store
    }

    /// A block of the tree, from its CID if it is in there.
    pub(crate) async fn block(&self, cid: &Cid) -> Result<Block> {
        match Block::from_identity(cid) {
            Some(block) => Ok(block),
            None => Ok(self.0.source.get(cid).await?),
        }
    }

    /// Does a change to its end, whoever waits for it.
    pub(crate) async fn to_its_end<T: Send + 'static>(
        change: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        tokio::spawn(change).await?
    }

    /// Opens a directory below `above`.
    pub(crate) async fn open_edit(&self, cid: &Cid) -> Result<DirectoryEdit> {
        let options = self.settings().directory.clone();
        Ok(DirectoryEdit::open(self.0.source.clone(), cid, options).await?)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(root) = self.root.take() {
            root.dismantle_unused();
        }
    }
}

/// An entry for a block.
pub(crate) fn entry(name: &[u8], block: &Block) -> Result<Entry> {
    Ok(Entry {
        name: Bytes::copy_from_slice(name),
        cid: *block.cid(),
        dag_size: crate::node::dag_size(block)?,
    })
}

/// A source that does not wait for ever: a directory's lock may be held meanwhile.
struct Timed {
    inner: Arc<dyn BlockSource>,
    most: std::time::Duration,
}

#[async_trait]
impl BlockSource for Timed {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<Block> {
        match tokio::time::timeout(self.most, self.inner.get(cid)).await {
            Ok(got) => got,
            Err(_) => Err(late()),
        }
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<Block>> {
        match tokio::time::timeout(self.most, self.inner.get_many(cids)).await {
            Ok(got) => got,
            Err(_) => Err(late()),
        }
    }
}

fn late() -> basalt_unixfs::Error {
    basalt_unixfs::Error::Source(Box::new(Error::Deadline))
}
