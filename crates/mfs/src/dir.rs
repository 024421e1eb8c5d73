//! A directory of the tree that is open.
//!
//! A directory is opened when a path first leads through it, and stays open until a flush of the
//! directory above it. It has a lock of its own; nobody waits for two at a time but from a
//! directory to one below it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use basalt_unixfs::{BlockSink, DirectoryEdit, DirectoryNode, Entry};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, RwLock};

use crate::Result;

/// An open directory.
pub(crate) struct Dir {
    /// The directory above, and the name in it; `None` for the root.
    above: Option<(Arc<Dir>, Bytes)>,
    /// Something here or below was changed since the last [`Dir::write`]. It is set from below to
    /// above, after the change was made.
    dirty: AtomicBool,
    /// Of the root: something was changed since it was recorded.
    unrecorded: AtomicBool,
    pub(crate) state: RwLock<State>,
}

pub(crate) struct State {
    pub(crate) edit: DirectoryEdit,
    /// What is open below. A change below reaches `edit` only through here: whoever was unlinked
    /// meanwhile changes nothing.
    pub(crate) open: HashMap<Bytes, Child>,
    written: Option<DirectoryNode>,
}

/// Something open below a directory.
#[derive(Clone)]
pub(crate) enum Child {
    Dir(Arc<Dir>),
    File(Arc<OpenFile>),
}

/// A file that is being written, or was since the last flush.
#[derive(Default)]
pub(crate) struct OpenFile {
    /// One writer at a time.
    pub(crate) writing: Arc<Mutex<()>>,
    /// Whether new leaves are raw, once somebody said so.
    raw_leaves: AtomicU8,
}

impl OpenFile {
    pub(crate) fn raw_leaves(&self) -> Option<bool> {
        match self.raw_leaves.load(Ordering::Relaxed) {
            0 => None,
            n => Some(n == 2),
        }
    }

    pub(crate) fn set_raw_leaves(&self, raw: bool) {
        self.raw_leaves.store(1 + u8::from(raw), Ordering::Relaxed);
    }
}

impl Dir {
    /// An open directory.
    pub(crate) fn new(above: Option<(Arc<Dir>, Bytes)>, edit: DirectoryEdit) -> Arc<Self> {
        Arc::new(Self {
            above,
            dirty: AtomicBool::new(false),
            unrecorded: AtomicBool::new(false),
            state: RwLock::new(State {
                edit,
                open: HashMap::new(),
                written: None,
            }),
        })
    }

    /// The directory above.
    pub(crate) fn above(&self) -> Option<&Arc<Dir>> {
        self.above.as_ref().map(|(dir, _)| dir)
    }

    /// Notes that something was changed here. Called after the change.
    pub(crate) fn touch(&self) {
        let mut dir = self;
        loop {
            dir.dirty.store(true, Ordering::SeqCst);
            match dir.above() {
                Some(above) => dir = above,
                None => break dir.unrecorded.store(true, Ordering::SeqCst),
            }
        }
    }

    /// Whether a root has changed since it was recorded.
    pub(crate) fn is_unrecorded(&self) -> bool {
        self.unrecorded.load(Ordering::SeqCst)
    }

    /// Notes that a root is recorded as it is now.
    pub(crate) fn take_unrecorded(&self) {
        self.unrecorded.store(false, Ordering::SeqCst);
    }

    /// Notes that a root was not recorded after all.
    pub(crate) fn put_unrecorded(&self) {
        self.unrecorded.store(true, Ordering::SeqCst);
    }

    /// Writes what was changed here and below to `sink`, and tells where the directory is.
    pub(crate) fn write<'a>(
        &'a self,
        sink: &'a dyn BlockSink,
    ) -> BoxFuture<'a, Result<DirectoryNode>> {
        async move {
            if let Some(node) = self.written().await {
                return Ok(node);
            }
            let mut state = self.state.write().await;
            // A change after this is seen by the next one.
            let claim = Claim::of(&self.dirty);
            let below: Vec<_> = state
                .open
                .iter()
                .filter_map(|(name, child)| match child {
                    Child::Dir(dir) if dir.is_dirty() => Some((name.clone(), dir.clone())),
                    _ => None,
                })
                .collect();
            for (name, dir) in below {
                let node = dir.write(sink).await?;
                let (cid, dag_size) = (node.cid, node.dag_size);
                let entry = Entry {
                    name,
                    cid,
                    dag_size,
                };
                state.edit.put(entry).await?;
            }
            let node = state.edit.flush(sink).await?;
            state.written = Some(node);
            claim.done();
            Ok(node)
        }
        .boxed()
    }

    /// Where the directory is, if nothing was changed since it was written.
    async fn written(&self) -> Option<DirectoryNode> {
        if self.is_dirty() {
            return None;
        }
        let state = self.state.read().await;
        state.written.filter(|_| !self.is_dirty())
    }

    fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::SeqCst)
    }

    /// Closes what is open below and not in use.
    pub(crate) async fn close_below(&self) {
        self.state.write().await.close();
    }
}

impl State {
    fn close(&mut self) {
        self.open.retain(|_, child| match child {
            Child::File(file) => Arc::strong_count(file) > 1,
            Child::Dir(dir) => {
                // Whoever holds the lock uses the directory; and nobody else can come to use one
                // that is held by this map alone.
                let Ok(mut below) = dir.state.try_write() else {
                    return true;
                };
                below.close();
                let unused = below.open.is_empty();
                drop(below);
                !unused || dir.is_dirty() || Arc::strong_count(dir) > 1
            }
        });
    }
}

/// A claim that what is dirty is written now; given back if that fails or is given up.
struct Claim<'a>(Option<&'a AtomicBool>);

impl<'a> Claim<'a> {
    fn of(dirty: &'a AtomicBool) -> Self {
        dirty.store(false, Ordering::SeqCst);
        Self(Some(dirty))
    }

    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(dirty) = self.0 {
            dirty.store(true, Ordering::SeqCst);
        }
    }
}
