//! Chunks to leaf blocks. This is where the bytes are hashed.

use basalt_block::{Block, codec};
use bytes::Bytes;

use super::layout::Child;
use crate::{CidFormat, Error, Kind, Result, proto};

/// A leaf is refused above this many bytes of the file.
const MAX_CHUNK: usize = 2 << 20;

/// A leaf's block, and what its parent has to know of it.
pub(crate) type Leaf = (Block, Child);

/// How leaves are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeafFormat {
    pub(crate) raw: bool,
    pub(crate) kind: Kind,
    pub(crate) cids: CidFormat,
}

impl LeafFormat {
    pub(crate) fn leaf(&self, chunk: Bytes) -> Result<Leaf> {
        let size = chunk.len();
        if size > MAX_CHUNK {
            return Err(Error::ChunkTooLarge);
        }
        let block = if self.raw {
            self.cids.block(codec::RAW, chunk)?
        } else {
            let data = proto::leaf_block(self.kind, &chunk);
            self.cids.block(codec::DAG_PB, data.into())?
        };
        let tsize = block.data().len() as u64;
        let child = Child {
            cid: *block.cid(),
            size: size as u64,
            tsize,
        };
        Ok((block, child))
    }

    pub(crate) fn leaves(&self, chunks: Vec<Bytes>) -> Result<Vec<Leaf>> {
        chunks.into_iter().map(|chunk| self.leaf(chunk)).collect()
    }
}
