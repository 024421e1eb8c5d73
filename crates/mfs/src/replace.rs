//! Renaming and removing as file systems do it.

use std::sync::Arc;

use basalt_unixfs::DirectoryEdit;
use futures::StreamExt;

use crate::dir::{Child, Dir};
use crate::lookup::Found;
use crate::mfs::{Mfs, entry};
use crate::mv::refuse_cycle;
use crate::{Error, Result, path};

impl Mfs {
    /// Gives what stands at `from` the name `to`, as rename(2) does: a file there is replaced by a
    /// file, an empty directory by a directory, and at no moment is there neither. With `exclusive`
    /// nothing is replaced. It is durable after a flush.
    pub async fn replace(&self, from: &str, to: &str, exclusive: bool) -> Result<()> {
        let (this, from, to) = (self.clone(), from.to_owned(), to.to_owned());
        Self::to_its_end(async move { this.replace_here(&from, &to, exclusive).await }).await
    }

    async fn replace_here(&self, from: &str, to: &str, exclusive: bool) -> Result<()> {
        let (from_above, from_name) = path::split(from);
        let (to_above, to_name) = path::split(to);
        if from_name.is_empty() || to_name.is_empty() {
            return Err(Error::EmptyName);
        }
        let from_dir = self.find_dir(from_above).await?;
        let to_dir = self.find_dir(to_above).await?;
        let moved = self.child(&from_dir, from_name.as_bytes()).await?;
        let moved = moved.ok_or(Error::NotExist)?;
        if let Found::Dir(moved) = &moved {
            refuse_cycle(Some(moved), &to_dir, from)?;
        }
        let there = self.child(&to_dir, to_name.as_bytes()).await?;
        let same = Arc::ptr_eq(&from_dir, &to_dir) && from_name == to_name;
        match (&moved, &there) {
            (_, Some(_)) if exclusive => return Err(Error::Exists),
            _ if same => return Ok(()),
            (Found::Dir(_), Some(Found::Dir(into))) => {
                if !is_empty(&into.state.read().await.edit).await? {
                    return Err(Error::NotEmpty);
                }
            }
            (Found::Dir(_), Some(Found::File(_))) => {
                return Err(Error::NotDirectory(to.to_owned()));
            }
            (Found::File(_), Some(Found::Dir(_))) => return Err(Error::IsDirectory),
            (_, None) | (Found::File(_), Some(Found::File(_))) => {}
        }
        let node = self.node_of(moved).await?;
        // A collection that begins between two changes may see neither of them.
        let _kept = self.0.parts.keep.protect(*node.block.cid()).await;
        let entry = entry(to_name.as_bytes(), &node.block)?;
        let mut closed = Vec::new();
        let mut state = to_dir.state.write().await;
        state.edit.put(entry).await?;
        closed.extend(state.open.remove(to_name.as_bytes()));
        if Arc::ptr_eq(&from_dir, &to_dir) {
            let removed = state.edit.remove(from_name.as_bytes()).await;
            closed.extend(state.open.remove(from_name.as_bytes()));
            drop(state);
            to_dir.touch();
            removed?;
        } else {
            drop(state);
            to_dir.touch();
            let mut state = from_dir.state.write().await;
            let removed = state.edit.remove(from_name.as_bytes()).await;
            closed.extend(state.open.remove(from_name.as_bytes()));
            drop(state);
            from_dir.touch();
            removed?;
        }
        dismantle(closed).await;
        Ok(())
    }

    /// Removes a directory that has nothing in it. It is durable after a flush.
    pub async fn remove_empty(&self, at: &str) -> Result<()> {
        let (this, at) = (self.clone(), at.to_owned());
        Self::to_its_end(async move {
            let (above, name) = path::split(&at);
            let dir = this.find_dir(above).await?;
            match this.child(&dir, name.as_bytes()).await? {
                None => return Err(Error::NotExist),
                Some(Found::File(_)) => return Err(Error::NotDirectory(at.clone())),
                Some(Found::Dir(below)) => {
                    if !is_empty(&below.state.read().await.edit).await? {
                        return Err(Error::NotEmpty);
                    }
                }
            }
            this.unlink(&dir, name).await
        })
        .await
    }
}

async fn is_empty(edit: &DirectoryEdit) -> Result<bool> {
    Ok(edit.entries().next().await.transpose()?.is_none())
}

async fn dismantle(closed: Vec<Child>) {
    for child in closed {
        if let Child::Dir(below) = child {
            Dir::dismantle(below).await;
        }
    }
}
