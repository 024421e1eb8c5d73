//! Free space of the file system: what refuses a write before it tears anything, and what keeps
//! room for the deletions that end a full disk.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt_blockstore::{Error, Result};

use crate::ballast::{Ballast, Lent};

/// How old an answer of the file system may be.
const FRESH: Duration = Duration::from_millis(100);
/// With less than this free, it is asked each time: other programs fill that much in no time.
const NEAR: u64 = 1 << 30;
/// Batches are framed, and files have indexes and filters.
const OVERHEAD: u64 = 1 << 20;
/// With less than this free, what deletions and records take comes from the ballast.
const SHORT: u64 = 512 << 10;
/// What is given up of the ballast at a time: other programs may take it before we do.
const PIECE: u64 = 1 << 20;
/// What RocksDB takes for new files when it opens, with much to spare.
const TO_OPEN: u64 = 8 << 20;

/// The free space of one file system.
#[derive(Debug)]
pub(crate) struct Space {
    path: PathBuf,
    /// Kept free of blocks, for records, deletions and compaction; bytes.
    reserve: u64,
    ballast: Arc<Ballast>,
    /// Whether a piece of the ballast was given up for the present write.
    gave_up: bool,
    /// All of it, since a write has failed for want of space, until one succeeds.
    lent: Option<Lent>,
    free: u64,
    asked: Option<Instant>,
    admitted: u64,
}

impl Space {
    pub(crate) fn new(path: &Path, ballast: Arc<Ballast>) -> Self {
        let total = statvfs(path).map_or(0, |(_, total)| total);
        let mut space = Self {
            path: path.to_owned(),
            reserve: (total / 16).min(256 << 20),
            ballast,
            gave_up: false,
            lent: None,
            free: 0,
            asked: None,
            admitted: 0,
        };
        space.refresh();
        space
    }

    /// Admits `bytes` of blocks, or tells that they would fill the disk. `waiting` are bytes that
    /// are admitted but not in files yet.
    pub(crate) fn admit(&mut self, bytes: u64, waiting: impl FnOnce() -> u64) -> Result<()> {
        let needed = bytes + bytes / 16 + OVERHEAD.min(self.reserve / 8) + self.reserve;
        // Nothing is refused on an old answer.
        if self.is_stale() || self.admitted + needed > self.free {
            self.refresh();
            // What waits is promised room already.
            self.free = self.free.saturating_sub(waiting());
        }
        if self.admitted + needed > self.free {
            return Err(self.full());
        }
        self.admitted += bytes;
        Ok(())
    }

    /// The error of a write for which there is no room.
    pub(crate) fn full(&self) -> Error {
        Error::Full(format!(
            "{} has {} MB free, of which {} MB are kept for deletions and records",
            self.path.display(),
            self.free / 1_000_000,
            self.reserve / 1_000_000,
        ))
    }

    /// Gives up a piece of the ballast when there may be no room for a deletion or a record.
    pub(crate) fn make_room(&mut self) {
        if self.is_stale() {
            self.refresh();
        }
        if self.free < SHORT && self.ballast.len() > 0 {
            tracing::warn!(target: "basalt::store", "the disk is full; using the reserved space");
            self.ballast.give_up(PIECE);
            self.gave_up = true;
            self.asked = None;
        }
    }

    /// The write is over: what is left of the piece is kept for the next. If there was no room,
    /// everything is given up, as RocksDB writes nothing more until it has flushed its memtables.
    pub(crate) fn written(&mut self, outcome: &Result<()>) {
        match outcome {
            Err(Error::Full(_)) if self.lent.is_none() => self.lent = Some(self.ballast.lend()),
            Ok(()) => self.lent = None,
            Err(_) => {}
        }
        if std::mem::take(&mut self.gave_up) {
            self.ballast.take_back();
            self.asked = None;
        }
    }

    /// Whether there is too little room for what a compaction writes.
    pub(crate) fn is_short(&self) -> bool {
        self.free < TO_OPEN
    }

    /// Whether others may fill the disk before a flush is over.
    pub(crate) fn is_near(&self) -> bool {
        self.free < NEAR
    }

    fn is_stale(&self) -> bool {
        self.free < NEAR || self.asked.is_none_or(|asked| asked.elapsed() > FRESH)
    }

    fn refresh(&mut self) {
        // A file system that does not answer is taken to have room; it refuses by itself.
        self.free = statvfs(&self.path).map_or(u64::MAX / 2, |(free, _)| free);
        self.admitted = 0;
        self.asked = Some(Instant::now());
        let missing = self.ballast.missing();
        if missing > 0 && self.free > self.reserve * 2 + missing {
            self.ballast.take_back();
        }
    }
}

/// If there is no room to read the log into files at the opening of a store, and for new files
/// beside it: the ballast, and the bytes of the log.
pub(crate) fn scarce(store: &Path, ballast: &Arc<Ballast>) -> Option<(Lent, u64)> {
    let is_log = |name: &std::ffi::OsStr| name.to_string_lossy().ends_with(".log");
    let logged: u64 = std::fs::read_dir(store)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| is_log(&entry.file_name()))
        .filter_map(|entry| entry.metadata().ok())
        .map(|file| file.len())
        .sum();
    let scarce = free(store) < 2 * logged + TO_OPEN;
    scarce.then(|| (ballast.lend(), logged))
}

/// Whether a flush of `waiting` bytes will find room. One that does not keeps RocksDB from writing
/// anything.
pub(crate) fn fits(store: &Path, waiting: u64) -> bool {
    waiting + waiting / 16 <= free(store)
}

/// Whether there is too little room for the files that a compaction writes.
pub(crate) fn is_short(path: &Path) -> bool {
    free(path) < TO_OPEN
}

/// Free bytes of the file system that holds `path`.
pub(crate) fn free(path: &Path) -> u64 {
    statvfs(path).map_or(u64::MAX, |(free, _)| free)
}

/// Free and total bytes of the file system that holds `path`.
pub(crate) fn statvfs(path: &Path) -> Option<(u64, u64)> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    let unit = stat.fragment_size();
    Some((stat.blocks_available() * unit, stat.blocks() * unit))
}

/// Whether files of `dir` can be written around the page cache.
pub(crate) fn can_write_directly(dir: &Path) -> bool {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    const ALIGN: usize = 4096;
    let path = dir.join("probe.tmp");
    let probe = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(nix::fcntl::OFlag::O_DIRECT.bits())
            .open(&path)?;
        let buffer = vec![0; 2 * ALIGN];
        let at = buffer.as_ptr().align_offset(ALIGN);
        file.write_all(&buffer[at..at + ALIGN])
    };
    let can = probe().is_ok();
    let _ = std::fs::remove_file(path);
    can
}
