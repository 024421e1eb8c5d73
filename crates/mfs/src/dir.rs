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
use tokio::sync::{Mutex, OwnedRwLockWriteGuard, RwLock};

use crate::Result;

/// An open directory. It holds the directory above it and is held by it until it is closed.
pub(crate) struct Dir {
    /// The directory above, and the name in it; `None` for the root.
    above: Option<(Arc<Dir>, Bytes)>,
    /// Something here or below was changed since the last [`Dir::write`]. It is set from below to
    /// above, after the change was made.
    dirty: AtomicBool,
    /// The directory above does not link to what is here now. It stays set when the directory is
    /// written by itself.
    ahead: AtomicBool,
    /// Of the root: something was changed since it was recorded.
    unrecorded: AtomicBool,
    pub(crate) state: Arc<RwLock<State>>,
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
            ahead: AtomicBool::new(false),
            unrecorded: AtomicBool::new(false),
            state: Arc::new(RwLock::new(State {
                edit,
                open: HashMap::new(),
                written: None,
            })),
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
            dir.ahead.store(true, Ordering::SeqCst);
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
    pub(crate) async fn write(self: &Arc<Self>, sink: &dyn BlockSink) -> Result<DirectoryNode> {
        if let Some(node) = self.written().await {
            return Ok(node);
        }
        // The locks from here to the present directory are held: nobody else puts an older state
        // of a directory into the one above it.
        let mut levels = vec![Level::enter(self.clone(), None).await];
        loop {
            let Some(mut level) = levels.pop() else {
                unreachable!("the first level is returned from");
            };
            if let Some((name, dir)) = level.below.pop() {
                levels.push(level);
                levels.push(Level::enter(dir, Some(name)).await);
                continue;
            }
            let node = level.state.edit.flush(sink).await?;
            level.state.written = Some(node);
            let (Some(name), Some(above)) = (level.name.clone(), levels.last_mut()) else {
                level.done = true;
                return Ok(node);
            };
            let (cid, dag_size) = (node.cid, node.dag_size);
            let entry = Entry {
                name,
                cid,
                dag_size,
            };
            above.state.edit.put(entry).await?;
            level.done = true;
        }
    }

    /// Lets go of everything that is open here and below.
    pub(crate) async fn dismantle(self: Arc<Self>) {
        let mut left = vec![self];
        while let Some(dir) = left.pop() {
            dir.state.write().await.let_go(&mut left);
        }
    }

    /// As [`Dir::dismantle`], for a tree that nobody uses any more.
    pub(crate) fn dismantle_unused(self: Arc<Self>) {
        let mut left = vec![self];
        while let Some(dir) = left.pop() {
            if let Ok(mut state) = dir.state.try_write() {
                state.let_go(&mut left);
            }
        }
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

    fn is_ahead(&self) -> bool {
        self.ahead.load(Ordering::SeqCst)
    }

    /// Closes what is open below and not in use.
    pub(crate) async fn close_below(&self) {
        self.state.write().await.close();
    }
}

impl State {
    fn let_go(&mut self, dirs: &mut Vec<Arc<Dir>>) {
        for (_, child) in self.open.drain() {
            if let Child::Dir(dir) = child {
                dirs.push(dir);
            }
        }
    }

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
                !unused || dir.is_ahead() || Arc::strong_count(dir) > 1
            }
        });
    }
}

/// A directory that is being written.
struct Level {
    dir: Arc<Dir>,
    /// The name in the directory above, if that is written too.
    name: Option<Bytes>,
    state: OwnedRwLockWriteGuard<State>,
    /// What is to be written first.
    below: Vec<(Bytes, Arc<Dir>)>,
    /// Whether the directory counts as written; until then giving up leaves it dirty.
    done: bool,
}

impl Level {
    async fn enter(dir: Arc<Dir>, name: Option<Bytes>) -> Self {
        let state = dir.state.clone().write_owned().await;
        // A change after this is seen by the next writing.
        dir.dirty.store(false, Ordering::SeqCst);
        if name.is_some() {
            dir.ahead.store(false, Ordering::SeqCst);
        }
        let below = state.open.iter().filter_map(|(name, child)| match child {
            Child::Dir(dir) if dir.is_ahead() => Some((name.clone(), dir.clone())),
            _ => None,
        });
        Self {
            below: below.collect(),
            dir,
            name,
            state,
            done: false,
        }
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        if !self.done {
            self.dir.dirty.store(true, Ordering::SeqCst);
            self.dir.ahead.store(true, Ordering::SeqCst);
        }
    }
}
