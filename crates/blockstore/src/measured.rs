//! A store that counts what it is asked, and how long the answers take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use basalt_block::{Block, Cid, Multihash};
use bytes::Bytes;

use crate::{
    Batch, BlockStat, Blockstore, Datastore, Deleted, Findings, Horizon, Lease, Op, Records,
    Result, StatStream, Usage,
};

/// What a store is asked, in the words of Kubo's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Asked {
    Get,
    GetSize,
    Has,
    Delete,
    Query,
    Sync,
    Scrub,
    Gc,
    Du,
    BatchPut,
    BatchDelete,
    BatchCommit,
}

impl Asked {
    /// All of them, in order.
    pub const ALL: [Self; 12] = [
        Self::Get,
        Self::GetSize,
        Self::Has,
        Self::Delete,
        Self::Query,
        Self::Sync,
        Self::Scrub,
        Self::Gc,
        Self::Du,
        Self::BatchPut,
        Self::BatchDelete,
        Self::BatchCommit,
    ];
}

/// The bounds of times, in nanoseconds.
const TIMES: [u64; 5] = [100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
/// The bounds of sizes, in bytes.
const SIZES: [u64; 4] = [64, 4096, 256 << 10, 16 << 20];

/// Values by how large they are.
#[derive(Debug, Default)]
struct Spread<const BOUNDS: usize, const COUNTS: usize>([AtomicU64; COUNTS], AtomicU64)
where
    [AtomicU64; COUNTS]: Default;

impl<const BOUNDS: usize, const COUNTS: usize> Spread<BOUNDS, COUNTS>
where
    [AtomicU64; COUNTS]: Default,
{
    fn note(&self, bounds: &[u64; BOUNDS], value: u64, times: u64) {
        let at = bounds.partition_point(|bound| *bound < value);
        self.0[at].fetch_add(times, Relaxed);
        self.1.fetch_add(value.saturating_mul(times), Relaxed);
    }

    fn read(&self) -> (Vec<u64>, u64) {
        let counts = self.0.iter().map(|count| count.load(Relaxed));
        (counts.collect(), self.1.load(Relaxed))
    }
}

#[derive(Debug, Default)]
struct Counter {
    calls: AtomicU64,
    errors: AtomicU64,
    times: Spread<5, 6>,
    sizes: Spread<4, 5>,
}

/// What was counted since the start.
#[derive(Debug, Default)]
pub struct Meter([Counter; Asked::ALL.len()]);

/// What was counted of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// How often.
    pub calls: u64,
    /// How often it failed.
    pub errors: u64,
    /// How many took up to 0.1, 1, 10, 100, 1000 ms, and longer; and all of them together.
    pub times: (Vec<u64>, Duration),
    /// How many values had up to 64 bytes, 4 KiB, 256 KiB, 16 MiB, and more; and the bytes of all.
    pub sizes: (Vec<u64>, u64),
}

impl Meter {
    /// What was counted of `asked`.
    pub fn read(&self, asked: Asked) -> Count {
        let counter = &self.0[asked as usize];
        let (times, nanos) = counter.times.read();
        Count {
            calls: counter.calls.load(Relaxed),
            errors: counter.errors.load(Relaxed),
            times: (times, Duration::from_nanos(nanos)),
            sizes: counter.sizes.read(),
        }
    }

    /// Notes `calls` that were answered together.
    fn note<T>(&self, asked: Asked, calls: usize, began: Instant, answer: &Result<T>) {
        if calls == 0 {
            return;
        }
        let (counter, calls) = (&self.0[asked as usize], calls as u64);
        counter.calls.fetch_add(calls, Relaxed);
        if answer.is_err() {
            counter.errors.fetch_add(1, Relaxed);
        }
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        counter.times.note(&TIMES, nanos / calls, calls);
    }

    fn size(&self, asked: Asked, bytes: usize) {
        let sizes = &self.0[asked as usize].sizes;
        sizes.note(&SIZES, bytes as u64, 1);
    }
}

/// A store around another that measures it.
#[derive(Clone)]
pub struct Measured {
    blocks: Arc<dyn Blockstore>,
    records: Arc<dyn Datastore>,
    meter: Arc<Meter>,
}

impl Measured {
    /// Measures both sides of a store.
    pub fn new(blocks: Arc<dyn Blockstore>, records: Arc<dyn Datastore>) -> Self {
        Self {
            blocks,
            records,
            meter: Arc::default(),
        }
    }

    /// What is counted.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }
}

#[async_trait]
impl Blockstore for Measured {
    async fn get(&self, cid: &Cid) -> Result<Option<Block>> {
        let began = Instant::now();
        let answer = self.blocks.get(cid).await;
        self.meter.note(Asked::Get, 1, began, &answer);
        if let Ok(Some(block)) = &answer {
            self.meter.size(Asked::Get, block.data().len());
        }
        answer
    }

    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        let began = Instant::now();
        let answer = self.blocks.get_many(cids).await;
        self.meter.note(Asked::Get, cids.len(), began, &answer);
        for block in answer.iter().flatten().flatten() {
            self.meter.size(Asked::Get, block.data().len());
        }
        answer
    }

    async fn stat_many(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        let began = Instant::now();
        let answer = self.blocks.stat_many(cids).await;
        self.meter.note(Asked::GetSize, cids.len(), began, &answer);
        answer
    }

    async fn has(&self, cid: &Cid) -> Result<bool> {
        let began = Instant::now();
        let answer = self.blocks.has(cid).await;
        self.meter.note(Asked::Has, 1, began, &answer);
        answer
    }

    async fn put_many(&self, blocks: Vec<Block>) -> Result<()> {
        let (began, count) = (Instant::now(), blocks.len());
        for block in &blocks {
            self.meter.size(Asked::BatchPut, block.data().len());
        }
        let answer = self.blocks.put_many(blocks).await;
        self.meter.note(Asked::BatchPut, count, began, &answer);
        self.meter.note(Asked::BatchCommit, 1, began, &answer);
        answer
    }

    async fn sync(&self) -> Result<()> {
        let began = Instant::now();
        let answer = self.blocks.sync().await;
        self.meter.note(Asked::Sync, 1, began, &answer);
        answer
    }

    async fn delete_many(&self, hashes: &[Multihash]) -> Result<Vec<Deleted>> {
        let began = Instant::now();
        let answer = self.blocks.delete_many(hashes).await;
        self.meter.note(Asked::Delete, hashes.len(), began, &answer);
        answer
    }

    async fn sweep(&self, hashes: &[Multihash], horizon: Horizon) -> Result<Vec<Deleted>> {
        let began = Instant::now();
        let answer = self.blocks.sweep(hashes, horizon).await;
        self.meter.note(Asked::Delete, hashes.len(), began, &answer);
        answer
    }

    async fn compact(&self) -> Result<()> {
        let began = Instant::now();
        let answer = self.blocks.compact().await;
        self.meter.note(Asked::Gc, 1, began, &answer);
        answer
    }

    fn lease(&self) -> Lease {
        self.blocks.lease()
    }

    fn begin_sweep(&self) -> Horizon {
        self.blocks.begin_sweep()
    }

    fn keys(&self) -> StatStream {
        let began = Instant::now();
        let rows = self.blocks.keys();
        self.meter.note(Asked::Query, 1, began, &Ok(()));
        rows
    }

    fn scrub(&self) -> Findings {
        let began = Instant::now();
        let findings = self.blocks.scrub();
        self.meter.note(Asked::Scrub, 1, began, &Ok(()));
        findings
    }

    fn usage(&self) -> Usage {
        let began = Instant::now();
        let usage = self.blocks.usage();
        self.meter.note(Asked::Du, 1, began, &Ok(()));
        usage
    }
}

#[async_trait]
impl Datastore for Measured {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let began = Instant::now();
        let answer = self.records.get(key).await;
        self.meter.note(Asked::Get, 1, began, &answer);
        if let Ok(Some(value)) = &answer {
            self.meter.size(Asked::Get, value.len());
        }
        answer
    }

    async fn get_many(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>> {
        let began = Instant::now();
        let answer = self.records.get_many(keys).await;
        self.meter.note(Asked::Get, keys.len(), began, &answer);
        for value in answer.iter().flatten().flatten() {
            self.meter.size(Asked::Get, value.len());
        }
        answer
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let began = Instant::now();
        let mut puts = 0;
        for op in &batch.0 {
            if let Op::Put(_, value) = op {
                puts += 1;
                self.meter.size(Asked::BatchPut, value.len());
            }
        }
        let deletes = batch.0.len() - puts;
        let answer = self.records.write(batch).await;
        self.meter.note(Asked::BatchPut, puts, began, &answer);
        self.meter.note(Asked::BatchDelete, deletes, began, &answer);
        self.meter.note(Asked::BatchCommit, 1, began, &answer);
        answer
    }

    fn scan(&self, prefix: &[u8], from: Option<&[u8]>) -> Records {
        let began = Instant::now();
        let rows = self.records.scan(prefix, from);
        self.meter.note(Asked::Query, 1, began, &Ok(()));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use basalt_block::{Hasher, codec};

    fn measured() -> Measured {
        let memory = Arc::new(MemoryStore::default());
        Measured::new(memory.clone(), memory)
    }

    #[cfg(feature = "conformance")]
    #[tokio::test(flavor = "multi_thread")]
    async fn conforms() {
        crate::conformance::check(async || measured()).await;
    }

    #[tokio::test]
    async fn what_is_asked_is_counted() {
        let store = measured();
        let blocks: Vec<Block> = [&b"a"[..], &[7; 5000]]
            .iter()
            .map(|data| {
                let data = Bytes::copy_from_slice(data);
                Block::hash(1, codec::RAW, Hasher::SHA2_256, data).unwrap()
            })
            .collect();
        let cids: Vec<Cid> = blocks.iter().map(|b| *b.cid()).collect();
        store.put_many(blocks).await.unwrap();
        Blockstore::get_many(&store, &cids).await.unwrap();
        Blockstore::get(&store, &cids[0]).await.unwrap();
        store.has(&cids[0]).await.unwrap();
        let calls = |asked| store.meter().read(asked).calls;
        let all = [Asked::BatchPut, Asked::BatchCommit, Asked::Get, Asked::Has].map(calls);
        assert_eq!(all, [2, 1, 3, 1]);
        let gets = store.meter().read(Asked::Get);
        assert_eq!(gets.sizes, (vec![2, 0, 1, 0, 0], 5002));
        assert_eq!(gets.times.0.iter().sum::<u64>(), 3);
        assert_eq!(calls(Asked::GetSize) + calls(Asked::Delete), 0);
    }
}
