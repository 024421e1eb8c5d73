//! What a mount shows.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use basalt::unixfs::Entry;
use bytes::Bytes;
use fuser::Errno;
use futures::stream::BoxStream;
use nix::errno::Errno as Number;

use crate::attributes::{Attributes, Kind};
use crate::errno::{Answer, number};
use crate::table::{MANY, Table};

/// The number of the root of every tree.
pub(crate) const ROOT: u64 = 1;

/// An entry that was looked up or made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) ino: u64,
    pub(crate) attributes: Attributes,
}

/// A file that was opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) handle: u64,
    /// Whether what the kernel has of its content is still right.
    pub(crate) keep_cache: bool,
}

/// A row of a directory.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: Bytes,
    pub(crate) kind: Kind,
}

/// The rows of a directory.
pub(crate) type Rows = BoxStream<'static, Answer<Row>>;

/// What of an entry is to be changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Change {
    pub(crate) size: Option<u64>,
    pub(crate) mode: Option<u32>,
    pub(crate) mtime: Option<SystemTime>,
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct How {
    pub(crate) write: bool,
    pub(crate) append: bool,
    pub(crate) truncate: bool,
    pub(crate) exclusive: bool,
}

fn unsupported() -> Errno {
    number(Number::EOPNOTSUPP)
}

/// A tree of entries, each of which has a number while the kernel knows it.
///
/// What is not said here cannot be done. The errors of the rest are those of Kubo's mounts, but that
/// nothing pretends to have been done.
#[async_trait]
pub(crate) trait Tree: Send + Sync + 'static {
    /// How long the kernel may keep what it was told.
    fn keeps(&self) -> Duration;

    /// The entry of a name; the kernel knows it once more.
    async fn lookup(&self, parent: u64, name: &[u8]) -> Answer<Found>;

    /// The kernel knows an entry so many times less.
    fn forget(&self, ino: u64, times: u64);

    async fn attributes(&self, ino: u64, handle: Option<u64>) -> Answer<Attributes>;

    async fn change(&self, _ino: u64, _handle: Option<u64>, _: Change) -> Answer<Attributes> {
        Err(unsupported())
    }

    async fn read_link(&self, ino: u64) -> Answer<Bytes>;

    async fn open(&self, ino: u64, how: How) -> Answer<Opened>;

    async fn read(&self, handle: u64, offset: u64, len: usize) -> Answer<Bytes>;

    async fn write(&self, _handle: u64, _offset: u64, _bytes: Bytes) -> Answer<()> {
        Err(Errno::EROFS)
    }

    /// What was written shows, and is durable.
    async fn flush(&self, _handle: u64) -> Answer<()> {
        Ok(())
    }

    /// As [`Tree::flush`], for all directories.
    async fn flush_directories(&self) -> Answer<()> {
        Ok(())
    }

    async fn release(&self, handle: u64);

    async fn rows(&self, ino: u64) -> Answer<Rows>;

    /// The CID of what can be asked for it.
    async fn cid(&self, ino: u64) -> Answer<Option<String>>;

    async fn create(&self, _parent: u64, _name: &[u8], _: How) -> Answer<(Found, Opened)> {
        Err(Errno::EROFS)
    }

    async fn make_directory(&self, _parent: u64, _name: &[u8]) -> Answer<Found> {
        Err(unsupported())
    }

    async fn make_symlink(&self, _parent: u64, _name: &[u8], _target: &[u8]) -> Answer<Found> {
        Err(unsupported())
    }

    async fn remove_file(&self, _parent: u64, _name: &[u8]) -> Answer<()> {
        Err(Errno::EROFS)
    }

    async fn remove_directory(&self, _parent: u64, _name: &[u8]) -> Answer<()> {
        Err(Errno::EROFS)
    }

    async fn rename(&self, _from: (u64, &[u8]), _to: (u64, &[u8]), _exclusive: bool) -> Answer<()> {
        Err(unsupported())
    }

    /// The folder of the repo, whose free space is told.
    fn repo(&self) -> Option<PathBuf>;

    /// Places that the kernel may be asked to forget, when it knows very many.
    fn crowd(&self) -> Vec<(u64, Bytes)> {
        Vec::new()
    }

    /// Makes everything durable that was written to open files.
    async fn finish(&self) {}
}

/// The oldest places of a table, when it has grown beyond what it should have.
pub(crate) fn crowd<T>(table: &Table<T>) -> Vec<(u64, Bytes)> {
    match table.len() {
        ..=MANY => Vec::new(),
        _ => table.oldest(MANY / 4),
    }
}

/// What entries of directories are, by their blocks.
pub(crate) struct Kinds {
    pub(crate) source: std::sync::Arc<dyn basalt::unixfs::BlockSource>,
}

/// Entries whose blocks are read at once.
const AT_ONCE: usize = 32;

impl Kinds {
    /// Rows for entries.
    pub(crate) fn rows(self, entries: BoxStream<'static, Answer<Entry>>) -> Rows {
        use futures::{StreamExt, TryStreamExt};
        let source = self.source;
        entries
            .try_chunks(AT_ONCE)
            .map_err(|e| e.1)
            .and_then(move |batch| look_at(source.clone(), batch))
            .map_ok(|rows| futures::stream::iter(rows).map(Ok))
            .try_flatten()
            .boxed()
    }
}

async fn look_at(
    source: std::sync::Arc<dyn basalt::unixfs::BlockSource>,
    batch: Vec<Entry>,
) -> Answer<Vec<Row>> {
    use basalt::block::{Block, codec};
    let inline = |entry: &Entry| {
        entry.cid.codec() == codec::RAW || Block::from_identity(&entry.cid).is_some()
    };
    let wanted: Vec<_> = batch
        .iter()
        .filter(|entry| !inline(entry))
        .map(|entry| entry.cid)
        .collect();
    let blocks = source.get_many(&wanted).await;
    let mut blocks = blocks.map_err(|e| crate::errno::of_unixfs(&e))?.into_iter();
    let mut rows = Vec::with_capacity(batch.len());
    for entry in batch {
        let kind = if entry.cid.codec() == codec::RAW {
            Kind::File
        } else {
            let block = Block::from_identity(&entry.cid).or_else(|| blocks.next());
            block.map_or(Kind::File, |block| kind_of(&block))
        };
        // As in Kubo, an entry without a name shows by its CID.
        let name = match entry.name.is_empty() {
            true => entry.cid.to_string().into(),
            false => entry.name,
        };
        rows.push(Row { name, kind });
    }
    Ok(rows)
}

/// What a block is; a file if it is nothing that is known.
fn kind_of(block: &basalt::block::Block) -> Kind {
    use basalt::unixfs::{Data, Kind as UnixFs};
    let node = basalt::ipld::dag_pb::Node::decode(block.data()).ok();
    let data = node.and_then(|node| Data::decode(&node.data?).ok());
    match data.map(|data| data.kind) {
        Some(UnixFs::Directory | UnixFs::HamtShard) => Kind::Directory,
        Some(UnixFs::Symlink) => Kind::Symlink,
        _ => Kind::File,
    }
}
