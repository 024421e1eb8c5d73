//! Reading directories.

pub(crate) mod hamt;
pub(crate) mod listing;
pub(crate) mod names;

use std::{fmt, sync::Arc};

use basalt_block::{Block, Cid, codec};
use basalt_ipld::dag_pb::{Link, Node};
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::{BlockSource, Data, Error, Inode, Kind, Result, Stat, source};

/// A name in a directory, and what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name; most writers use UTF-8, none has to.
    pub name: Bytes,
    /// The root of what it names.
    pub cid: Cid,
    /// The bytes of all its blocks, as the directory's writer counted: `Tsize`.
    pub dag_size: u64,
}

impl From<Link> for Entry {
    fn from(link: Link) -> Self {
        let dag_size = link.tsize();
        Self {
            name: link.name.unwrap_or_default(),
            cid: link.cid,
            dag_size,
        }
    }
}

/// A directory in one block or many.
#[derive(Clone)]
pub struct Directory {
    source: Arc<dyn BlockSource>,
    root: Block,
    node: Node,
    data: Data,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("cid", self.cid())
            .finish_non_exhaustive()
    }
}

impl Directory {
    /// Reads a directory's root block. Whatever is no directory is an error.
    pub async fn open(source: Arc<dyn BlockSource>, cid: &Cid) -> Result<Self> {
        match Inode::open(source, cid).await? {
            Inode::Directory(directory) => Ok(directory),
            _ => Err(Error::NotDirectory),
        }
    }

    pub(crate) fn from_parts(
        source: Arc<dyn BlockSource>,
        root: Block,
        node: Node,
        data: Data,
    ) -> Self {
        Self {
            source,
            root,
            node,
            data,
        }
    }

    /// The root.
    pub fn cid(&self) -> &Cid {
        self.root.cid()
    }

    /// The root block.
    pub fn block(&self) -> &Block {
        &self.root
    }

    /// Whether it is a HAMT.
    pub fn is_sharded(&self) -> bool {
        self.data.kind == Kind::HamtShard
    }

    /// The links of the root: entries, or entries and shards.
    pub fn links(&self) -> &[Link] {
        &self.node.links
    }

    /// The bytes of all blocks, as far as the root's links tell.
    pub fn dag_size(&self) -> u64 {
        let own = self.root.data().len() as u64;
        self.node
            .links
            .iter()
            .fold(own, |sum, link| sum.wrapping_add(link.tsize()))
    }

    /// Mode and modification time, as far as they are stored.
    pub fn stat(&self) -> Stat {
        self.data.stat()
    }

    /// The entries: of one block in its order, of a HAMT in the order of the hashes of the names.
    /// Shards are fetched as they are needed, a few at a time.
    pub fn entries(&self) -> BoxStream<'static, Result<Entry>> {
        let directory = self.clone();
        listing::entries(
            directory.source,
            directory.root,
            directory.node,
            directory.data,
        )
    }

    /// The entry of this name. Of a HAMT, only the shards on the way to it are fetched.
    pub async fn lookup(&self, name: &[u8]) -> Result<Option<Entry>> {
        if self.is_sharded() {
            return hamt::lookup(&*self.source, &self.root, name).await;
        }
        Ok(self.node.link(name).cloned().map(Entry::from))
    }

    /// As [`Directory::lookup`], but that there is no such entry is an error.
    pub async fn get(&self, name: &[u8]) -> Result<Entry> {
        let no_link = || Error::NoLink {
            name: name.to_vec(),
            node: Box::new(*self.cid()),
        };
        self.lookup(name).await?.ok_or_else(no_link)
    }
}

/// What `name` leads to from `block` in a path of `/ipfs`: an entry of a directory, or a link of a
/// dag-pb block that is no UnixFS. Files, symlinks and raw blocks have nothing below them.
pub async fn resolve_name(source: &dyn BlockSource, block: &Block, name: &[u8]) -> Result<Entry> {
    let found = match block.cid().codec() {
        codec::DAG_PB => {
            let node = Node::decode(block.data()).map_err(|e| Error::malformed(block.cid(), e))?;
            let data = node.data.as_ref().and_then(|data| Data::decode(data).ok());
            match data.map(|data| data.kind) {
                Some(Kind::HamtShard) => hamt::lookup(source, block, name).await?,
                Some(Kind::Directory) | None => node.link(name).cloned().map(Entry::from),
                Some(_) => None,
            }
        }
        _ => None,
    };
    let no_link = || Error::NoLink {
        name: name.to_vec(),
        node: Box::new(*block.cid()),
    };
    found.ok_or_else(no_link)
}

/// The shards of a level that are fetched at once.
const SHARDS_AHEAD: usize = 16;

async fn get(source: &dyn BlockSource, cid: &Cid) -> Result<Block> {
    source::get(source, cid).await
}
