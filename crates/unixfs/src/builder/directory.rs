use basalt_block::{Cid, varint};
use basalt_ipld::dag_pb::Link;

use super::{entries::Entries, hamt::Shards, node_block};
use crate::{
    BlockSink, CidFormat, DEFAULT_FANOUT, DEFAULT_SHARDING_SIZE, Data, Error, Result, Stat,
    directory::hamt::Shape,
    proto::{directory_field_len, field_len},
    sink::Outbox,
};

/// How a directory's size is told, which decides whether it becomes a HAMT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SizeEstimation {
    /// The bytes of names and CIDs.
    #[default]
    Links,
    /// The bytes of the block.
    Block,
    /// Not at all; the number of links alone decides.
    Disabled,
}

impl SizeEstimation {
    /// What an entry adds to the size of a directory.
    pub(crate) fn entry(self, name_len: usize, cid: &Cid, tsize: u64) -> usize {
        let cid_len = cid.encoded_len();
        match self {
            Self::Links => name_len + cid_len,
            Self::Block => {
                field_len(field_len(cid_len) + field_len(name_len) + 1 + varint::len(tsize))
            }
            Self::Disabled => 0,
        }
    }

    /// The size of a directory without entries.
    pub(crate) fn empty(self, stat: Stat) -> usize {
        match self {
            Self::Block => directory_field_len(stat),
            Self::Links | Self::Disabled => 0,
        }
    }
}

/// How entries become a directory.
#[derive(Debug, Clone)]
pub struct DirectoryOptions {
    /// How blocks are named.
    pub cids: CidFormat,
    /// A directory of more links becomes a HAMT; zero is no limit.
    pub max_links: usize,
    /// Slots of a HAMT shard: a power of two, from 8 to 1024.
    pub fanout: usize,
    /// A directory that is larger, in bytes by `estimation`, becomes a HAMT; with zero none ever
    /// does.
    pub sharding_size: u64,
    /// How the size is told.
    pub estimation: SizeEstimation,
}

impl Default for DirectoryOptions {
    fn default() -> Self {
        Self {
            cids: CidFormat::default(),
            max_links: 0,
            fanout: DEFAULT_FANOUT,
            sharding_size: DEFAULT_SHARDING_SIZE,
            estimation: SizeEstimation::default(),
        }
    }
}

impl DirectoryOptions {
    /// Puts the usual fanout where none is asked for, and refuses impossible ones.
    pub(crate) fn check(&mut self) -> Result<()> {
        if self.fanout == 0 {
            self.fanout = DEFAULT_FANOUT;
        }
        match Shape::new(self.fanout) {
            Some(_) => Ok(()),
            None => Err(Error::Fanout(self.fanout)),
        }
    }
}

/// A directory that was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryNode {
    /// Its root.
    pub cid: Cid,
    /// The bytes of all blocks below and of its own: `Tsize`.
    pub dag_size: u64,
    /// Whether it is a HAMT.
    pub sharded: bool,
}

/// Builds a directory from entries in any order.
///
/// Entries take about 90 bytes of memory each, up to 16 MiB; more of them wait in a temporary file.
#[derive(Debug)]
pub struct DirectoryBuilder {
    options: DirectoryOptions,
    stat: Stat,
    entries: Entries,
}

impl DirectoryBuilder {
    /// An empty directory.
    pub fn new(mut options: DirectoryOptions, stat: Stat) -> Result<Self> {
        options.check()?;
        Ok(Self {
            options,
            stat,
            entries: Entries::default(),
        })
    }

    /// Adds an entry. That a name is given twice shows in [`DirectoryBuilder::finish`].
    pub fn add(&mut self, name: &[u8], cid: &Cid, dag_size: u64) -> Result<()> {
        if name.is_empty() {
            return Err(Error::EmptyName);
        }
        Ok(self.entries.push(name, cid, dag_size)?)
    }

    /// Whether the entries so far are too many or too large for one block.
    pub fn is_sharded(&self) -> bool {
        let (options, entries) = (&self.options, &self.entries);
        let own = options.estimation.empty(self.stat) as u64;
        let too_large = own + entries.bytes(options.estimation) > options.sharding_size;
        options.sharding_size > 0 && (too_large || self.too_many())
    }

    fn too_many(&self) -> bool {
        self.options.max_links > 0 && self.entries.len > self.options.max_links
    }

    /// Writes the directory's blocks to `sink`.
    pub async fn finish<S: BlockSink + ?Sized>(self, sink: &S) -> Result<DirectoryNode> {
        let mut out = Outbox::default();
        let node = self.finish_into(&mut out, sink).await?;
        out.send(sink).await?;
        Ok(node)
    }

    pub(super) async fn finish_into<S: BlockSink + ?Sized>(
        self,
        out: &mut Outbox,
        sink: &S,
    ) -> Result<DirectoryNode> {
        let sharded = self.is_sharded();
        let (block, dag_size) = if sharded {
            let mut shards = Shards::new(self.options.fanout, self.options.cids)?;
            for row in self.entries.into_rows()? {
                shards.push(row?, out)?;
                out.send_if_full(sink).await?;
            }
            shards.finish(self.stat, out)?
        } else {
            if self.too_many() {
                return Err(Error::MaxLinks);
            }
            let mut links = Vec::with_capacity(self.entries.len);
            for row in self.entries.into_rows()? {
                let row = row?;
                links.push(Link::new(row.cid, row.name, row.tsize));
            }
            links.sort_by(|a, b| a.name().cmp(b.name()));
            if links
                .windows(2)
                .any(|pair| pair[0].name() == pair[1].name())
            {
                return Err(Error::Exists);
            }
            node_block(links, &Data::directory(self.stat), self.options.cids)?
        };
        let cid = *block.cid();
        out.push(block);
        out.send_if_full(sink).await?;
        Ok(DirectoryNode {
            cid,
            dag_size,
            sharded,
        })
    }
}
