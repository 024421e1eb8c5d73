//! Reading files.

mod walk;

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use basalt_block::{Block, Cid, codec};
use basalt_ipld::dag_pb::Node;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream, stream::BoxStream};

use crate::{BlockSource, Data, Directory, Error, Kind, Result, Stat, source};
use walk::Walk;

/// Something with a place in a tree.
#[derive(Debug, Clone)]
pub enum Inode {
    /// A file.
    File(File),
    /// A directory.
    Directory(Directory),
    /// A symlink.
    Symlink(Symlink),
}

/// A symlink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symlink {
    /// Its block.
    pub cid: Cid,
    /// Where it points.
    pub target: Bytes,
    /// Modification time; and mode, if somebody stored one.
    pub stat: Stat,
    /// The length of its block in bytes.
    pub dag_size: u64,
}

impl Inode {
    /// Reads the root block of a file, directory or symlink.
    pub async fn open(source: Arc<dyn BlockSource>, cid: &Cid) -> Result<Self> {
        let block = source::get(&*source, cid).await?;
        Self::from_block(source, block).await
    }

    /// As [`Inode::open`], with the root block at hand.
    pub async fn from_block(source: Arc<dyn BlockSource>, mut block: Block) -> Result<Self> {
        loop {
            let (node, data) = match block.cid().codec() {
                codec::RAW => (Node::default(), Data::new(Kind::Raw)),
                codec::DAG_PB => decode(&block)?,
                _ => return Err(Error::NotUnixFs(Box::new(*block.cid()))),
            };
            match data.kind {
                Kind::File | Kind::Raw => {
                    return Ok(Self::File(File::from_parts(source, block, &node, &data)));
                }
                Kind::Directory | Kind::HamtShard => {
                    return Ok(Self::Directory(Directory::from_parts(
                        source, block, node, data,
                    )));
                }
                Kind::Symlink => {
                    return Ok(Self::Symlink(Symlink {
                        cid: *block.cid(),
                        stat: data.stat(),
                        target: data.data.unwrap_or_default(),
                        dag_size: block.data().len() as u64,
                    }));
                }
                // A chain of these ends: no block can lead to itself. None is longer than one.
                Kind::Metadata => {
                    let child = node.links.first();
                    let child = child.ok_or_else(|| {
                        Error::malformed(block.cid(), "incorrectly formatted metadata object")
                    })?;
                    let next = source::get(&*source, &child.cid).await?;
                    if next.cid().codec() == codec::RAW || decode(&next)?.1.kind != Kind::Metadata {
                        block = next;
                        continue;
                    }
                    return Err(Error::malformed(next.cid(), "metadata of metadata"));
                }
            }
        }
    }

    /// The root.
    pub fn cid(&self) -> &Cid {
        match self {
            Self::File(file) => file.cid(),
            Self::Directory(directory) => directory.cid(),
            Self::Symlink(symlink) => &symlink.cid,
        }
    }

    /// Mode and modification time, as far as they are stored.
    pub fn stat(&self) -> Stat {
        match self {
            Self::File(file) => file.stat(),
            Self::Directory(directory) => directory.stat(),
            Self::Symlink(symlink) => symlink.stat,
        }
    }

    /// The bytes of all blocks, as far as links tell: `CumulativeSize`.
    pub fn dag_size(&self) -> u64 {
        match self {
            Self::File(file) => file.dag_size(),
            Self::Directory(directory) => directory.dag_size(),
            Self::Symlink(symlink) => symlink.dag_size,
        }
    }
}

/// The links and the message of a dag-pb block.
pub(crate) fn decode(block: &Block) -> Result<(Node, Data)> {
    let node = Node::decode(block.data()).map_err(|e| Error::malformed(block.cid(), e))?;
    let data = Data::decode(node.data.as_ref().unwrap_or(&Bytes::new()))
        .map_err(|e| Error::malformed(block.cid(), e))?;
    Ok((node, data))
}

/// A file that can be read from any place.
#[derive(Clone)]
pub struct File {
    source: Arc<dyn BlockSource>,
    root: Block,
    size: u64,
    dag_size: u64,
    links: usize,
    stat: Stat,
    read_ahead: usize,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("cid", self.cid())
            .field("size", &self.size)
            .finish()
    }
}

impl File {
    /// Reads a file's root block. Directories and symlinks are errors.
    pub async fn open(source: Arc<dyn BlockSource>, cid: &Cid) -> Result<Self> {
        match Inode::open(source, cid).await? {
            Inode::File(file) => Ok(file),
            Inode::Directory(_) => Err(Error::IsDirectory),
            Inode::Symlink(_) => Err(Error::IsSymlink),
        }
    }

    fn from_parts(source: Arc<dyn BlockSource>, root: Block, node: &Node, data: &Data) -> Self {
        let len = root.data().len() as u64;
        let is_raw = root.cid().codec() == codec::RAW;
        let size = if is_raw { len } else { data.size() };
        let below = node
            .links
            .iter()
            .fold(0u64, |sum, link| sum.wrapping_add(link.tsize()));
        let read_ahead = source.read_ahead();
        Self {
            source,
            size,
            dag_size: below.wrapping_add(len),
            links: node.links.len(),
            stat: data.stat(),
            root,
            read_ahead,
        }
    }

    /// The same file, of which about so many bytes are fetched before they are asked for.
    pub fn read_ahead(mut self, bytes: usize) -> Self {
        self.read_ahead = bytes;
        self
    }

    /// The root.
    pub fn cid(&self) -> &Cid {
        self.root.cid()
    }

    /// The root block.
    pub fn block(&self) -> &Block {
        &self.root
    }

    /// How many bytes the file has, by what its root says.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of all blocks, as far as the root's links tell.
    pub fn dag_size(&self) -> u64 {
        self.dag_size
    }

    /// The links of the root.
    pub fn links(&self) -> usize {
        self.links
    }

    /// Mode and modification time, as far as they are stored.
    pub fn stat(&self) -> Stat {
        self.stat
    }

    /// The whole file.
    pub fn stream(&self) -> FileStream {
        self.range(0, None)
    }

    /// The file from `offset` on, and no more than `len` bytes of it. What lies before is not
    /// fetched.
    ///
    /// The pieces share the blocks' memory. The stream ends at the first error; one is that a
    /// block does not hold as many bytes of the file as the blocks above it say.
    pub fn range(&self, offset: u64, len: Option<u64>) -> FileStream {
        let left = len.unwrap_or(u64::MAX);
        let walk = Walk::new(
            self.source.clone(),
            self.root.clone(),
            offset,
            left,
            self.read_ahead,
        );
        let next = |walk: Option<Walk>| async {
            let mut walk = walk?;
            match walk.next().await {
                Ok(bytes) => bytes.map(|bytes| (Ok(bytes), Some(walk))),
                Err(error) => Some((Err(error), None)),
            }
        };
        FileStream(stream::unfold(Some(walk), next).boxed())
    }
}

/// Bytes of a file, made by [`File::range`].
pub struct FileStream(BoxStream<'static, Result<Bytes>>);

impl Stream for FileStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}
