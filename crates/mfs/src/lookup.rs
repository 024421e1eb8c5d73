//! From paths to what stands there.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use basalt_block::Cid;
use basalt_unixfs::Entry;
use bytes::Bytes;

use crate::dir::{Child, Dir};
use crate::mfs::Mfs;
use crate::node::{Kind, Node};
use crate::{Error, Result, path};

/// Directories that are opened between two looks at which are in use.
const MOST_OPEN: u64 = 4096;

/// What stands at a path.
pub(crate) enum Found {
    Dir(Arc<Dir>),
    File(Box<FoundFile>),
}

/// A file, and where it was found.
pub(crate) struct FoundFile {
    pub(crate) dir: Arc<Dir>,
    pub(crate) name: Bytes,
    pub(crate) node: Node,
}

impl Mfs {
    /// What stands at a path.
    pub(crate) async fn find(&self, path: &str) -> Result<Found> {
        let names = path::names(path)?;
        let mut found = Found::Dir(self.root().await?.clone());
        for (at, name) in names.iter().enumerate() {
            let Found::Dir(dir) = &found else {
                return Err(Error::BelowFile(names[..=at].join("/")));
            };
            let below = self.child(dir, name.as_bytes()).await?;
            found = below.ok_or(Error::NotExist)?;
        }
        Ok(found)
    }

    /// The directory at a path.
    pub(crate) async fn find_dir(&self, path: &str) -> Result<Arc<Dir>> {
        match self.find(path).await? {
            Found::Dir(dir) => Ok(dir),
            Found::File(_) => Err(Error::NotDirectory(path.to_owned())),
        }
    }

    /// The directory that a new entry is to lie in.
    pub(crate) async fn find_parent(&self, path: &str) -> Result<Arc<Dir>> {
        match self.find(path).await? {
            Found::Dir(dir) => Ok(dir),
            Found::File(_) => Err(Error::ParentNotDirectory),
        }
    }

    /// What a directory has under a name. Blocks are read without its lock but for shards of its
    /// own.
    pub(crate) async fn child(&self, dir: &Arc<Dir>, name: &[u8]) -> Result<Option<Found>> {
        loop {
            let entry = {
                let state = dir.state.read().await;
                if let Some(Child::Dir(below)) = state.open.get(name) {
                    return Ok(Some(Found::Dir(below.clone())));
                }
                state.edit.get(name).await?
            };
            let Some(entry) = entry else { return Ok(None) };
            let node = Node::of(self.block(&entry.cid).await?)?;
            if node.kind == Kind::File {
                return Ok(Some(Found::File(Box::new(FoundFile {
                    dir: dir.clone(),
                    name: entry.name,
                    node,
                }))));
            }
            if let Some(below) = self.open_below(dir, &entry).await? {
                return Ok(Some(Found::Dir(below)));
            }
        }
    }

    /// Opens a directory; `None` if something else stands there by now.
    async fn open_below(&self, dir: &Arc<Dir>, entry: &Entry) -> Result<Option<Arc<Dir>>> {
        let edit = self.open_edit(&entry.cid).await?;
        let mut state = dir.state.write().await;
        if let Some(Child::Dir(below)) = state.open.get(&entry.name) {
            return Ok(Some(below.clone()));
        }
        let now = state.edit.get(&entry.name).await?.map(|e| e.cid);
        if now != Some(entry.cid) {
            return Ok(None);
        }
        let below = Dir::new(Some((dir.clone(), entry.name.clone())), edit);
        let child = Child::Dir(below.clone());
        state.open.insert(entry.name.clone(), child);
        drop(state);
        self.bound_open().await;
        Ok(Some(below))
    }

    /// Closes what is not in use, once in a while: reading alone flushes nothing.
    async fn bound_open(&self) {
        let opened = self.0.opened.fetch_add(1, Ordering::Relaxed) + 1;
        if opened.is_multiple_of(MOST_OPEN)
            && let Some(root) = self.0.root.get()
        {
            root.close_below().await;
        }
    }

    /// The file or directory at a path, as it is now. What of a directory was not flushed is
    /// written, though not recorded.
    pub async fn node(&self, path: &str) -> Result<Node> {
        let found = self.find(path).await?;
        self.node_of(found).await
    }

    pub(crate) async fn node_of(&self, found: Found) -> Result<Node> {
        match found {
            Found::File(file) => Ok(file.node),
            Found::Dir(dir) => self.dir_node(&dir).await,
        }
    }

    pub(crate) async fn dir_node(&self, dir: &Arc<Dir>) -> Result<Node> {
        let cid = self.written(dir).await?;
        Ok(Node {
            kind: Kind::Directory,
            block: self.block(&cid).await?,
        })
    }

    /// Writes what of a directory was not flushed.
    pub(crate) async fn written(&self, dir: &Arc<Dir>) -> Result<Cid> {
        // Nobody's tree has the blocks until they are all written.
        let _kept = self.store().lease();
        Ok(dir.write(self.store()).await?.cid)
    }

    /// The CID of the directory at a path, which is written if it has changed; `None` for a file.
    pub async fn directory(&self, path: &str) -> Result<Option<Cid>> {
        match self.find(path).await? {
            Found::Dir(dir) => self.written(&dir).await.map(Some),
            Found::File(_) => Ok(None),
        }
    }

    /// Makes durable what stands at a path, and tells its CID.
    pub async fn flush(&self, path: &str) -> Result<Cid> {
        let found = self.find(path).await?;
        if let Found::File(file) = &found {
            file.check_content()?;
        }
        self.commit_to_the_end().await?;
        match found {
            Found::File(file) => Ok(*file.node.block.cid()),
            Found::Dir(dir) => {
                dir.close_below().await;
                self.written(&dir).await
            }
        }
    }

    /// As [`Mfs::commit`], though the caller may leave.
    pub(crate) async fn commit_to_the_end(&self) -> Result<()> {
        let this = self.clone();
        Self::to_its_end(async move { this.commit().await }).await
    }
}

impl FoundFile {
    /// Whether it is something with content that can be read and written.
    pub(crate) fn check_content(&self) -> Result<()> {
        if self.node.block.cid().codec() == basalt_block::codec::RAW {
            return Ok(());
        }
        match crate::node::parts(&self.node.block)?.1.kind {
            basalt_unixfs::Kind::Symlink => Err(Error::Symlink),
            _ => Ok(()),
        }
    }
}
