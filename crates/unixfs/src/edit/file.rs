//! Files that change.

mod append;
mod leaves;
mod node;
mod rewrite;

use std::{fmt, sync::Arc};

use basalt_block::{Block, Cid, Version};
use basalt_chunker::Chunker;
use bytes::{Bytes, BytesMut};

use self::{append::Append, leaves::Leaves, node::Part};
use crate::{
    BlockSink, BlockSource, CidFormat, DEFAULT_FILE_LINKS, Error, FileNode, Mtime, Result, Stat,
    sink::Outbox, source,
};

/// More buffered bytes than this go into the DAG, and their blocks to the sink.
const BUFFER: usize = 2 << 20;

/// How a file is changed.
#[derive(Debug, Clone)]
pub struct FileEditOptions {
    /// How what is appended is cut, from the place on where the appending began.
    pub chunker: Chunker,
    /// Whether new leaves are raw; if nothing is said, they are where the file's CID has version 1.
    pub raw_leaves: Option<bool>,
    /// The most links that a node has.
    pub max_links: usize,
}

impl Default for FileEditOptions {
    fn default() -> Self {
        Self {
            chunker: Chunker::default(),
            raw_leaves: None,
            max_links: DEFAULT_FILE_LINKS,
        }
    }
}

/// A file opened for change.
///
/// What is written is buffered; whenever more than 2 MiB are, it goes into the DAG: leaves that
/// are there are written again in place, what lies behind the end is appended as Kubo does, and
/// all blocks but the root go to the sink, which has to be what the source reads from. No more
/// than the buffer and the way to one place in the DAG is in memory.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use basalt_blockstore::MemoryStore;
/// use basalt_unixfs::{CidFormat, File, FileEdit, FileEditOptions};
/// use futures::TryStreamExt;
/// use std::sync::Arc;
///
/// let store = Arc::new(MemoryStore::default());
/// let (source, sink) = (Arc::new(store.clone()), Arc::new(store));
/// let options = FileEditOptions::default();
/// let mut file = FileEdit::new(source.clone(), sink, CidFormat::V1, options);
/// file.write_at(0, b"hello world").await?;
/// file.write_at(0, b"J").await?;
/// file.truncate(5).await?;
/// let node = file.flush().await?;
///
/// let file = File::open(source, &node.cid).await?;
/// let bytes: Vec<bytes::Bytes> = file.stream().try_collect().await?;
/// assert_eq!(bytes.concat(), b"Jello");
/// # Ok::<(), basalt_unixfs::Error>(())
/// # }).unwrap();
/// ```
pub struct FileEdit {
    source: Arc<dyn BlockSource>,
    sink: Arc<dyn BlockSink>,
    options: FileEditOptions,
    /// How what is new is named, but for a root that there was.
    cids: CidFormat,
    root: Part,
    buffer: BytesMut,
    /// Where the buffer begins.
    start: u64,
    /// The root as the sink has it.
    stored: Option<FileNode>,
}

impl fmt::Debug for FileEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileEdit")
            .field("size", &self.size())
            .field("buffered", &self.buffer.len())
            .finish_non_exhaustive()
    }
}

impl FileEdit {
    /// An empty file.
    pub fn new(
        source: Arc<dyn BlockSource>,
        sink: Arc<dyn BlockSink>,
        cids: CidFormat,
        options: FileEditOptions,
    ) -> Self {
        Self::with_root(
            source,
            sink,
            Part::Node(node::Node::new(cids)),
            cids,
            options,
        )
    }

    /// A stored file: the root may be a raw block, a single leaf, or the node of any layout.
    pub async fn open(
        source: Arc<dyn BlockSource>,
        sink: Arc<dyn BlockSink>,
        cid: &Cid,
        options: FileEditOptions,
    ) -> Result<Self> {
        let block = source::get(&*source, cid).await?;
        let root = Part::decode(block, None)?;
        Ok(Self::with_root(
            source,
            sink,
            root,
            CidFormat::of(cid),
            options,
        ))
    }

    fn with_root(
        source: Arc<dyn BlockSource>,
        sink: Arc<dyn BlockSink>,
        root: Part,
        cids: CidFormat,
        mut options: FileEditOptions,
    ) -> Self {
        if options.max_links == 0 {
            options.max_links = DEFAULT_FILE_LINKS;
        }
        Self {
            source,
            sink,
            options,
            cids,
            root,
            buffer: BytesMut::new(),
            start: 0,
            stored: None,
        }
    }

    /// How many bytes the file has.
    pub fn size(&self) -> u64 {
        let end = self.start.saturating_add(self.buffer.len() as u64);
        let stored = self.root.size();
        if self.buffer.is_empty() {
            stored
        } else {
            stored.max(end)
        }
    }

    /// Mode and modification time, as far as they are kept.
    pub fn stat(&self) -> Stat {
        match &self.root {
            Part::Raw(_) => Stat::default(),
            Part::Node(node) => node.data.stat(),
        }
    }

    /// Sets the twelve permission bits; none, or zero, forgets them.
    pub async fn set_mode(&mut self, mode: Option<u32>) -> Result<()> {
        self.sync().await?;
        let mtime = self.stat().mtime;
        self.set_stat(Stat { mode, mtime })
    }

    /// Sets or forgets the modification time.
    pub async fn set_mtime(&mut self, mtime: Option<Mtime>) -> Result<()> {
        self.sync().await?;
        let mode = self.stat().mode;
        self.set_stat(Stat { mode, mtime })
    }

    /// A raw block has no place for them: it becomes a leaf of the usual form with a CID of
    /// version 0, as in Kubo.
    fn set_stat(&mut self, stat: Stat) -> Result<()> {
        self.root = match &self.root {
            Part::Raw(block) => {
                self.cids = CidFormat::default();
                Part::Node(node::Node::leaf(block.data().clone(), stat, self.cids))
            }
            Part::Node(node) => {
                let mut node = node.clone();
                node.data.set_stat(stat);
                Part::Node(node)
            }
        };
        self.stored = None;
        Ok(())
    }

    /// Writes bytes at a place. What lies between the end of the file and the place becomes zero.
    ///
    /// A call that goes on where the one before ended is one with it; else what was written before
    /// goes into the DAG first. Where pieces begin does not matter otherwise, but where the buffer
    /// overflows does: Kubo writes pieces of 32 KiB.
    pub async fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        check_size(offset.checked_add(bytes.len() as u64))?;
        if offset != self.start + self.buffer.len() as u64 {
            self.seek(offset).await?;
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() > BUFFER {
            self.sync().await?;
        }
        Ok(())
    }

    /// Goes to the place where something is to be written, which makes the file at least as long.
    pub async fn seek(&mut self, offset: u64) -> Result<()> {
        check_size(Some(offset))?;
        self.sync().await?;
        if offset > self.root.size() {
            self.grow(offset).await?;
        }
        self.start = offset;
        Ok(())
    }

    /// Cuts the file, or makes it longer with zeros. Where the next bytes go does not change.
    pub async fn truncate(&mut self, size: u64) -> Result<()> {
        check_size(Some(size))?;
        self.sync().await?;
        let now = self.root.size();
        if size > now {
            return self.grow(size).await;
        }
        if size < now {
            let mut out = Outbox::default();
            let root = rewrite::truncate(&*self.source, &self.root, size, &mut out).await?;
            out.send(&*self.sink).await?;
            self.set_root(root);
        }
        Ok(())
    }

    /// Writes what is buffered and the root, and tells where the file is.
    ///
    /// A file with raw leaves that is one leaf and keeps nothing else is that leaf.
    pub async fn flush(&mut self) -> Result<FileNode> {
        self.sync().await?;
        if let Some(stored) = self.stored {
            return Ok(stored);
        }
        let only = match &self.root {
            Part::Node(node) if self.raw_leaves() => node.only_raw_leaf(),
            _ => None,
        };
        let stored = match only {
            Some(leaf) => FileNode {
                cid: leaf.cid,
                dag_size: leaf.tsize,
                file_size: leaf.size,
            },
            None => {
                let (block, dag_size) = self.root.block()?;
                let cid = *block.cid();
                if Block::from_identity(&cid).is_none() {
                    self.sink.put(vec![block]).await?;
                }
                FileNode {
                    cid,
                    dag_size,
                    file_size: self.root.size(),
                }
            }
        };
        self.stored = Some(stored);
        Ok(stored)
    }

    fn raw_leaves(&self) -> bool {
        let usual = self.cids.version == Version::V1;
        self.options.raw_leaves.unwrap_or(usual)
    }

    fn set_root(&mut self, root: Part) {
        self.root = root;
        self.stored = None;
    }

    /// Moves the buffer into the DAG. If that fails, it stays where it is.
    async fn sync(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut root = self.root.clone();
        let mut out = Outbox::default();
        if root.size() < self.start {
            let zeros = self.start - root.size();
            root = self.append(root, zeros, None, &mut out).await?;
        }
        let mut bytes = Bytes::copy_from_slice(&self.buffer);
        let written = bytes.len() as u64;
        rewrite::write(&*self.source, &mut root, self.start, &mut bytes, &mut out).await?;
        if !bytes.is_empty() {
            root = self.append(root, 0, Some(bytes), &mut out).await?;
        }
        out.send(&*self.sink).await?;
        root.settle()?;
        self.buffer.clear();
        self.start += written;
        self.set_root(root);
        Ok(())
    }

    /// Appends zeros until the file is so long.
    async fn grow(&mut self, size: u64) -> Result<()> {
        let mut out = Outbox::default();
        let zeros = size - self.root.size();
        let root = self
            .append(self.root.clone(), zeros, None, &mut out)
            .await?;
        out.send(&*self.sink).await?;
        self.set_root(root);
        Ok(())
    }

    /// Appends either bytes or zeros.
    async fn append(
        &self,
        root: Part,
        zeros: u64,
        bytes: Option<Bytes>,
        out: &mut Outbox,
    ) -> Result<Part> {
        // New leaves beside raw ones are raw, whatever was asked for.
        let raw = self.raw_leaves() || matches!(root, Part::Raw(_));
        let format = leaves::format(raw, self.cids);
        let leaves = match bytes {
            Some(bytes) => Leaves::of(bytes, &self.options.chunker, format).await?,
            None => Leaves::zeros(zeros, format)?,
        };
        let node = root.into_node(format, out)?;
        // What was just changed may have to be read again.
        out.send(&*self.sink).await?;
        let mut append = Append {
            source: &*self.source,
            sink: &*self.sink,
            out,
            leaves,
            cids: self.cids,
            max_links: self.options.max_links,
            zeros: Vec::new(),
        };
        Ok(Part::Node(append.to(node).await?))
    }
}

/// Places in a file are counted in 63 bits.
fn check_size(end: Option<u64>) -> Result<()> {
    match end.map(i64::try_from) {
        Some(Ok(_)) => Ok(()),
        _ => Err(Error::FileTooLarge),
    }
}
