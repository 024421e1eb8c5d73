//! Nodes of a file in memory.

use basalt_block::{Block, Cid, codec};
use basalt_ipld::dag_pb::Link;
use bytes::Bytes;

use super::check_size;
use crate::{
    BlockSource, CidFormat, Data, Error, Kind, Result, Stat,
    builder::{Child, LeafFormat, node_block},
    reader::decode,
    sink::Outbox,
    source,
};

/// A block of a file: a raw one, or a node.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Raw(Block),
    Node(Node),
}

/// A node with bytes of the file, or with links to them, but not both.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) links: Vec<Link>,
    pub(super) data: Data,
    pub(super) cids: CidFormat,
}

impl Part {
    /// Fetches the block of a child that is said to hold so many bytes of the file.
    pub(super) async fn load(source: &dyn BlockSource, cid: &Cid, size: u64) -> Result<Self> {
        Self::decode(source::get(source, cid).await?, Some(size))
    }

    pub(super) fn decode(block: Block, said: Option<u64>) -> Result<Self> {
        let cid = *block.cid();
        let part = match cid.codec() {
            codec::RAW => Self::Raw(block),
            codec::DAG_PB => Self::Node(Node::decode(&block, said.is_none())?),
            _ => return Err(Error::NotUnixFs(Box::new(cid))),
        };
        match said {
            Some(expected) if expected != part.size() => Err(Error::SizeMismatch {
                cid: Box::new(cid),
                expected,
                found: part.size(),
            }),
            _ => Ok(part),
        }
    }

    /// The bytes of the file below.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Raw(block) => block.data().len() as u64,
            Self::Node(node) => node.size(),
        }
    }

    /// The block, and the bytes of all blocks below.
    pub(super) fn block(&self) -> Result<(Block, u64)> {
        match self {
            Self::Raw(block) => Ok((block.clone(), block.data().len() as u64)),
            Self::Node(node) => node.block(),
        }
    }

    /// A root that was too large to be inside its CID does not go there again.
    pub(super) fn settle(&mut self) -> Result<()> {
        match self {
            Self::Node(node) if node.cids.inline.is_some() => {
                node.cids = CidFormat::of(node.block()?.0.cid());
            }
            _ => {}
        }
        Ok(())
    }

    /// What the node above has to know; the block goes to `out`.
    pub(super) fn close(&self, out: &mut Outbox) -> Result<Child> {
        let (block, tsize) = self.block()?;
        let cid = *block.cid();
        out.push(block);
        Ok(Child {
            cid,
            size: self.size(),
            tsize,
        })
    }

    /// A node to which leaves can be appended: bytes in the root move into a leaf.
    ///
    /// A raw block becomes a leaf as it is. So it is in Kubo; but where the bytes are in a node,
    /// Kubo leaves them there beside the links, where no reader finds them any more.
    pub(super) fn into_node(self, format: LeafFormat, out: &mut Outbox) -> Result<Node> {
        let (leaf, mut node) = match self {
            Self::Raw(_) => (self.close(out)?, Node::new(format.cids)),
            Self::Node(mut node) => {
                // A field that is there and empty stays, as in Kubo: a file that was cut has one.
                let Some(bytes) = node.data.data.take_if(|bytes| !bytes.is_empty()) else {
                    return Ok(node);
                };
                let (block, leaf) = format.leaf(bytes)?;
                out.push(block);
                node.data.kind = Kind::File;
                node.data.file_size = Some(0);
                node.data.block_sizes.clear();
                (leaf, node)
            }
        };
        node.push(leaf)?;
        Ok(node)
    }
}

impl Node {
    /// A node of an empty file.
    pub(super) fn new(cids: CidFormat) -> Self {
        Self {
            links: Vec::new(),
            data: Data {
                file_size: Some(0),
                ..Data::new(Kind::File)
            },
            cids,
        }
    }

    /// A file in one node.
    pub(super) fn leaf(bytes: Bytes, stat: Stat, cids: CidFormat) -> Self {
        let mut node = Self::new(cids);
        node.data.file_size = Some(bytes.len() as u64);
        node.data.data = Some(bytes);
        node.data.set_stat(stat);
        node
    }

    fn decode(block: &Block, is_root: bool) -> Result<Self> {
        let cid = block.cid();
        let bad = |reason: &str| Err(Error::malformed(cid, reason));
        let (node, data) = decode(block)?;
        match data.kind {
            Kind::File | Kind::Raw => {}
            Kind::Symlink if is_root => return Err(Error::IsSymlink),
            kind if is_root && kind.is_directory() => return Err(Error::IsDirectory),
            kind => return bad(&format!("found {} node in unexpected place", kind.name())),
        }
        if data.block_sizes.len() != node.links.len() {
            return bad("the node does not tell how many bytes of the file each link leads to");
        }
        let mut sizes = data.block_sizes.iter();
        let below = sizes.try_fold(0u64, |sum, size| sum.checked_add(*size));
        let own = data.data.as_ref().map_or(0, Bytes::len) as u64;
        let Some(below) = below.filter(|sum| check_size(Some(*sum)).is_ok()) else {
            return bad("block sizes overflow");
        };
        if own > 0 && !node.links.is_empty() {
            return bad("the node has both bytes of the file and links to others");
        }
        let said = data.file_size.unwrap_or(0);
        if said != below + own {
            return Err(Error::SizeMismatch {
                cid: Box::new(*cid),
                expected: said,
                found: below + own,
            });
        }
        let named = |link: Link| Link::new(link.cid, link.name().to_vec(), link.tsize());
        Ok(Self {
            links: node.links.into_iter().map(named).collect(),
            data,
            cids: CidFormat::of(cid),
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.data.file_size.unwrap_or(0)
    }

    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether the blocks below have more bytes than a size can say.
    pub(super) fn check_blocks(&self) -> Result<()> {
        let mut sizes = self.links.iter().map(Link::tsize);
        check_size(sizes.try_fold(0u64, |sum, size| sum.checked_add(size)))
    }

    pub(super) fn block(&self) -> Result<(Block, u64)> {
        self.check_blocks()?;
        node_block(self.links.clone(), &self.data, self.cids)
    }

    pub(super) fn push(&mut self, child: Child) -> Result<()> {
        let size = self.size().checked_add(child.size);
        check_size(size)?;
        check_size(Some(child.tsize))?;
        self.data.file_size = size;
        self.data.block_sizes.push(child.size);
        self.links.push(Link::new(child.cid, "", child.tsize));
        Ok(())
    }

    /// Takes the last link away, and tells where it led and to how many bytes.
    pub(super) fn pop(&mut self) -> Option<(Cid, u64)> {
        let link = self.links.pop()?;
        let size = self.data.block_sizes.pop()?;
        self.data.file_size = Some(self.size().saturating_sub(size));
        Some((link.cid, size))
    }

    /// The leaf that holds the whole file.
    pub(super) fn only_raw_leaf(&self) -> Option<Child> {
        match (self.links.as_slice(), self.data.block_sizes.as_slice()) {
            ([link], [size]) if link.cid.codec() == codec::RAW && self.data.stat().is_empty() => {
                Some(Child {
                    cid: link.cid,
                    size: *size,
                    tsize: *size,
                })
            }
            _ => None,
        }
    }
}
