//! Putting what is stored into the tree.

use basalt_block::Block;

use crate::dir::{Child, Dir};
use crate::lookup::Found;
use crate::mfs::{Mfs, entry};
use crate::{Error, Result, path};
use std::sync::Arc;

/// What gives way to what is put at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nothing: what is there stays, and that is an error.
    Nothing,
    /// A file. At no moment, which a flush might make durable, is there neither.
    File,
}

impl Mfs {
    /// Puts a DAG at a path where nothing is, by its root block alone. It is durable after a flush; until
    /// this call has answered, the caller keeps the DAG from garbage collection.
    pub async fn put(&self, at: &str, block: Block) -> Result<()> {
        self.put_at(at, block, Over::Nothing).await
    }

    /// As [`Mfs::put`], in the place of a file if there is one.
    pub async fn put_over(&self, at: &str, block: Block) -> Result<()> {
        self.put_at(at, block, Over::File).await
    }

    async fn put_at(&self, at: &str, block: Block, over: Over) -> Result<()> {
        let (this, at) = (self.clone(), at.to_owned());
        Self::to_its_end(async move {
            let (above, name) = path::split(&at);
            if name.is_empty() {
                return Err(Error::EmptyName);
            }
            let dir = this.find_dir(above).await?;
            this.add_child(&dir, name, &block, over).await
        })
        .await
    }

    /// Adds an entry. The block is stored if it is not yet.
    pub(crate) async fn add_child(
        &self,
        dir: &Arc<Dir>,
        name: &str,
        block: &Block,
        over: Over,
    ) -> Result<()> {
        let entry = entry(name.as_bytes(), block)?;
        match self.child(dir, name.as_bytes()).await? {
            None => {}
            Some(Found::File(_)) if over == Over::File => {}
            Some(_) => return Err(Error::HasEntry),
        }
        let _kept = self.store().lease();
        if Block::from_identity(block.cid()).is_none() {
            self.store().put_many(vec![block.clone()]).await?;
        }
        let mut state = dir.state.write().await;
        if state.edit.get(name.as_bytes()).await?.is_some() {
            let is_dir = matches!(state.open.get(name.as_bytes()), Some(Child::Dir(_)));
            if over == Over::Nothing || is_dir {
                return Err(Error::HasEntry);
            }
            state.open.remove(name.as_bytes());
        }
        state.edit.put(entry).await?;
        drop(state);
        dir.touch();
        Ok(())
    }

    /// Whether [`Mfs::put_over`] finds a file at a path, or nothing, and else why not.
    pub async fn check_replaceable(&self, at: &str) -> Result<()> {
        let (above, name) = path::split(at);
        let dir = match self.find(above).await {
            Ok(Found::Dir(dir)) => dir,
            Ok(Found::File(_)) => return Err(Error::NotADirectory(above.to_owned())),
            Err(Error::NotExist) => return Ok(()),
            Err(error) => return Err(error),
        };
        match self.child(&dir, name.as_bytes()).await {
            Ok(Some(Found::Dir(_))) => Err(Error::NotAFile(at.to_owned())),
            _ => Ok(()),
        }
    }

    /// Removes an entry; what is open there is let go.
    pub(crate) async fn unlink(&self, dir: &Arc<Dir>, name: &str) -> Result<()> {
        let mut state = dir.state.write().await;
        let removed = state.edit.remove(name.as_bytes()).await?;
        // A file that is only being made keeps its place.
        let open = match removed {
            Some(_) => state.open.remove(name.as_bytes()),
            None => None,
        };
        drop(state);
        if let Some(Child::Dir(below)) = open {
            below.dismantle().await;
        }
        dir.touch();
        removed.map(drop).ok_or(Error::NotExist)
    }
}
