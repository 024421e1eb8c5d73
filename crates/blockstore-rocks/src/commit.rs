//! The committer: one thread through which every change goes.
//!
//! It takes what is queued, builds one batch of it, writes the batch and answers all. So looking
//! whether a block is there, touching its epoch, sweeping it and counting it never race.
//!
//! Durability has two modes. Little work is **logged**: it goes through the write-ahead log, and a
//! sync is one fsync of it. When more than [`LOGGED_MAX`] bytes were logged since the last sync, a
//! bulk import is going on; from there on everything is written **unlogged** (each byte goes to the
//! disk once, not twice) until a flush has carried all of it into files, which is what a sync asks
//! for then. In both modes what a crash leaves is a beginning of the sequence of batches, so no
//! record outlives the blocks that were written before it, and totals are those of the blocks.
//!
//! One exception: deletions on a disk that has no room for the flush of what is unlogged are logged
//! all the same. That they may outlive blocks written before them does no harm, as those were never
//! synced; the totals are then counted at the next start.

mod group;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use basalt_block::{Block, Multihash};
use basalt_blockstore::{Batch, Deleted, Epochs, Error, Horizon, Result};
use rocksdb::{WriteBatch, WriteOptions};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::cf::Cf;
use crate::codec::Totals;
use crate::db::Db;
use crate::error;
use crate::flush::Flusher;
use crate::open::TOTALS;
use crate::space::{self, Space};
use group::Group;

/// Requests that wait for the committer.
const QUEUE: usize = 256;
/// Bytes of blocks after which a batch is written though more is queued.
const GROUP_MAX: usize = 2 << 20;
/// Bytes that are logged between two syncs before the log is left out.
const LOGGED_MAX: usize = 4 << 20;

/// How long a write waits for a flush for which there may be no room, and between two looks at it.
const STALLED: Duration = Duration::from_secs(1);
const STALL_STEP: Duration = Duration::from_millis(2);

/// Called with the outcome.
pub(crate) type Answer = Box<dyn FnOnce(Result<()>) + Send>;

/// A change that is asked for.
pub(crate) enum Request {
    Put {
        blocks: Vec<Block>,
        room: OwnedSemaphorePermit,
        done: oneshot::Sender<Result<()>>,
    },
    Delete {
        hashes: Vec<Multihash>,
        /// `None` deletes whatever no lease keeps.
        horizon: Option<Horizon>,
        done: oneshot::Sender<Result<Vec<Deleted>>>,
    },
    Write {
        batch: Batch,
        done: oneshot::Sender<Result<()>>,
    },
    Sync {
        done: oneshot::Sender<Result<()>>,
    },
}

impl Request {
    /// About how much it adds to a batch, in bytes.
    fn size(&self) -> usize {
        match self {
            Self::Put { blocks, .. } => blocks.iter().map(|b| b.data().len() + 128).sum(),
            _ => 0,
        }
    }
}

/// The totals, readable by all.
#[derive(Debug, Default)]
pub(crate) struct SharedTotals {
    blocks: AtomicU64,
    bytes: AtomicU64,
    epoch: AtomicU32,
}

impl SharedTotals {
    pub(crate) fn get(&self) -> Totals {
        Totals {
            blocks: self.blocks.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            epoch: self.epoch.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn set(&self, totals: Totals) {
        self.blocks.store(totals.blocks, Ordering::Relaxed);
        self.bytes.store(totals.bytes, Ordering::Relaxed);
        self.epoch.store(totals.epoch, Ordering::Relaxed);
    }
}

/// Starts the committer; it ends when the sender is dropped, with everything in files or the log.
pub(crate) fn start(
    db: Arc<Db>,
    epochs: Epochs,
    totals: Arc<SharedTotals>,
) -> std::io::Result<(mpsc::Sender<Request>, JoinHandle<()>)> {
    let (tx, rx) = mpsc::channel(QUEUE);
    let committer = Committer {
        space: Space::new(db.path(), db.ballast().clone()),
        flusher: Flusher::start(db.clone(), totals.clone())?,
        db,
        epochs,
        totals,
        written: 0,
        unlogged: false,
        logged: 0,
        synced: true,
        flushing: false,
    };
    let thread = std::thread::Builder::new()
        .name("store-commit".into())
        .spawn(move || committer.run(rx))?;
    Ok((tx, thread))
}

struct Committer {
    db: Arc<Db>,
    epochs: Epochs,
    totals: Arc<SharedTotals>,
    space: Space,
    flusher: Flusher,
    /// The number of the last batch.
    written: u64,
    /// Whether there may be batches that are neither logged nor in files.
    unlogged: bool,
    /// Bytes logged since the last sync.
    logged: usize,
    /// Whether the log is synced to its end.
    synced: bool,
    /// Whether a flush was asked for because the disk is full, since the last write.
    flushing: bool,
}

impl Committer {
    fn run(mut self, mut rx: mpsc::Receiver<Request>) {
        let (db, epochs) = (self.db.clone(), self.epochs.clone());
        while let Some(first) = rx.blocking_recv() {
            let mut group = Group::new(&db, &epochs, self.totals.get(), first.size());
            self.add(&mut group, first);
            while group.bytes() < GROUP_MAX {
                let Ok(next) = rx.try_recv() else { break };
                self.add(&mut group, next);
            }
            self.commit(group);
        }
        if self.unlogged
            && let Err(error) = self.db.flush()
        {
            tracing::error!(target: "basalt::store", %error, "unsynced blocks are lost: the last flush failed");
        }
    }

    fn add(&mut self, group: &mut Group<'_>, request: Request) {
        match request {
            Request::Put { blocks, room, done } => {
                let db = &self.db;
                let waiting = || db.sum("rocksdb.cur-size-all-mem-tables");
                let added = group.put(blocks, |bytes| self.space.admit(bytes, waiting));
                match added {
                    Err(error @ Error::Full(_)) => {
                        self.flush_while_it_fits();
                        let _ = done.send(Err(error));
                    }
                    Ok(()) => group.answers.push(Box::new(move |result| {
                        drop(room);
                        let _ = done.send(result);
                    })),
                    Err(error) => drop(done.send(Err(error))),
                }
            }
            Request::Delete {
                hashes,
                horizon,
                done,
            } => match group.delete(&hashes, horizon) {
                Ok(deleted) => group.answers.push(Box::new(move |result| {
                    let _ = done.send(result.map(|()| deleted));
                })),
                Err(error) => drop(done.send(Err(error))),
            },
            Request::Write { batch, done } => {
                group.write(batch);
                group.durable.push(Box::new(|result| {
                    let _ = done.send(result);
                }));
            }
            Request::Sync { done } => group.durable.push(Box::new(|result| {
                let _ = done.send(result);
            })),
        }
    }

    fn commit(&mut self, mut group: Group<'_>) {
        group.finish(self.totals.get());
        if self.unlogged && self.flusher.flushed() >= self.written {
            self.unlogged = false;
            self.logged = 0;
            self.synced = true;
        }
        if !group.batch.is_empty() {
            // Deletions, records, and blocks that are only renewed are admitted by nothing else.
            self.space.make_room();
            if !self.space.is_short() {
                self.db.wake();
            }
        }
        let durable = !group.durable.is_empty();
        let bytes = group.bytes();
        self.unlogged |= self.logged + bytes > LOGGED_MAX;
        // A flush or a write to the log that fails for want of space would keep RocksDB from
        // writing anything.
        let fits = |bytes| space::fits(self.db.path(), bytes);
        let cut_off = self.unlogged && durable && !fits(self.waiting());
        let refused = if self.unlogged {
            cut_off
        } else {
            bytes > 0 && !fits(bytes as u64)
        };
        if refused && !group.only_deletes() {
            let full = self.space.full();
            group.refuse(&full);
            return;
        }
        if cut_off {
            group.recount();
        }
        let Group {
            batch,
            touched,
            totals,
            epoch,
            answers,
            durable: waiters,
            ..
        } = group;

        let mut result = Ok(());
        if !batch.is_empty() {
            result = self.write(batch, durable, !self.unlogged || cut_off);
            if result.is_ok() {
                self.totals.set(totals);
                self.logged += bytes;
            }
        } else if durable && !self.unlogged && !self.synced {
            result = self.db.raw().flush_wal(true).map_err(error::store);
        }
        if result.is_ok() {
            result = self.touch_again(&touched, epoch, durable);
        }
        if result.is_ok() && durable && !self.unlogged {
            self.synced = true;
            self.logged = 0;
        }
        self.space.written(&result);
        for answer in answers {
            answer(result.clone());
        }
        match result {
            // The flusher answers when the files hold all of it.
            Ok(()) if self.unlogged && durable && !cut_off => {
                self.flusher.flush(self.written, waiters)
            }
            result => waiters.into_iter().for_each(|done| done(result.clone())),
        }
    }

    /// Bytes in memory that a flush will write.
    fn waiting(&self) -> u64 {
        self.db.sum("rocksdb.cur-size-all-mem-tables")
    }

    /// What a full disk leaves in memory goes into files while there is room for it, so that
    /// deletions can be logged again.
    fn flush_while_it_fits(&mut self) {
        let flushed = self.flusher.flushed() >= self.written;
        if self.unlogged
            && !flushed
            && !self.flushing
            && space::fits(self.db.path(), self.waiting())
        {
            self.flushing = true;
            self.flusher.flush(self.written, Vec::new());
        }
    }

    fn write(&mut self, batch: WriteBatch, durable: bool, logged: bool) -> Result<()> {
        self.flushing = false;
        let mut options = WriteOptions::default();
        if logged {
            options.set_sync(durable);
            self.synced = false;
        } else {
            options.disable_wal(true);
        }
        self.written += 1;
        if self.space.is_near() {
            return self.write_or_refuse(batch, options);
        }
        let written = self.db.raw().write_opt(batch, &options);
        written.map_err(error::store)
    }

    /// RocksDB makes writers wait while memtables are flushed, on a full disk until it is full no
    /// more. Here they wait as long as the flush can end.
    fn write_or_refuse(&self, batch: WriteBatch, mut options: WriteOptions) -> Result<()> {
        options.set_no_slowdown(true);
        let data = batch.data().to_vec();
        let mut next = batch;
        let began = Instant::now();
        loop {
            match self.db.raw().write_opt(next, &options) {
                Err(error) if error.kind() == rocksdb::ErrorKind::Incomplete => {
                    if began.elapsed() > STALLED && !space::fits(self.db.path(), self.waiting()) {
                        return Err(self.space.full());
                    }
                    std::thread::sleep(STALL_STEP);
                    next = WriteBatch::from_data(&data);
                }
                written => return written.map_err(error::store),
            }
        }
    }

    /// A sweep that began while the batch was written must find the blocks renewed: their writers
    /// are told only now.
    fn touch_again(
        &mut self,
        touched: &[group::Touched],
        mut epoch: u32,
        durable: bool,
    ) -> Result<()> {
        loop {
            let current = self.epochs.current();
            if current == epoch || touched.is_empty() {
                return Ok(());
            }
            epoch = current;
            let mut batch = WriteBatch::default();
            for (key, meta) in touched {
                let row = meta.at(epoch).encode();
                batch.put_cf(self.db.cf(Cf::Meta), key, row);
            }
            let mut totals = self.totals.get();
            totals.epoch = epoch;
            batch.put_cf(self.db.cf(Cf::Own), TOTALS, totals.encode());
            self.write(batch, durable, !self.unlogged)?;
            self.totals.set(totals);
        }
    }
}
