use std::sync::Arc;

use basalt_block::{Block, Cid, codec, hash_codes::IDENTITY};
use basalt_chunker::Chunker;
use basalt_ipld::dag_pb::Node;
use bytes::{Bytes, BytesMut};
use futures::{FutureExt, StreamExt, stream::FuturesOrdered};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::OwnedSemaphorePermit,
    task::JoinHandle,
};

use super::{
    Budget,
    budget::hashing_turn,
    cutter::Cutter,
    layout::{Child, Layout, Stacker},
    leaves::{Leaf, LeafFormat},
};
use crate::{
    BlockSink, CidFormat, DEFAULT_FILE_LINKS, Data, Error, Kind, LeafSink, Result, Stat,
    sink::Outbox,
};

/// Chunks are hashed in batches of about this many bytes, on other threads…
const BATCH: usize = 1 << 20;
/// …or of this many chunks.
const BATCH_CHUNKS: usize = 1024;
/// A file that is no longer than this is hashed where it is.
const HASH_HERE: usize = 128 << 10;
/// The most bytes that one import holds.
const WINDOW: usize = 8 << 20;

/// How a file becomes a DAG.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// How it is cut.
    pub chunker: Chunker,
    /// How the chunks are arranged.
    pub layout: Layout,
    /// Whether leaves are the chunks themselves, without a frame.
    pub raw_leaves: bool,
    /// The most links that a node has.
    pub max_links: usize,
    /// How blocks are named.
    pub cids: CidFormat,
    /// What the root keeps beside the content. A file that is one raw leaf has no place for it.
    pub stat: Stat,
    /// The memory shared by imports.
    pub budget: Budget,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            chunker: Chunker::default(),
            layout: Layout::default(),
            raw_leaves: false,
            max_links: DEFAULT_FILE_LINKS,
            cids: CidFormat::default(),
            stat: Stat::default(),
            budget: Budget::default(),
        }
    }
}

/// A file that was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileNode {
    /// Its root.
    pub cid: Cid,
    /// The bytes of all its blocks, each counted as often as it is linked to: `Tsize`.
    pub dag_size: u64,
    /// The bytes of the file.
    pub file_size: u64,
}

/// Builds a file from buffers as they come.
///
/// Hashing runs on other threads while buffers come in and blocks go out, but for small files. At
/// most 8 MiB are held, and less when the budget is short; [`FileBuilder::write`] waits meanwhile.
/// Dropping it gives the import up.
pub struct FileBuilder {
    options: FileOptions,
    leaf: LeafFormat,
    sink: Arc<dyn BlockSink>,
    cutter: Cutter,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    hashing: FuturesOrdered<JoinHandle<Result<Vec<Leaf>>>>,
    stacker: Stacker,
    /// The first leaf, as long as it may be the root.
    first: Option<Leaf>,
    leaves: u64,
    outbox: Outbox,
    /// Raw leaves that go elsewhere than the other blocks.
    placed: Option<Placed>,
    sending: Option<JoinHandle<Result<()>>>,
    /// Bytes in the batch, being hashed, in the outbox and being sent.
    held: usize,
    sent: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl FileBuilder {
    /// A builder whose blocks go to `sink`.
    pub fn new(mut options: FileOptions, sink: Arc<dyn BlockSink>) -> Result<Self> {
        if options.max_links == 0 {
            options.max_links = DEFAULT_FILE_LINKS;
        }
        let leaf = LeafFormat {
            raw: options.raw_leaves,
            kind: match options.layout {
                Layout::Balanced => Kind::File,
                Layout::Trickle => Kind::Raw,
            },
            cids: options.cids,
        };
        Ok(Self {
            cutter: Cutter::new(&options.chunker),
            stacker: Stacker::new(options.layout, options.max_links, options.cids),
            options,
            leaf,
            sink,
            batch: Vec::new(),
            batch_bytes: 0,
            hashing: FuturesOrdered::new(),
            first: None,
            leaves: 0,
            outbox: Outbox::default(),
            placed: None,
            sending: None,
            held: 0,
            sent: 0,
            permit: None,
        })
    }

    /// Has the raw leaves go to `sink` instead, with their places in the file. A file without bytes
    /// has none.
    pub fn leaves_to(mut self, sink: Arc<dyn LeafSink>) -> Self {
        self.placed = Some(Placed {
            sink,
            leaves: Vec::new(),
            bytes: 0,
            offset: 0,
        });
        self
    }

    /// Adds bytes at the end of the file.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.cutter.feed(bytes);
        while let Some(chunk) = self.cutter.next() {
            self.chunk(chunk).await?;
        }
        Ok(())
    }

    /// Adds all that `reader` yields. `size`, if it is known, saves memory for small files.
    pub async fn read_from(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin + ?Sized),
        size: Option<u64>,
    ) -> Result<u64> {
        let most = self.options.chunker.max_len().clamp(64 << 10, 2 << 20);
        let known = size.and_then(|s| usize::try_from(s).ok()).unwrap_or(most);
        let mut room = known.saturating_add(1).min(most);
        let mut total = 0;
        loop {
            let mut buffer = BytesMut::with_capacity(room);
            let mut ended = false;
            while buffer.len() < room && !ended {
                let rest = room - buffer.len();
                ended = (&mut *reader)
                    .take(rest as u64)
                    .read_buf(&mut buffer)
                    .await?
                    == 0;
            }
            total += buffer.len() as u64;
            if !buffer.is_empty() {
                self.write(buffer.freeze()).await?;
            }
            if ended {
                return Ok(total);
            }
            room = most;
        }
    }

    /// Finishes the file; all its blocks have gone to the sink.
    pub async fn finish(mut self) -> Result<FileNode> {
        for chunk in self.cutter.finish() {
            self.chunk(chunk).await?;
        }
        if self.leaves == 0 && self.hashing.is_empty() && self.batch_bytes <= HASH_HERE {
            let chunks = std::mem::take(&mut self.batch);
            let leaves = self.leaf.leaves(chunks)?;
            self.stack(leaves)?;
        }
        self.hash_batch().await?;
        while !self.hashing.is_empty() {
            self.collect().await?;
        }
        let root = self.root()?;
        self.send_rest().await?;
        Ok(FileNode {
            cid: root.cid,
            dag_size: root.tsize,
            file_size: root.size,
        })
    }

    fn root(&mut self) -> Result<Child> {
        let nothing = Stacker::new(Layout::Balanced, 2, self.options.cids);
        let stacker = std::mem::replace(&mut self.stacker, nothing);
        let stat = self.options.stat;
        let root = stacker.finish(stat, &mut self.outbox)?;
        let leaf = match (self.first.take(), root) {
            (None, Some(root)) => return Ok(root),
            (Some(leaf), _) => leaf,
            (None, None) => self.leaf.leaf(Bytes::new())?,
        };
        let (block, child) = with_stat(leaf, stat, self.options.cids)?;
        self.keep_leaf(block);
        Ok(child)
    }

    async fn chunk(&mut self, chunk: Bytes) -> Result<()> {
        let short = !self.allow(chunk.len());
        if short && self.held > 0 {
            self.hash_batch().await?;
            self.drain().await?;
        }
        self.held += chunk.len();
        self.batch_bytes += chunk.len();
        self.batch.push(chunk);
        if short && self.batch_bytes > HASH_HERE {
            // The next chunk may be long in coming.
            self.hash_batch().await?;
            self.drain().await?;
        }
        if self.batch_bytes >= BATCH || self.batch.len() >= BATCH_CHUNKS {
            self.hash_batch().await?;
            self.collect_ready().await?;
            while self.held > WINDOW - BATCH && !self.hashing.is_empty() {
                self.collect().await?;
            }
        }
        Ok(())
    }

    /// Whether more may be held beside what is held already.
    fn allow(&mut self, bytes: usize) -> bool {
        let Some(permit) = self.options.budget.try_take(bytes) else {
            return false;
        };
        match &mut self.permit {
            Some(all) => all.merge(permit),
            None => self.permit = Some(permit),
        }
        true
    }

    async fn hash_batch(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let chunks = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let leaf = self.leaf;
        let turn = hashing_turn().await.map_err(|_| Error::Cancelled)?;
        let job = tokio::task::spawn_blocking(move || {
            let leaves = leaf.leaves(chunks);
            drop(turn);
            leaves
        });
        self.hashing.push_back(job);
        Ok(())
    }

    /// Takes what is hashed already.
    async fn collect_ready(&mut self) -> Result<()> {
        while let Some(Some(leaves)) = self.hashing.next().now_or_never() {
            self.stack(leaves.map_err(|_| Error::Cancelled)??)?;
            self.send_if_full().await?;
        }
        Ok(())
    }

    async fn collect(&mut self) -> Result<()> {
        if let Some(leaves) = self.hashing.next().await {
            self.stack(leaves.map_err(|_| Error::Cancelled)??)?;
            self.send_if_full().await?;
        }
        Ok(())
    }

    fn stack(&mut self, leaves: Vec<Leaf>) -> Result<()> {
        let may_be_root = self.options.layout == Layout::Balanced;
        for (block, child) in leaves {
            self.stacker.push(child, &mut self.outbox)?;
            if self.leaves == 0 && may_be_root {
                self.first = Some((block, child));
            } else {
                if let Some((first, _)) = self.first.take() {
                    self.keep_leaf(first);
                }
                self.keep_leaf(block);
            }
            self.leaves += 1;
        }
        Ok(())
    }

    /// Puts a leaf, which comes in the order of the file, to what is sent next.
    fn keep_leaf(&mut self, block: Block) {
        match &mut self.placed {
            Some(placed) if block.cid().codec() == codec::RAW && !block.data().is_empty() => {
                placed.push(block);
            }
            _ => self.outbox.push(block),
        }
    }

    async fn send_if_full(&mut self) -> Result<()> {
        let full = self.placed.as_ref().is_some_and(Placed::is_full);
        if !self.outbox.is_full() && !full {
            return Ok(());
        }
        self.sent_all().await?;
        self.sent = self.outbox.bytes() + self.placed.as_ref().map_or(0, |placed| placed.bytes);
        let placed = self.placed.as_mut().map(Placed::take);
        let (sink, blocks) = (self.sink.clone(), self.outbox.take());
        self.sending = Some(tokio::spawn(async move {
            if let Some((sink, leaves)) = placed {
                sink.put_leaves(leaves).await?;
            }
            sink.put(blocks).await
        }));
        Ok(())
    }

    /// Sends what is left.
    async fn send_rest(&mut self) -> Result<()> {
        self.sent_all().await?;
        if let Some(placed) = &mut self.placed {
            let (sink, leaves) = placed.take();
            sink.put_leaves(leaves).await?;
        }
        self.outbox.send(&*self.sink).await
    }

    /// Waits until what is being sent has arrived.
    async fn sent_all(&mut self) -> Result<()> {
        if let Some(sending) = &mut self.sending {
            let sent = sending.await;
            self.sending = None;
            sent.map_err(|_| Error::Cancelled)??;
            // Frames and nodes are sent too, so that this may be more than was counted.
            self.held = self.held.saturating_sub(self.sent);
            if let Some(mut permit) = self.permit.take() {
                let free = self.sent.min(permit.num_permits());
                drop(permit.split(free));
                self.permit = (permit.num_permits() > 0).then_some(permit);
            }
        }
        Ok(())
    }

    /// Works until nothing is held.
    async fn drain(&mut self) -> Result<()> {
        while !self.hashing.is_empty() {
            self.collect().await?;
        }
        self.send_rest().await?;
        self.held = 0;
        self.permit = None;
        Ok(())
    }
}

/// Leaves that are collected with their places.
struct Placed {
    sink: Arc<dyn LeafSink>,
    leaves: Vec<(u64, Block)>,
    bytes: usize,
    /// Where the next leaf begins.
    offset: u64,
}

impl Placed {
    fn push(&mut self, block: Block) {
        let offset = self.offset;
        self.offset += block.data().len() as u64;
        // What is in its CID need not be looked for in the file.
        if block.multihash().code() != IDENTITY {
            self.bytes += block.data().len();
            self.leaves.push((offset, block));
        }
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH || self.leaves.len() >= BATCH_CHUNKS
    }

    fn take(&mut self) -> (Arc<dyn LeafSink>, Vec<(u64, Block)>) {
        self.bytes = 0;
        (self.sink.clone(), std::mem::take(&mut self.leaves))
    }
}

/// The only leaf of a file as its root.
fn with_stat((block, child): Leaf, stat: Stat, cids: CidFormat) -> Result<Leaf> {
    if stat.is_empty() || block.cid().codec() == codec::RAW {
        return Ok((block, child));
    }
    let malformed = |e: &dyn std::fmt::Display| Error::malformed(block.cid(), e);
    let node = Node::decode(block.data()).map_err(|e| malformed(&e))?;
    let data = node.data.unwrap_or_default();
    let mut data = Data::decode(&data).map_err(|e| malformed(&e))?;
    data.set_stat(stat);
    let (block, tsize) = super::node_block(Vec::new(), &data, cids)?;
    Ok((
        block.clone(),
        Child {
            cid: *block.cid(),
            tsize,
            ..child
        },
    ))
}
