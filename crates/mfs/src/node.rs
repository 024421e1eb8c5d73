use basalt_block::{Block, codec};
use basalt_ipld::dag_pb;
use basalt_unixfs::{Data, Kind as UnixFsKind};
use bytes::Bytes;

use crate::{Error, Result};

/// What an entry of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file, or a symlink.
    File,
    /// A directory.
    Directory,
}

/// A file or directory as it is now.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its root block.
    pub block: Block,
}

impl Node {
    /// Reads what a block is to the tree.
    pub(crate) fn of(block: Block) -> Result<Self> {
        let kind = match block.cid().codec() {
            codec::RAW => Kind::File,
            codec::DAG_PB => match parts(&block)?.1.kind {
                UnixFsKind::Directory | UnixFsKind::HamtShard => Kind::Directory,
                UnixFsKind::File | UnixFsKind::Raw | UnixFsKind::Symlink => Kind::File,
                UnixFsKind::Metadata => return Err(Error::Metadata),
            },
            _ => return Err(Error::NotUnixFs),
        };
        Ok(Self { kind, block })
    }

    /// The bytes of all its blocks, as far as its links tell: `Tsize`.
    pub fn dag_size(&self) -> Result<u64> {
        dag_size(&self.block)
    }

    /// The bytes of a file; a directory has none.
    pub fn file_size(&self) -> Result<u64> {
        match self.block.cid().codec() {
            codec::RAW => Ok(self.block.data().len() as u64),
            _ => Ok(parts(&self.block)?.1.size()),
        }
    }
}

/// The links and the message of a dag-pb block.
pub(crate) fn parts(block: &Block) -> Result<(dag_pb::Node, Data)> {
    let malformed = |reason: String| {
        Error::UnixFs(basalt_unixfs::Error::Malformed {
            cid: Box::new(*block.cid()),
            reason,
        })
    };
    let node = dag_pb::Node::decode(block.data()).map_err(|e| malformed(e.to_string()))?;
    let data = Data::decode(node.data.as_ref().unwrap_or(&Bytes::new()))
        .map_err(|e| malformed(e.to_string()))?;
    Ok((node, data))
}

/// The bytes of all blocks below a block and of its own.
pub(crate) fn dag_size(block: &Block) -> Result<u64> {
    let own = block.data().len() as u64;
    if block.cid().codec() == codec::RAW {
        return Ok(own);
    }
    let links = parts(block)?.0.links;
    Ok(links
        .iter()
        .fold(own, |sum, link| sum.wrapping_add(link.tsize())))
}
