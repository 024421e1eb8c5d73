//! Free space of the file system: what refuses a write before it tears anything, and what keeps
//! room for the deletions that end a full disk.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use basalt_blockstore::{Error, Result};
use nix::fcntl::posix_fallocate;

/// The name of the file that is given up when the disk is full.
const BALLAST: &str = "ballast";
/// How old an answer of the file system may be.
const FRESH: Duration = Duration::from_millis(100);
/// Batches are framed, and files have indexes and filters.
const OVERHEAD: u64 = 1 << 20;

/// The free space of one file system.
#[derive(Debug)]
pub(crate) struct Space {
    path: PathBuf,
    /// Kept free of blocks, for records, deletions and compaction; bytes.
    reserve: u64,
    ballast: u64,
    has_ballast: bool,
    free: u64,
    asked: Option<Instant>,
    admitted: u64,
}

impl Space {
    pub(crate) fn new(path: &Path) -> Self {
        let total = statvfs(path).map_or(0, |(_, total)| total);
        let mut space = Self {
            path: path.to_owned(),
            reserve: (total / 16).min(256 << 20),
            ballast: (total / 64).min(16 << 20),
            has_ballast: path.join(BALLAST).exists(),
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
        let stale = self.asked.is_none_or(|asked| asked.elapsed() > FRESH);
        // Nothing is refused on an old answer.
        if stale || self.admitted + needed > self.free {
            self.refresh();
            // What waits is promised room already.
            self.free = self.free.saturating_sub(waiting());
        }
        if self.admitted + needed > self.free {
            return Err(Error::Full(format!(
                "{} has {} MB free, of which {} MB are kept for deletions and records",
                self.path.display(),
                self.free / 1_000_000,
                self.reserve / 1_000_000,
            )));
        }
        self.admitted += bytes;
        Ok(())
    }

    /// Gives up the ballast when there may be no room for a deletion or a record.
    pub(crate) fn make_room(&mut self) {
        if self.asked.is_none_or(|asked| asked.elapsed() > FRESH) {
            self.refresh();
        }
        if self.has_ballast && self.free < self.ballast / 2 {
            tracing::warn!(target: "basalt::store", "the disk is full; using the reserved space");
            self.has_ballast = std::fs::remove_file(self.path.join(BALLAST)).is_err();
            self.asked = None;
        }
    }

    fn refresh(&mut self) {
        // A file system that does not answer is taken to have room; it refuses by itself.
        self.free = statvfs(&self.path).map_or(u64::MAX / 2, |(free, _)| free);
        self.admitted = 0;
        self.asked = Some(Instant::now());
        if !self.has_ballast && self.free > self.reserve * 2 + self.ballast {
            self.has_ballast = self.lay_ballast().is_ok();
        }
    }

    fn lay_ballast(&self) -> std::io::Result<()> {
        let file = File::create(self.path.join(BALLAST))?;
        posix_fallocate(&file, 0, self.ballast as i64)?;
        Ok(())
    }
}

/// Free bytes of the file system that holds `path`.
pub(crate) fn free(path: &Path) -> u64 {
    statvfs(path).map_or(u64::MAX, |(free, _)| free)
}

/// Free and total bytes of the file system that holds `path`.
fn statvfs(path: &Path) -> Option<(u64, u64)> {
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
