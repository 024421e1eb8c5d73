//! Where blocks go that are built.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use basalt_block::{Block, hash_codes::IDENTITY};
use basalt_blockstore::Blockstore;

use crate::Result;

/// A place that takes blocks, children before their parents.
#[async_trait]
pub trait BlockSink: Send + Sync + 'static {
    /// Takes some blocks, in batches of a few MiB or a few thousand. On return they may be read.
    async fn put(&self, blocks: Vec<Block>) -> Result<()>;
}

/// A place that takes the raw leaves of one file, with where in the file each begins.
#[async_trait]
pub trait LeafSink: Send + Sync + 'static {
    /// Takes some leaves, in batches of a few MiB or a few thousand.
    async fn put_leaves(&self, leaves: Vec<(u64, Block)>) -> Result<()>;
}

#[async_trait]
impl<T: Blockstore + ?Sized> BlockSink for Arc<T> {
    async fn put(&self, blocks: Vec<Block>) -> Result<()> {
        Ok(self.put_many(blocks).await?)
    }
}

/// Takes every block and keeps none: to know what the CID would be.
#[derive(Debug, Clone, Copy, Default)]
pub struct OnlyHash;

#[async_trait]
impl BlockSink for OnlyHash {
    async fn put(&self, _: Vec<Block>) -> Result<()> {
        Ok(())
    }
}

/// A batch that is sent when it holds this many bytes…
const BATCH_BYTES: usize = 1 << 20;
/// …or this many blocks.
const BATCH_BLOCKS: usize = 1024;

/// Collects blocks into batches for a sink.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    blocks: Vec<Block>,
    bytes: usize,
}

impl Outbox {
    /// Adds a block, unless its CID already holds it.
    pub(crate) fn push(&mut self, block: Block) {
        if block.multihash().code() != IDENTITY {
            self.bytes += block.data().len();
            self.blocks.push(block);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.blocks.len() >= BATCH_BLOCKS
    }

    pub(crate) fn take(&mut self) -> Vec<Block> {
        self.bytes = 0;
        std::mem::take(&mut self.blocks)
    }

    /// Sends a full batch.
    pub(crate) async fn send_if_full<S: BlockSink + ?Sized>(&mut self, sink: &S) -> Result<()> {
        if self.is_full() {
            self.send(sink).await
        } else {
            Ok(())
        }
    }

    /// Sends what there is.
    pub(crate) async fn send<S: BlockSink + ?Sized>(&mut self, sink: &S) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        sink.put(self.take()).await
    }
}

/// What a [`BatchedSink`] gathers, in bytes: each import has one, and no budget counts it.
const GATHERED: usize = 256 << 10;

/// Gathers the blocks of many small files into batches for another sink. What it still holds is
/// lost unless it is flushed.
pub struct BatchedSink {
    inner: Arc<dyn BlockSink>,
    outbox: Mutex<Outbox>,
}

impl BatchedSink {
    /// Batches for `inner`.
    pub fn new(inner: Arc<dyn BlockSink>) -> Self {
        Self {
            inner,
            outbox: Mutex::default(),
        }
    }

    /// Sends everything that is held.
    pub async fn flush(&self) -> Result<()> {
        let blocks = self.lock().take();
        if blocks.is_empty() {
            Ok(())
        } else {
            self.inner.put(blocks).await
        }
    }

    fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BlockSink for BatchedSink {
    async fn put(&self, blocks: Vec<Block>) -> Result<()> {
        let full = {
            let mut outbox = self.lock();
            blocks.into_iter().for_each(|block| outbox.push(block));
            let full = outbox.bytes() >= GATHERED || outbox.is_full();
            full.then(|| outbox.take())
        };
        match full {
            Some(blocks) => self.inner.put(blocks).await,
            None => Ok(()),
        }
    }
}
