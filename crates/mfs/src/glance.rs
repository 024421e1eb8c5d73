//! What stands at a path, as a file system tells it.

use basalt_block::{Cid, codec};
use basalt_unixfs::{BlockSource, CidFormat, Kind as UnixFsKind, Stat};
use bytes::Bytes;
use std::sync::Arc;

use crate::lookup::Found;
use crate::mfs::Mfs;
use crate::node::parts;
use crate::{Error, Kept, Result};

/// What stands at a path. Nothing is written to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// What it is.
    pub kind: GlanceKind,
    /// Mode and modification time, as far as they are kept.
    pub stat: Stat,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GlanceKind {
    /// A directory, of how many bytes does not matter.
    Directory,
    /// A file.
    File {
        /// Its root.
        cid: Cid,
        /// How many bytes it has.
        size: u64,
    },
    /// A symlink.
    Symlink {
        /// Where it points.
        target: Bytes,
    },
}

impl Mfs {
    /// What stands at a path now.
    pub async fn glance(&self, path: &str) -> Result<Glance> {
        let file = match self.find(path).await? {
            Found::Dir(dir) => {
                return Ok(Glance {
                    kind: GlanceKind::Directory,
                    stat: dir.state.read().await.edit.stat(),
                });
            }
            Found::File(file) => file,
        };
        let block = &file.node.block;
        let cid = *block.cid();
        if cid.codec() == codec::RAW {
            let size = block.data().len() as u64;
            return Ok(Glance {
                kind: GlanceKind::File { cid, size },
                stat: Stat::default(),
            });
        }
        let (_, data) = parts(block)?;
        let stat = data.stat();
        let kind = match data.kind {
            UnixFsKind::Symlink => GlanceKind::Symlink {
                target: data.data.unwrap_or_default(),
            },
            _ => GlanceKind::File {
                cid,
                size: data.size(),
            },
        };
        Ok(Glance { kind, stat })
    }

    /// How the CIDs of a directory, and of what is made in it, are made.
    pub async fn cids_of(&self, path: &str) -> Result<CidFormat> {
        match self.find(path).await? {
            Found::Dir(dir) => Ok(dir.state.read().await.edit.cids()),
            Found::File(_) => Err(Error::OnlyDirectories),
        }
    }

    /// Keeps a DAG that was in the tree from garbage collection.
    pub async fn protect(&self, root: Cid) -> Kept {
        self.0.parts.keep.protect(root).await
    }

    /// Where the blocks of the tree are read.
    pub fn source(&self) -> Arc<dyn BlockSource> {
        self.0.parts.source.clone()
    }
}
