//! Making directories.

use std::sync::Arc;

use basalt_unixfs::{CidFormat, DirectoryEdit, DirectoryOptions, Entry};
use bytes::Bytes;

use crate::dir::{Child, Dir};
use crate::lookup::Found;
use crate::mfs::Mfs;
use crate::{Error, Result, path};

/// How directories are made.
#[derive(Debug, Clone, Copy, Default)]
pub struct MkdirOptions {
    /// Directories above are made too, and one that is there is no error.
    pub parents: bool,
    /// The CID format of what is made; the root's where there is none.
    pub cids: Option<CidFormat>,
}

/// What became of a directory that was to be made.
enum Made {
    New(Arc<Dir>),
    There(Arc<Dir>),
    File,
}

impl Mfs {
    /// Makes a directory. It is durable after a flush.
    pub async fn mkdir(&self, at: &str, options: MkdirOptions) -> Result<()> {
        if at.is_empty() {
            return Err(Error::NoPath);
        }
        let (this, at) = (self.clone(), at.to_owned());
        Self::to_its_end(async move { this.make(&at, options).await }).await
    }

    async fn make(&self, at: &str, options: MkdirOptions) -> Result<()> {
        let names = path::names(at)?;
        let mut dir = self.root().await?.clone();
        let Some((last, above)) = names.split_last() else {
            return match options.parents {
                true => Ok(()),
                false => Err(Error::RootExists),
            };
        };
        for (i, name) in above.iter().enumerate() {
            let below = self.child(&dir, name.as_bytes()).await?;
            dir = match below {
                Some(Found::Dir(below)) => below,
                Some(Found::File(_)) => {
                    return Err(Error::WasNotDirectory(names[..i].join("/")));
                }
                None if options.parents => match self.new_below(&dir, name, &options).await? {
                    Made::New(below) | Made::There(below) => below,
                    Made::File => return Err(Error::Exists),
                },
                None => return Err(Error::NotExist),
            };
        }
        match self.new_below(&dir, last, &options).await? {
            Made::New(_) => Ok(()),
            Made::There(_) if options.parents => Ok(()),
            Made::There(_) | Made::File => Err(Error::Exists),
        }
    }

    async fn new_below(&self, dir: &Arc<Dir>, name: &str, options: &MkdirOptions) -> Result<Made> {
        let cids = match options.cids {
            Some(cids) => cids,
            None => self.root().await?.state.read().await.edit.cids(),
        };
        loop {
            match self.child(dir, name.as_bytes()).await? {
                Some(Found::Dir(below)) => return Ok(Made::There(below)),
                Some(Found::File(_)) => return Ok(Made::File),
                None => {}
            }
            let directory = DirectoryOptions {
                cids,
                ..self.settings().directory.clone()
            };
            let mut edit = DirectoryEdit::new(self.0.source.clone(), directory)?;
            let _kept = self.store().lease();
            let node = edit.flush(self.store()).await?;
            let name = Bytes::copy_from_slice(name.as_bytes());
            let entry = Entry {
                name: name.clone(),
                cid: node.cid,
                dag_size: node.dag_size,
            };
            let mut state = dir.state.write().await;
            if state.edit.get(&name).await?.is_some() {
                continue;
            }
            state.edit.put(entry).await?;
            let below = Dir::new(Some((dir.clone(), name.clone())), edit);
            state.open.insert(name, Child::Dir(below.clone()));
            drop(state);
            dir.touch();
            return Ok(Made::New(below));
        }
    }
}
