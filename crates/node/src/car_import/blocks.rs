//! Sections on their way to the store: hashed and decoded in batches, several at once, written in
//! their order.

use basalt_block::{Block, MAX_BLOCK_SIZE};
use basalt_car::Section;
use basalt_exchange::BlockService;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};

use super::CarImportStats;
use crate::{Error, Result};

/// A batch: as many sections, or as many bytes.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 1 << 20;
/// Batches on their way.
const AHEAD: usize = 4;

pub(super) struct Writer {
    blocks: BlockService,
    allow_big: bool,
    batch: Vec<Section>,
    bytes: usize,
    under_way: FuturesOrdered<BoxFuture<'static, Result<()>>>,
    stats: CarImportStats,
}

impl Writer {
    pub(super) fn new(blocks: BlockService, allow_big: bool) -> Self {
        Self {
            blocks,
            allow_big,
            batch: Vec::new(),
            bytes: 0,
            under_way: FuturesOrdered::new(),
            stats: CarImportStats::default(),
        }
    }

    pub(super) async fn write(&mut self, section: Section) -> Result<()> {
        let len = section.data().len();
        self.stats.blocks += 1;
        self.stats.bytes += len as u64;
        self.bytes += len;
        self.batch.push(section);
        if self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES {
            self.send();
            while self.under_way.len() > AHEAD {
                self.under_way.next().await.transpose()?;
            }
        }
        Ok(())
    }

    /// Starts the batch.
    fn send(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let (batch, allow_big) = (std::mem::take(&mut self.batch), self.allow_big);
        self.bytes = 0;
        let blocks = self.blocks.clone();
        let checked = tokio::task::spawn_blocking(move || check(batch, allow_big));
        // A task, so that it goes on while nobody waits for it.
        let work = tokio::spawn(async move {
            let (good, error) = checked.await?;
            blocks.put_many(good).await?;
            error.map_or(Ok(()), Err)
        });
        let work = async move { work.await? };
        self.under_way.push_back(work.boxed());
    }

    /// Waits until everything is written, or says what was wrong first.
    pub(super) async fn settle(&mut self) -> Result<()> {
        self.send();
        while let Some(done) = self.under_way.next().await {
            done?;
        }
        Ok(())
    }

    pub(super) async fn finish(&mut self) -> Result<CarImportStats> {
        self.settle().await?;
        Ok(self.stats)
    }
}

/// The blocks before the first that is refused, and why it is.
fn check(batch: Vec<Section>, allow_big: bool) -> (Vec<Block>, Option<Error>) {
    let mut blocks = Vec::with_capacity(batch.len());
    for section in batch {
        match check_one(section, allow_big) {
            Ok(block) => blocks.push(block),
            Err(error) => return (blocks, Some(error)),
        }
    }
    (blocks, None)
}

fn check_one(section: Section, allow_big: bool) -> Result<Block> {
    let offset = section.offset();
    let block = section.verify().map_err(|error| {
        tracing::info!(target: "basalt::node", "a CAR is refused {error}");
        match error.reason {
            basalt_car::Reason::Insecure => {
                basalt_exchange::Error::from(basalt_block::Error::InsecureHash).into()
            }
            _ => Error::Car(error),
        }
    })?;
    let refused = |reason| {
        let cid = *block.cid();
        tracing::info!(target: "basalt::node", %cid, offset, "a block of a CAR is refused: {reason}");
        Error::CarBlock { cid, reason }
    };
    if block.data().len() > MAX_BLOCK_SIZE && !allow_big {
        return Err(refused(crate::TOO_BIG.to_owned()));
    }
    if let Err(error) = basalt_ipld::for_each_link(block.cid().codec(), block.data(), |_| {}) {
        return Err(refused(crate::error::reason(&error)));
    }
    basalt_block::validate(block.cid()).map_err(basalt_exchange::Error::from)?;
    Ok(block)
}
