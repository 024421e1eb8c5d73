//! Removing.

use crate::lookup::Found;
use crate::mfs::Mfs;
use crate::{Error, Result, path};

impl Mfs {
    /// Removes what stands at a path: a directory if it is `recursive`. With `force`, whatever it
    /// is, also what cannot be read, and that there is nothing is no error. It is gone for good
    /// when the call returns.
    pub async fn remove(&self, at: &str, recursive: bool, force: bool) -> Result<()> {
        let (this, at) = (self.clone(), at.to_owned());
        Self::to_its_end(async move { this.take_away(&at, recursive, force).await }).await
    }

    async fn take_away(&self, at: &str, recursive: bool, force: bool) -> Result<()> {
        if at == "/" {
            return Err(Error::RemovesRoot);
        }
        let at = at.strip_suffix('/').unwrap_or(at);
        let (above, name) = path::split(at);
        let dir = match self.find_parent(above).await {
            Err(Error::NotExist) if force => return Ok(()),
            found => found?,
        };
        if !force {
            match self.child(&dir, name.as_bytes()).await? {
                None => return Err(Error::NotExist),
                Some(Found::Dir(_)) if !recursive => return Err(Error::IsDirectory),
                Some(_) => {}
            }
        }
        match self.unlink(&dir, name).await {
            Err(Error::NotExist) if force => return Ok(()),
            done => done?,
        }
        self.commit().await?;
        dir.close_below().await;
        Ok(())
    }
}
