//! Making DAGs: bytes to files, entries to directories, paths to trees.

mod budget;
mod cutter;
mod directory;
mod entries;
mod file;
mod hamt;
mod layout;
mod leaves;
mod tree;

pub use budget::Budget;
pub use directory::{DirectoryBuilder, DirectoryNode, DirectoryOptions, SizeEstimation};
pub use file::{FileBuilder, FileNode, FileOptions};
pub use layout::Layout;
pub use tree::{Added, Tree, TreeBuilder, TreeOptions};
pub(crate) use {
    budget::hashing_turn,
    cutter::Cutter,
    layout::Child,
    leaves::{Leaf, LeafFormat},
};

use basalt_block::{Block, codec};
use basalt_ipld::dag_pb::{Link, Node};
use bytes::Bytes;

use crate::{CidFormat, Data, Result, Stat};

/// A symlink's block. Of its stat, only the modification time is kept.
pub fn symlink_block(target: &[u8], stat: Stat, format: CidFormat) -> Result<Block> {
    let data = Data::symlink(Bytes::copy_from_slice(target), stat);
    Ok(node_block(Vec::new(), &data, format)?.0)
}

/// A dag-pb block, and the size of all that it leads to, itself included.
pub(crate) fn node_block(links: Vec<Link>, data: &Data, format: CidFormat) -> Result<(Block, u64)> {
    let below = links
        .iter()
        .fold(0u64, |sum, link| sum.wrapping_add(link.tsize()));
    let node = Node {
        links,
        data: Some(data.encode().into()),
    };
    let block = format.block(codec::DAG_PB, node.encode().into())?;
    let size = below.wrapping_add(block.data().len() as u64);
    Ok((block, size))
}
