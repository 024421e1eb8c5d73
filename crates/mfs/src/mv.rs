//! Moving.

use std::sync::Arc;

use crate::copy::Over;
use crate::dir::Dir;
use crate::lookup::Found;
use crate::mfs::Mfs;
use crate::{Error, Result, path};

impl Mfs {
    /// Moves a file or directory to a path, or into the directory that stands there. A file that
    /// stands there is replaced. It is durable after a flush.
    pub async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (this, from, to) = (self.clone(), from.to_owned(), to.to_owned());
        Self::to_its_end(async move { this.rename_here(&from, &to).await }).await
    }

    async fn rename_here(&self, from: &str, to: &str) -> Result<()> {
        let (from_above, from_name) = path::split(from);
        let (to_above, to_name) = match to.ends_with('/') {
            true => (to, from_name),
            false => path::split(to),
        };
        let mut to_dir = self.find_dir(to_above).await?;
        let from_dir = self.find_dir(from_above).await?;
        let moved = self.child(&from_dir, from_name.as_bytes()).await?;
        let moved = moved.ok_or(Error::NotExist)?;
        let moved_dir = match &moved {
            Found::Dir(dir) => Some(dir.clone()),
            Found::File(_) => None,
        };
        let node = self.node_of(moved).await?;
        // A collection that begins between the two changes below may see neither of them.
        let _kept = self.0.parts.keep.protect(*node.block.cid()).await;
        let mut to_name = to_name;
        let mut over = Over::Nothing;
        match self.child(&to_dir, to_name.as_bytes()).await? {
            Some(Found::Dir(into)) => {
                to_dir = into;
                to_name = from_name;
            }
            Some(Found::File(_)) if Arc::ptr_eq(&from_dir, &to_dir) && from_name == to_name => {
                return Ok(());
            }
            Some(Found::File(_)) => over = Over::File,
            None => {}
        }
        refuse_cycle(moved_dir.as_ref(), &to_dir, from)?;
        self.add_child(&to_dir, to_name, &node.block, over).await?;
        self.unlink(&from_dir, from_name).await
    }
}

/// A directory is not moved below itself: it would be gone.
pub(crate) fn refuse_cycle(moved: Option<&Arc<Dir>>, to: &Arc<Dir>, from: &str) -> Result<()> {
    let Some(moved) = moved else { return Ok(()) };
    let mut at = Some(to);
    while let Some(dir) = at {
        if Arc::ptr_eq(dir, moved) {
            return Err(Error::IntoItself(from.to_owned()));
        }
        at = dir.above();
    }
    Ok(())
}
