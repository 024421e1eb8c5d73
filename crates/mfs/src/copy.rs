//! Putting what is stored into the tree.

use basalt_block::Block;

use crate::dir::{Child, Dir};
use crate::lookup::Found;
use crate::mfs::{Mfs, entry};
use crate::{Error, Result, path};
use std::sync::Arc;

/// How something is put into the tree.
#[derive(Debug, Clone, Copy, Default)]
pub struct Put {
    /// In place of a file that is there.
    pub force: bool,
}

impl Mfs {
    /// Puts a DAG at a path, by its root block alone. It is durable after a flush; until this call
    /// has answered, the caller keeps the DAG from garbage collection.
    pub async fn put(&self, at: &str, block: Block) -> Result<()> {
        let (this, at) = (self.clone(), at.to_owned());
        Self::to_its_end(async move {
            let (above, name) = path::split(&at);
            if name.is_empty() {
                return Err(Error::EmptyName);
            }
            let dir = this.find_dir(above).await?;
            this.add_child(&dir, name, &block).await
        })
        .await
    }

    /// Adds an entry where there is none. The block is stored if it is not yet.
    pub(crate) async fn add_child(&self, dir: &Arc<Dir>, name: &str, block: &Block) -> Result<()> {
        let entry = entry(name.as_bytes(), block)?;
        if self.child(dir, name.as_bytes()).await?.is_some() {
            return Err(Error::HasEntry);
        }
        let _kept = self.store().lease();
        if Block::from_identity(block.cid()).is_none() {
            self.store().put_many(vec![block.clone()]).await?;
        }
        let mut state = dir.state.write().await;
        if state.edit.get(name.as_bytes()).await?.is_some() {
            return Err(Error::HasEntry);
        }
        state.edit.put(entry).await?;
        drop(state);
        dir.touch();
        Ok(())
    }

    /// Puts a block in the place of the file that has the name: at no moment, which a flush might make
    /// durable, is there neither.
    pub(crate) async fn put_over(&self, dir: &Arc<Dir>, name: &str, block: &Block) -> Result<()> {
        let entry = entry(name.as_bytes(), block)?;
        let _kept = self.store().lease();
        if Block::from_identity(block.cid()).is_none() {
            self.store().put_many(vec![block.clone()]).await?;
        }
        let mut state = dir.state.write().await;
        if let Some(Child::Dir(_)) = state.open.get(name.as_bytes()) {
            return Err(Error::HasEntry);
        }
        state.edit.put(entry).await?;
        state.open.remove(name.as_bytes());
        drop(state);
        dir.touch();
        Ok(())
    }

    /// Removes the file at a path, if there is one: something else is to be put there.
    pub async fn make_room(&self, at: &str) -> Result<()> {
        let (this, at) = (self.clone(), at.to_owned());
        Self::to_its_end(async move {
            let (above, name) = path::split(&at);
            let dir = match this.find(above).await {
                Ok(Found::Dir(dir)) => dir,
                Ok(Found::File(_)) => return Err(Error::NotADirectory(above.to_owned())),
                Err(Error::NotExist) => return Ok(()),
                Err(error) => return Err(error),
            };
            match this.child(&dir, name.as_bytes()).await {
                Ok(Some(Found::File(_))) => this.unlink(&dir, name).await,
                Ok(Some(Found::Dir(_))) => Err(Error::NotAFile(at.clone())),
                Ok(None) | Err(_) => Ok(()),
            }
        })
        .await
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
