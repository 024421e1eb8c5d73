//! Leaves to a tree, one leaf at a time.

mod balanced;
mod trickle;

use basalt_block::Cid;
use basalt_ipld::dag_pb::Link;

use super::node_block;
use crate::{CidFormat, Data, Kind, Result, Stat, sink::Outbox};

/// The shape of a file's DAG.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// All leaves at the same depth.
    #[default]
    Balanced,
    /// Leaves near the root first, for reading while writing goes on.
    Trickle,
}

/// A subtree: its root, the bytes of the file below it, and the bytes of its blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Child {
    pub(crate) cid: Cid,
    pub(crate) size: u64,
    pub(crate) tsize: u64,
}

#[derive(Debug)]
pub(super) enum Stacker {
    Balanced(balanced::Balanced),
    Trickle(trickle::Trickle),
}

impl Stacker {
    pub(super) fn new(layout: Layout, max_links: usize, cids: CidFormat) -> Self {
        match layout {
            Layout::Balanced => Self::Balanced(balanced::Balanced::new(max_links, cids)),
            Layout::Trickle => Self::Trickle(trickle::Trickle::new(max_links, cids)),
        }
    }

    /// Adds the next leaf; nodes that are complete by it go to `out`.
    pub(super) fn push(&mut self, leaf: Child, out: &mut Outbox) -> Result<()> {
        match self {
            Self::Balanced(layout) => layout.push(leaf, out),
            Self::Trickle(layout) => layout.push(leaf, out),
        }
    }

    /// The root. A balanced file of one leaf has that leaf for its root, and of no leaf none.
    pub(super) fn finish(self, stat: Stat, out: &mut Outbox) -> Result<Option<Child>> {
        match self {
            Self::Balanced(layout) => layout.finish(stat, out),
            Self::Trickle(layout) => layout.finish(stat, out).map(Some),
        }
    }
}

/// Writes the node over `children`.
fn join(children: Vec<Child>, stat: Stat, cids: CidFormat, out: &mut Outbox) -> Result<Child> {
    let size = children.iter().map(|child| child.size).sum();
    let mut data = Data {
        file_size: Some(size),
        block_sizes: children.iter().map(|child| child.size).collect(),
        ..Data::new(Kind::File)
    };
    data.set_stat(stat);
    let link = |child: Child| Link::new(child.cid, "", child.tsize);
    let (block, tsize) = node_block(children.into_iter().map(link).collect(), &data, cids)?;
    let cid = *block.cid();
    out.push(block);
    Ok(Child { cid, size, tsize })
}
