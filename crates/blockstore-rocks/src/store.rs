use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use basalt_block::{Block, Cid, Multihash, codec};
use basalt_blockstore::{
    Batch, BlockStat, Blockstore, Datastore, Deleted, Epochs, Error, Findings, Horizon, Lease, Op,
    Records, Result, StatStream, Usage,
};
use bytes::Bytes;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

use crate::commit::{self, Request, SharedTotals};
use crate::db::Db;
use crate::pool::Pool;
use crate::read::Cached;
use crate::swift::{self, Swift};
use crate::{Options, compact, disk, list, open, rescue, scrub};

/// Up to this many rows are looked for in memory before a thread of the pool is asked.
const INLINE_STATS: usize = 64;
/// As for rows, but blocks have to be copied.
const INLINE_BLOCKS: usize = 16;
/// Rows of the index that are brought into memory at once before they are deleted.
const WARMED: usize = 512;
/// Deletions that the committer does in one go; puts and records get their turn in between.
const DELETES: usize = 128;
/// How long a deletion is tried on a full disk, and how often: RocksDB looks for space every five
/// seconds once a write of its own found none.
const PATIENCE: Duration = Duration::from_secs(8);
const AGAIN: Duration = Duration::from_millis(200);

/// A store in a RocksDB database. Cloning gives another handle; the last one to be dropped closes
/// the store, which may take as long as writing what is still in memory.
#[derive(Clone)]
pub struct RocksStore(Arc<Inner>);

struct Inner {
    db: Arc<Db>,
    options: Options,
    epochs: Epochs,
    totals: Arc<SharedTotals>,
    damage: Option<String>,
    broken: bool,
    pool: Pool,
    swift: Swift,
    /// Bytes, in KiB, that may wait for the committer.
    room: Arc<Semaphore>,
    tx: Option<mpsc::Sender<Request>>,
    committer: Option<JoinHandle<()>>,
    compacting: Mutex<()>,
    disk: disk::Size,
}

impl RocksStore {
    /// Opens the store, or makes it. Blocks the thread for some milliseconds, longer after a crash
    /// (the write-ahead log is read).
    ///
    /// # Errors
    /// [`Error::Io`] when another process has it open or a newer version wrote it,
    /// [`Error::Damaged`] when its files do not fit together.
    pub fn open(options: Options) -> Result<Self> {
        let opened = open::open(&options)?;
        let epochs = Epochs::starting_at(opened.totals.epoch);
        let totals = Arc::new(SharedTotals::default());
        totals.set(opened.totals);
        let (tx, committer) = commit::start(opened.db.clone(), epochs.clone(), totals.clone())
            .map_err(|e| Error::Io(format!("cannot start a thread: {e}")))?;
        let room = Semaphore::new(options.in_flight() >> 10);
        Ok(Self(Arc::new(Inner {
            db: opened.db,
            options,
            epochs,
            totals,
            damage: opened.damage,
            broken: opened.broken,
            pool: Pool::new(),
            swift: Swift::new(),
            room: Arc::new(room),
            tx: Some(tx),
            committer: Some(committer),
            compacting: Mutex::new(()),
            disk: disk::Size::default(),
        })))
    }

    /// What damage was met when the store was opened. If it is of the write-ahead log, writes that
    /// were acknowledged shortly before the store was last closed may be missing.
    pub fn damage(&self) -> Option<&str> {
        self.0.damage.as_deref()
    }

    /// Whether that damage is such that only [`RocksStore::rebuild`] mends it. What can be read is
    /// served meanwhile.
    pub fn is_broken(&self) -> bool {
        self.0.broken
    }

    /// The block of these bytes, if they are here and whole, whatever the index says.
    pub async fn salvage(&self, hash: &Multihash) -> Result<Option<Block>> {
        let (db, hash) = (self.0.db.clone(), *hash);
        self.0.pool.run(move || rescue::salvage(&db, &hash)).await
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    /// Waits until no read is under way, also none that nobody waits for any more.
    pub async fn settle(&self) {
        self.0.pool.settle().await;
    }

    /// Closes this handle, off the runtime's threads; when it is the last, the store.
    pub async fn close(self) {
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    pub(crate) fn db(&self) -> &Arc<Db> {
        &self.0.db
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T>>) -> Request,
    ) -> Result<T> {
        let (done, answer) = oneshot::channel();
        let tx = self.0.tx.as_ref().ok_or(Error::Closed)?;
        tx.send(request(done)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

impl RocksStore {
    /// Brings the rows of the index into memory, so that the committer, which everybody waits for,
    /// need not read them from the disk.
    async fn warm(&self, cids: impl Iterator<Item = &Cid>) -> Result<()> {
        let mut on_disk = Vec::new();
        for cid in cids {
            // Damage is the committer's business.
            if matches!(self.0.db.stat_cached(cid), Ok(Cached::OnDisk)) {
                on_disk.push(*cid);
            }
        }
        if on_disk.is_empty() {
            return Ok(());
        }
        let db = self.0.db.clone();
        self.0.pool.run(move || drop(db.stats(&on_disk))).await
    }

    async fn delete(&self, hashes: &[Multihash], horizon: Option<Horizon>) -> Result<Vec<Deleted>> {
        let mut deleted = Vec::with_capacity(hashes.len());
        for many in hashes.chunks(WARMED) {
            let cids: Vec<Cid> = many.iter().map(|h| Cid::new_v1(codec::RAW, *h)).collect();
            self.warm(cids.iter()).await?;
            for part in many.chunks(DELETES) {
                let delete = |done| Request::Delete {
                    hashes: part.to_vec(),
                    horizon,
                    done,
                };
                deleted.extend(patient(|| self.ask(delete)).await?);
            }
        }
        Ok(deleted)
    }
}

/// Asks again for a deletion while the disk is full: a moment after it filled, room is found for it.
async fn patient<T, F: Future<Output = Result<T>>>(ask: impl Fn() -> F) -> Result<T> {
    let began = Instant::now();
    loop {
        match ask().await {
            Err(Error::Full(_)) if began.elapsed() < PATIENCE => {
                tokio::time::sleep(AGAIN).await;
            }
            answer => return answer,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tx.take();
        if let Some(committer) = self.committer.take() {
            let _ = committer.join();
        }
    }
}

impl std::fmt::Debug for RocksStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksStore")
            .field("path", &self.0.options.path)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Blockstore for RocksStore {
    async fn get(&self, cid: &Cid) -> Result<Option<Block>> {
        if let Cached::Here(known) = self.0.db.known(cid)? {
            let Some(meta) = known else {
                return Ok(None);
            };
            if let Cached::Here(block) = self.0.db.block_cached(cid, meta)? {
                return Ok(Some(block));
            }
            let read = || self.0.db.block_with(cid, meta);
            if meta.size <= swift::SMALL
                && let Some(block) = self.0.swift.try_read(read)
            {
                return block;
            }
        }
        let (db, cid) = (self.0.db.clone(), *cid);
        self.0.pool.run(move || db.block(&cid)).await?
    }

    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        let mut blocks = vec![None; cids.len()];
        let mut on_disk = Vec::new();
        for (n, cid) in cids.iter().enumerate() {
            let here = if n < INLINE_BLOCKS {
                self.0.db.cached(cid)?
            } else {
                Cached::OnDisk
            };
            match here {
                Cached::Here(block) => blocks[n] = block,
                Cached::OnDisk => on_disk.push(n),
            }
        }
        if !on_disk.is_empty() {
            let db = self.0.db.clone();
            let wanted: Vec<Cid> = on_disk.iter().map(|n| cids[*n]).collect();
            let read = self.0.pool.run(move || db.blocks(&wanted)).await??;
            for (n, block) in on_disk.into_iter().zip(read) {
                blocks[n] = block;
            }
        }
        Ok(blocks)
    }

    async fn stat_many(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        let mut stats = vec![None; cids.len()];
        let mut on_disk = Vec::new();
        for (n, cid) in cids.iter().enumerate() {
            if n < INLINE_STATS
                && let Cached::Here(stat) = self.0.db.stat_cached(cid)?
            {
                stats[n] = stat;
            } else {
                on_disk.push(n);
            }
        }
        if !on_disk.is_empty() {
            let db = self.0.db.clone();
            let wanted: Vec<Cid> = on_disk.iter().map(|n| cids[*n]).collect();
            let read = self.0.pool.run(move || db.stats(&wanted)).await??;
            for (n, stat) in on_disk.into_iter().zip(read) {
                stats[n] = stat;
            }
        }
        Ok(stats)
    }

    async fn put_many(&self, blocks: Vec<Block>) -> Result<()> {
        if blocks.is_empty() {
            return Ok(());
        }
        let bytes: usize = blocks.iter().map(|b| b.data().len() + 128).sum();
        self.warm(blocks.iter().map(Block::cid)).await?;
        let most = self.0.options.in_flight() >> 10;
        let permits = (bytes >> 10).clamp(1, most) as u32;
        let room = self.0.room.clone().acquire_many_owned(permits).await;
        let room = room.map_err(|_| Error::Closed)?;
        self.ask(|done| Request::Put { blocks, room, done }).await
    }

    async fn sync(&self) -> Result<()> {
        self.ask(|done| Request::Sync { done }).await
    }

    async fn delete_many(&self, hashes: &[Multihash]) -> Result<Vec<Deleted>> {
        self.delete(hashes, None).await
    }

    async fn sweep(&self, hashes: &[Multihash], horizon: Horizon) -> Result<Vec<Deleted>> {
        self.delete(hashes, Some(horizon)).await
    }

    async fn compact(&self) -> Result<()> {
        // Those who wait find little left to do.
        let _one = self.0.compacting.lock().await;
        compact::run(&self.0.db, &self.0.pool, &self.0.options).await
    }

    fn lease(&self) -> Lease {
        self.0.epochs.lease()
    }

    fn begin_sweep(&self) -> Horizon {
        self.0.epochs.begin_sweep()
    }

    fn keys(&self) -> StatStream {
        list::keys(&self.0.db, &self.0.pool)
    }

    fn scrub(&self) -> Findings {
        scrub::run(&self.0.db, &self.0.pool, self.0.totals.get())
    }

    fn usage(&self) -> Usage {
        self.0.totals.get().usage(self.0.disk.get(&self.0.db))
    }
}

#[async_trait]
impl Datastore for RocksStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        if let Cached::Here(value) = self.0.db.record_cached(key)? {
            return Ok(value);
        }
        let (db, key) = (self.0.db.clone(), Bytes::copy_from_slice(key));
        self.0.pool.run(move || db.record(&key)).await?
    }

    async fn get_many(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>> {
        let (db, keys) = (self.0.db.clone(), keys.to_vec());
        self.0.pool.run(move || db.records(&keys)).await?
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        if batch.0.iter().all(|op| matches!(op, Op::Delete(_))) {
            let write = |done| Request::Write {
                batch: batch.clone(),
                done,
            };
            return patient(|| self.ask(write)).await;
        }
        self.ask(|done| Request::Write { batch, done }).await
    }

    fn scan(&self, prefix: &[u8], from: Option<&[u8]>) -> Records {
        list::scan(&self.0.db, &self.0.pool, prefix, from)
    }
}
