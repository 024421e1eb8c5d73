use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use basalt_block::{Block, Cid, Multihash, codec};
use basalt_blockstore::{
    BlockStat, Blockstore, Datastore, Deleted, Epochs, Error, Findings, Horizon, Lease, Result,
    ScrubEvent, StatStream, Usage,
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::{Mutex, Semaphore};

use crate::row::{self, PREFIX, Row};
use crate::totals::{self, Totals};

/// Files and URLs that are read at once.
const READERS: usize = 16;

/// What may be referred to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that paths are relative to, and that files must lie in: the one the repo is in.
    pub root: PathBuf,
    /// `Experimental.FilestoreEnabled`.
    pub files: bool,
    /// `Experimental.UrlstoreEnabled`.
    pub urls: bool,
}

/// A store that answers from references what it does not keep. Clones are handles on the same.
#[derive(Clone)]
pub struct Filestore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) blocks: Arc<dyn Blockstore>,
    pub(crate) records: Arc<dyn Datastore>,
    pub(crate) options: Options,
    pub(crate) epochs: Epochs,
    /// Held by whoever looks at rows to write or delete them, so that a reference that was renewed
    /// is never deleted by a sweep that saw it as it was before. It is held across the write: the two
    /// must be one. Only adds that refer to files, and deletions of references, wait here.
    pub(crate) turn: Mutex<()>,
    totals: std::sync::Mutex<Totals>,
    pub(crate) readers: Arc<Semaphore>,
}

impl Filestore {
    /// A store around `blocks`, with its references in `records`.
    pub async fn open(
        blocks: Arc<dyn Blockstore>,
        records: Arc<dyn Datastore>,
        options: Options,
    ) -> Result<Self> {
        let totals = records.get(totals::KEY.as_bytes()).await?;
        let totals = match totals.as_deref().and_then(Totals::decode) {
            Some(totals) => totals,
            // There is none yet, or it was lost with a part of the store.
            None => count(&*records).await?,
        };
        let epochs = blocks.lease().epochs().clone();
        Ok(Self(Arc::new(Inner {
            blocks,
            records,
            options,
            epochs,
            turn: Mutex::default(),
            totals: totals.into(),
            readers: Arc::new(Semaphore::new(READERS)),
        })))
    }

    /// The store around which this is.
    pub fn blocks(&self) -> &Arc<dyn Blockstore> {
        &self.0.blocks
    }

    /// What may be referred to.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn totals(&self) -> Totals {
        *self.0.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_totals(&self, totals: Totals) {
        *self.0.totals.lock().unwrap_or_else(PoisonError::into_inner) = totals;
    }

    /// The references to the blocks, in the order of `hashes`. A damaged row is an error that names
    /// its block.
    pub(crate) async fn rows(&self, hashes: &[Multihash]) -> Result<Vec<Option<Row>>> {
        let keys: Vec<Bytes> = hashes.iter().map(row::key).collect();
        let rows = self.0.records.get_many(&keys).await?;
        let decoded = hashes.iter().zip(rows).map(|(hash, row)| {
            let damaged = || {
                let cid = Cid::new_v1(codec::RAW, *hash);
                Error::Reference(format!(
                    "the reference to block {cid} is damaged; adding its file again with --nocopy mends it"
                ))
            };
            row.map(|row| Row::decode(&row).ok_or_else(damaged))
                .transpose()
        });
        decoded.collect()
    }

    /// The block of a reference, read and checked.
    async fn follow(&self, cid: &Cid, row: &Row) -> Result<Block> {
        let data = self.read(cid.hash(), &row.reference).await;
        let data = data.map_err(|broken| Error::Reference(broken.to_string()))?;
        Ok(Block::unchecked(*cid, data))
    }
}

#[async_trait]
impl Blockstore for Filestore {
    async fn get(&self, cid: &Cid) -> Result<Option<Block>> {
        if let Some(block) = self.0.blocks.get(cid).await? {
            return Ok(Some(block));
        }
        let rows = self.rows(std::slice::from_ref(cid.hash())).await?;
        match rows.first() {
            Some(Some(row)) => Ok(Some(self.follow(cid, row).await?)),
            _ => Ok(None),
        }
    }

    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        let mut blocks = self.0.blocks.get_many(cids).await?;
        let absent: Vec<usize> = (0..cids.len()).filter(|n| blocks[*n].is_none()).collect();
        if absent.is_empty() {
            return Ok(blocks);
        }
        let hashes: Vec<Multihash> = absent.iter().map(|n| *cids[*n].hash()).collect();
        let rows = self.rows(&hashes).await?;
        let found = absent.into_iter().zip(rows);
        let found = found.filter_map(|(n, row)| Some((n, row?)));
        let read = |(n, row): (usize, Row)| async move {
            Ok::<_, Error>((n, self.follow(&cids[n], &row).await?))
        };
        let read: Vec<_> = found.map(read).collect();
        let mut read = stream::iter(read).buffer_unordered(READERS / 2);
        while let Some((n, block)) = read.try_next().await? {
            blocks[n] = Some(block);
        }
        Ok(blocks)
    }

    async fn stat_many(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        let mut stats = self.0.blocks.stat_many(cids).await?;
        let absent: Vec<usize> = (0..cids.len()).filter(|n| stats[*n].is_none()).collect();
        if absent.is_empty() {
            return Ok(stats);
        }
        let hashes: Vec<Multihash> = absent.iter().map(|n| *cids[*n].hash()).collect();
        for (n, row) in absent.into_iter().zip(self.rows(&hashes).await?) {
            stats[n] = row.map(|row| BlockStat {
                size: row.reference.size,
                leaf: cids[n].codec() == codec::RAW,
            });
        }
        Ok(stats)
    }

    async fn put_many(&self, blocks: Vec<Block>) -> Result<()> {
        self.0.blocks.put_many(blocks).await
    }

    async fn sync(&self) -> Result<()> {
        self.0.blocks.sync().await
    }

    async fn delete_many(&self, hashes: &[Multihash]) -> Result<Vec<Deleted>> {
        let deleted = self.0.blocks.delete_many(hashes).await?;
        let references = self.delete(hashes, None).await?;
        Ok(both(deleted, references))
    }

    async fn sweep(&self, hashes: &[Multihash], horizon: Horizon) -> Result<Vec<Deleted>> {
        let deleted = self.0.blocks.sweep(hashes, horizon).await?;
        let references = self.delete(hashes, Some(horizon)).await?;
        Ok(both(deleted, references))
    }

    async fn compact(&self) -> Result<()> {
        self.0.blocks.compact().await
    }

    fn lease(&self) -> Lease {
        self.0.blocks.lease()
    }

    fn begin_sweep(&self) -> Horizon {
        self.0.blocks.begin_sweep()
    }

    fn keys(&self) -> StatStream {
        let blocks = self.0.blocks.keys();
        let rows = self.0.records.scan(PREFIX.as_bytes(), None);
        let row = |(key, value): (Bytes, Bytes)| {
            let read = || {
                let hash = row::hash(&key)?;
                let size = Row::decode(&value).map_or(0, |row| row.reference.size);
                Some((hash, BlockStat { size, leaf: false }))
            };
            let damaged = || Error::Damaged("a key of the filestore is no multihash".into());
            read().ok_or_else(damaged)
        };
        let rows = rows.map(move |found| found.and_then(row));
        blocks.chain(rows).boxed()
    }

    fn scrub(&self) -> Findings {
        let store = self.clone();
        let rows = self.0.records.scan(PREFIX.as_bytes(), None);
        let references = rows
            .map(move |found| {
                let store = store.clone();
                async move {
                    let (key, value) = match found {
                        Ok(row) => row,
                        Err(error) => return ScrubEvent::Damaged(error.to_string()),
                    };
                    let Some(hash) = row::hash(&key) else {
                        return ScrubEvent::Damaged("a key of the filestore".into());
                    };
                    let Some(row) = Row::decode(&value) else {
                        return ScrubEvent::Bad(hash, "its reference cannot be read".into());
                    };
                    match store.read(&hash, &row.reference).await {
                        Ok(_) => ScrubEvent::Good(hash),
                        Err(broken) => ScrubEvent::Bad(hash, broken.to_string()),
                    }
                }
            })
            .buffered(READERS / 2);
        self.0.blocks.scrub().chain(references).boxed()
    }

    fn usage(&self) -> Usage {
        let mut usage = self.0.blocks.usage();
        let totals = self.totals();
        usage.blocks += totals.references;
        usage.block_bytes += totals.bytes;
        usage
    }
}

/// Counts the references.
async fn count(records: &dyn Datastore) -> Result<Totals> {
    let mut totals = Totals::default();
    let mut rows = records.scan(PREFIX.as_bytes(), None);
    while let Some((_, value)) = rows.try_next().await? {
        totals.add(Row::decode(&value).map_or(0, |row| row.reference.size));
    }
    Ok(totals)
}

/// What became of blocks, from what became of their bytes here and of the references to them.
fn both(blocks: Vec<Deleted>, references: Vec<Deleted>) -> Vec<Deleted> {
    let one = |(block, reference)| match (block, reference) {
        (Deleted::Spared, _) | (_, Deleted::Spared) => Deleted::Spared,
        (Deleted::Absent, reference) => reference,
        (block, _) => block,
    };
    blocks.into_iter().zip(references).map(one).collect()
}
