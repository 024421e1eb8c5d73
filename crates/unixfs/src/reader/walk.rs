//! The leaves of a file, left to right, with the next ones on their way.

use std::{collections::VecDeque, sync::Arc};

use basalt_block::{Block, Cid, codec};
use basalt_ipld::dag_pb::Link;
use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};

use super::decode;
use crate::{
    BlockSource, Data, Error, Kind, Result,
    source::{fetch_ahead, fetch_in_turn},
};

/// No honest DAG is deeper.
const MAX_DEPTH: usize = 64;
/// Links that may wait at all depths together; honest DAGs have some thousands.
const MAX_WAITING: usize = 256 << 10;
/// A subtree with more bytes of the file than this is no leaf.
const MAX_LEAF: u64 = 2 << 20;
/// Leaves that are fetched at once, however small.
const MAX_GROUP: usize = 64;

pub(super) struct Walk {
    source: Arc<dyn BlockSource>,
    levels: Vec<Level>,
    waiting: usize,
    /// Bytes of the file to pass over, and then to give.
    skip: u64,
    left: u64,
    read_ahead: usize,
}

/// What remains of a node's children: how long they are said to be, and the blocks.
struct Level {
    sizes: VecDeque<Option<u64>>,
    blocks: BoxStream<'static, Result<Block>>,
}

enum Part {
    Leaf(Bytes),
    Node(Vec<Link>, Data),
}

impl Walk {
    pub(super) fn new(
        source: Arc<dyn BlockSource>,
        root: Block,
        skip: u64,
        left: u64,
        read_ahead: usize,
    ) -> Self {
        let blocks = stream::once(async { Ok(root) }).boxed();
        let root = Level {
            sizes: [None].into(),
            blocks,
        };
        Self {
            source,
            levels: vec![root],
            waiting: 1,
            skip,
            left,
            read_ahead,
        }
    }

    /// The next bytes, never none of them.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.left > 0 {
            let Some(level) = self.levels.last_mut() else {
                return Ok(None);
            };
            let Some(size) = level.sizes.pop_front() else {
                self.levels.pop();
                continue;
            };
            let Some(block) = level.blocks.next().await.transpose()? else {
                return Err(Error::Cancelled);
            };
            self.waiting -= 1;
            match part(&block, size)? {
                Part::Leaf(bytes) => {
                    if let Some(bytes) = self.cut(bytes) {
                        return Ok(Some(bytes));
                    }
                }
                Part::Node(links, data) => self.descend(block.cid(), links, data)?,
            }
        }
        Ok(None)
    }

    fn cut(&mut self, mut bytes: Bytes) -> Option<Bytes> {
        let skipped = self.skip.min(bytes.len() as u64);
        self.skip -= skipped;
        let _ = bytes.split_to(skipped as usize);
        bytes.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= bytes.len() as u64;
        (!bytes.is_empty()).then_some(bytes)
    }

    fn descend(&mut self, cid: &Cid, links: Vec<Link>, data: Data) -> Result<()> {
        let sizes = (data.block_sizes.len() == links.len()).then_some(data.block_sizes);
        let mut wanted = Vec::new();
        match sizes {
            // Without sizes everything has to be read.
            None => wanted.extend(links.into_iter().map(|link| (None, link.cid))),
            Some(sizes) => {
                let mut end = self.skip.saturating_add(self.left);
                for (size, link) in sizes.into_iter().zip(links) {
                    if self.skip >= size && wanted.is_empty() {
                        self.skip -= size;
                        end -= size;
                        continue;
                    }
                    if end == 0 {
                        break;
                    }
                    end = end.saturating_sub(size);
                    wanted.push((Some(size), link.cid));
                }
            }
        }
        self.waiting += wanted.len();
        if self.levels.len() >= MAX_DEPTH || self.waiting > MAX_WAITING {
            return Err(Error::TooDeep(Box::new(*cid)));
        }
        let groups = self.groups(&wanted);
        self.levels.push(Level {
            sizes: wanted.into_iter().map(|(size, _)| size).collect(),
            blocks: match self.read_ahead {
                0 => fetch_in_turn(self.source.clone(), groups),
                _ => fetch_ahead(self.source.clone(), groups),
            },
        });
        Ok(())
    }

    /// Which blocks are fetched at once: the first alone, so that it comes soon.
    fn groups(&self, wanted: &[(Option<u64>, Cid)]) -> Vec<Vec<Cid>> {
        let most = (self.read_ahead / 2) as u64;
        let mut groups: Vec<Vec<Cid>> = Vec::new();
        let mut bytes = u64::MAX;
        for (size, cid) in wanted {
            let size = size.unwrap_or(MAX_LEAF);
            let fits = size <= MAX_LEAF && bytes.saturating_add(size) <= most;
            match groups.last_mut() {
                Some(group) if fits && group.len() < MAX_GROUP => {
                    group.push(*cid);
                    bytes += size;
                }
                last => {
                    bytes = if last.is_none() { u64::MAX } else { size };
                    groups.push(vec![*cid]);
                }
            }
        }
        groups
    }
}

/// Reads a block of a file, which is said to lead to `size` bytes of it.
fn part(block: &Block, size: Option<u64>) -> Result<Part> {
    let cid = block.cid();
    let check = |expected: Option<u64>, found: u64| match expected {
        Some(expected) if expected != found => Err(Error::SizeMismatch {
            cid: Box::new(*cid),
            expected,
            found,
        }),
        _ => Ok(()),
    };
    if cid.codec() == codec::RAW {
        check(size, block.data().len() as u64)?;
        return Ok(Part::Leaf(block.data().clone()));
    }
    if cid.codec() != codec::DAG_PB {
        return Err(Error::malformed(cid, "unrecognized node type"));
    }
    let (node, data) = decode(block)?;
    if !matches!(data.kind, Kind::File | Kind::Raw) {
        let reason = format!("found {} node in unexpected place", data.kind.name());
        return Err(Error::malformed(cid, reason));
    }
    if node.links.is_empty() {
        let bytes = data.data.unwrap_or_default();
        check(size.or(data.file_size), bytes.len() as u64)?;
        return Ok(Part::Leaf(bytes));
    }
    if data.block_sizes.len() == node.links.len() {
        let sum = data
            .block_sizes
            .iter()
            .try_fold(0u64, |sum, size| sum.checked_add(*size));
        let sum = sum.ok_or_else(|| Error::malformed(cid, "block sizes overflow"))?;
        check(size.or(data.file_size), sum)?;
    }
    Ok(Part::Node(node.links, data))
}
