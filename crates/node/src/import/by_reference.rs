//! Leaves that are kept as references to the file they come from (`--nocopy`), and blocks that need
//! not be kept since a reference has them (`--fscache`).

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use basalt_block::{Block, Cid, Multihash};
use basalt_blockstore::{Blockstore, Error};
use basalt_filestore::{Filestore, Reference};
use basalt_unixfs::{BlockSink, LeafSink};

/// References that wait to be written together: each write is synced.
const WAITING: usize = 4096;

/// The references of one import.
pub(super) struct References {
    store: Filestore,
    waiting: Mutex<Vec<(Multihash, Reference)>>,
}

/// The leaves of one file.
pub(super) struct Leaves {
    pub(super) references: Arc<References>,
    /// The file or URL.
    pub(super) place: Vec<u8>,
}

impl References {
    pub(super) fn new(store: Filestore) -> Self {
        Self {
            store,
            waiting: Mutex::default(),
        }
    }

    /// Writes what waits.
    pub(super) async fn flush(&self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut *self.lock());
        if waiting.is_empty() {
            return Ok(());
        }
        self.store.refer(waiting).await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Multihash, Reference)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LeafSink for Leaves {
    async fn put_leaves(&self, leaves: Vec<(u64, Block)>) -> basalt_unixfs::Result<()> {
        let store = &self.references.store;
        let cids: Vec<Cid> = leaves.iter().map(|(_, block)| *block.cid()).collect();
        let kept = store.blocks().stat_many(&cids).await?;
        // What is kept already is renewed, and needs no reference.
        let (again, new): (Vec<_>, Vec<_>) =
            leaves.into_iter().zip(kept).partition(|(_, k)| k.is_some());
        let again: Vec<Block> = again.into_iter().map(|((_, block), _)| block).collect();
        if !again.is_empty() {
            store.blocks().put_many(again).await?;
        }
        if new.is_empty() {
            return Ok(());
        }
        let path = store.path_of(&self.place);
        let path = path.map_err(|broken| Error::Reference(broken.to_string()))?;
        let full = {
            let mut waiting = self.references.lock();
            waiting.extend(new.into_iter().map(|((offset, block), _)| {
                let size = block.data().len() as u64;
                let path = path.clone();
                (*block.multihash(), Reference { path, offset, size })
            }));
            waiting.len() >= WAITING
        };
        if full {
            self.references.flush().await?;
        }
        Ok(())
    }
}

/// Keeps the blocks that cannot be had through a reference.
pub(super) struct Cached(pub(super) Filestore);

#[async_trait]
impl BlockSink for Cached {
    async fn put(&self, blocks: Vec<Block>) -> basalt_unixfs::Result<()> {
        let hashes: Vec<Multihash> = blocks.iter().map(|b| *b.multihash()).collect();
        let there = self.0.renew(&hashes).await?;
        let absent = blocks.into_iter().zip(there).filter(|(_, there)| !there);
        self.0
            .put_many(absent.map(|(block, _)| block).collect())
            .await?;
        Ok(())
    }
}
