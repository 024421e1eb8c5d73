//! Makes unlogged writes durable: one flush for all who wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use basalt_blockstore::{Error, Result};

use crate::commit::{Answer, SharedTotals};
use crate::db::Db;
use crate::space;
use crate::warm::Warmer;

/// Waiters that queue up while a flush runs.
const QUEUE: usize = 1024;

/// After this long without writes what is in memory goes into files.
const QUIET: Duration = Duration::from_secs(5);
/// Not worth a file, in bytes.
const LITTLE: u64 = 1 << 20;

/// A thread that flushes on demand, so that writes go on meanwhile.
pub(crate) struct Flusher {
    tx: Option<mpsc::SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    flushed: Arc<AtomicU64>,
}

struct Job {
    /// The number of the last write that must be in the files.
    upto: u64,
    answers: Vec<Answer>,
}

impl Flusher {
    pub(crate) fn start(db: Arc<Db>, totals: Arc<SharedTotals>) -> std::io::Result<Self> {
        let (tx, rx) = mpsc::sync_channel(QUEUE);
        let flushed = Arc::new(AtomicU64::new(0));
        let reached = flushed.clone();
        let warmer = Warmer::new(db.path(), totals.get());
        let thread = std::thread::Builder::new()
            .name("store-flush".into())
            .spawn(move || run(&db, &rx, &reached, &totals, warmer))?;
        Ok(Self {
            tx: Some(tx),
            thread: Some(thread),
            flushed,
        })
    }

    /// The number of a write; all up to it are in files that were synced.
    pub(crate) fn flushed(&self) -> u64 {
        self.flushed.load(Ordering::Acquire)
    }

    /// Answers once all writes up to number `upto` are durable.
    pub(crate) fn flush(&self, upto: u64, answers: Vec<Answer>) {
        let Some(tx) = &self.tx else { return };
        if let Err(mpsc::SendError(job)) = tx.send(Job { upto, answers }) {
            answer(job.answers, Err(Error::Closed));
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.tx.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(
    db: &Db,
    rx: &mpsc::Receiver<Job>,
    flushed: &AtomicU64,
    totals: &SharedTotals,
    mut warmer: Warmer,
) {
    // The last write that was seen, and whether memory was given back since.
    let mut seen = (db.raw().latest_sequence_number(), true);
    loop {
        let first = match rx.recv_timeout(QUIET) {
            Ok(first) => first,
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                db.purge_rest();
                let now = db.raw().latest_sequence_number();
                let quiet = seen.0 == now;
                if quiet && !seen.1 {
                    rest(db);
                }
                seen = (now, quiet);
                continue;
            }
        };
        let mut jobs = vec![first];
        jobs.extend(rx.try_iter());
        let upto = jobs.iter().map(|job| job.upto).max().unwrap_or(0);
        let result = if upto > flushed.load(Ordering::Acquire) {
            db.flush()
        } else {
            Ok(())
        };
        if result.is_ok() {
            flushed.fetch_max(upto, Ordering::AcqRel);
        }
        for job in jobs {
            answer(job.answers, result.clone());
        }
        warmer.flushed(totals.get());
    }
}

/// Gives memory back when nobody writes; the log is short then, too.
fn rest(db: &Db) {
    let waiting = db.sum("rocksdb.cur-size-all-mem-tables");
    if waiting > LITTLE
        && space::fits(db.path(), waiting)
        && let Err(error) = db.flush()
    {
        tracing::warn!(target: "basalt::store", %error, "blocks in memory could not be flushed");
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: may be called at any time from any thread.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

fn answer(answers: Vec<Answer>, result: Result<()>) {
    for answer in answers {
        answer(result.clone());
    }
}
