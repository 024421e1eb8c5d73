//! Bringing CARs in: what `ipfs dag import` does.

mod blocks;
mod roots;

use std::sync::Arc;

use basalt_block::Cid;
use basalt_blockstore::Lease;
use basalt_car::{Decoder, Event};
use basalt_pin::Visited;
use bytes::Bytes;

use crate::{Error, Node, Result};
use blocks::Writer;
use roots::RootList;

/// Roots pinned in one commit. A list of so many takes about ten megabytes.
const COMMIT: usize = 16 << 10;

/// How CARs are imported.
#[derive(Debug, Clone, Copy)]
pub struct CarImportOptions {
    /// Whether the roots that the headers name are pinned.
    pub pin_roots: bool,
    /// Whether blocks over [`basalt_block::MAX_BLOCK_SIZE`] are taken. A section is at most 8 MiB
    /// long all the same.
    pub allow_big_blocks: bool,
}

impl Default for CarImportOptions {
    fn default() -> Self {
        Self {
            pin_roots: true,
            allow_big_blocks: false,
        }
    }
}

/// What was in the CARs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CarImportStats {
    /// Blocks, each time they came.
    pub blocks: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// CARs on their way in, one after the other.
///
/// Every block is hashed and decoded, beside the reading of what follows. What is written is kept
/// from garbage collection until the import, or what [`CarImport::finish`] gives, is dropped. Nothing
/// of it is promised before that has returned.
pub struct CarImport {
    node: Node,
    options: CarImportOptions,
    decoder: Option<Decoder>,
    headed: bool,
    writer: Writer,
    roots: RootList,
    lease: Lease,
}

/// An import whose blocks are there and durable.
pub struct CarImported {
    node: Node,
    stats: CarImportStats,
    roots: RootList,
    whole: Arc<Visited>,
    _lease: Lease,
}

/// What became of a root.
#[derive(Debug, Clone)]
pub struct PinnedRoot {
    /// The root.
    pub cid: Cid,
    /// Why it is not pinned.
    pub error: Option<String>,
}

impl Node {
    /// Begins to import CARs.
    pub fn import_cars(&self, options: CarImportOptions) -> CarImport {
        CarImport {
            node: self.clone(),
            options,
            decoder: None,
            headed: false,
            writer: Writer::new(self.blocks().clone(), options.allow_big_blocks),
            roots: RootList::default(),
            lease: self.blocks().lease(),
        }
    }
}

impl CarImport {
    /// Takes the next bytes of a CAR. Waits while the store is slower.
    ///
    /// # Errors
    /// The CAR is not well-formed or lies, a block is not to be stored, or the store failed.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let decoder = self.decoder.get_or_insert_default();
        decoder.feed(bytes);
        loop {
            let event = match decoder.next() {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(()),
                Err(error) => return Err(refused(&mut self.writer, self.headed, error).await),
            };
            match event {
                Event::Header(header) => {
                    self.headed = true;
                    if self.options.pin_roots {
                        header.roots().for_each(|root| self.roots.add(&root));
                    }
                }
                Event::Section(section) => self.writer.write(section).await?,
            }
        }
    }

    /// Whether what follows of this CAR need not be read: it is the index of a CARv2.
    pub fn is_car_done(&self) -> bool {
        self.decoder.as_ref().is_some_and(Decoder::is_done)
    }

    /// Ends a CAR; what is written next begins another one.
    ///
    /// # Errors
    /// It ended in the middle.
    pub async fn end_car(&mut self) -> Result<()> {
        let headed = std::mem::take(&mut self.headed);
        match self.decoder.take().unwrap_or_default().finish() {
            Ok(()) => Ok(()),
            Err(error) => Err(refused(&mut self.writer, headed, error).await),
        }
    }

    /// Makes every block durable. The roots are pinned by [`CarImported::pin_next`].
    pub async fn finish(mut self) -> Result<CarImported> {
        let stats = self.writer.finish().await?;
        self.node.blocks().store().sync().await?;
        Ok(CarImported {
            node: self.node,
            stats,
            roots: self.roots,
            whole: Arc::default(),
            _lease: self.lease,
        })
    }
}

/// What comes earlier in the CAR and is on its way to the store is wrong first.
async fn refused(writer: &mut Writer, headed: bool, error: basalt_car::Error) -> Error {
    if let Err(earlier) = writer.settle().await {
        return earlier;
    }
    tracing::info!(target: "basalt::node", "a CAR is refused {error}");
    if headed {
        Error::Car(error)
    } else {
        Error::CarHeader(error)
    }
}

impl CarImported {
    /// What was in the CARs.
    pub fn stats(&self) -> CarImportStats {
        self.stats
    }

    /// Pins the next roots whose DAGs are all here, in one commit, and says what became of each;
    /// none is left when it says of none. Nobody is asked for what is missing.
    pub async fn pin_next(&mut self) -> Result<Vec<PinnedRoot>> {
        let roots = self.roots.take(COMMIT);
        let source = self.node.source(true);
        let errors = self.node.pins().add_local(source, &roots, &self.whole);
        let rows = roots.iter().zip(errors.await?).map(|(root, error)| {
            let error = error.map(|error| match error {
                // The root itself is looked for by other means than what is under it.
                basalt_pin::Error::Missing(cid) if cid == *root => {
                    basalt_exchange::Error::NotFound(cid).to_string()
                }
                error => error.to_string(),
            });
            PinnedRoot { cid: *root, error }
        });
        Ok(rows.collect())
    }
}
