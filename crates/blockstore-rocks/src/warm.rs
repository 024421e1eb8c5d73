//! Small blocks that were just written are soon read, and reading each from the disk costs far more
//! than it is worth.
//!
//! Files are written around the page cache, which halves what a large import costs. A store that
//! writes through the cache has the small blocks of the last minutes in memory; here the files that
//! hold many of them are read ahead after they were written, a few long reads for thousands of
//! short ones. Large blocks are left alone: reading one from the disk costs little beside sending it.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use crate::codec::Totals;

/// Blocks that are larger on average are not worth it, in bytes.
const SMALL: u64 = 32 << 10;
/// The most that is read ahead after a flush, in bytes, and the part of the memory that is free.
const MOST: u64 = 128 << 20;
const PART_OF_FREE: u64 = 8;
/// The kernel reads no more than about this much at a time.
const STRIDE: u64 = 128 << 10;

/// Reads new files of small blocks ahead.
#[derive(Debug)]
pub(crate) struct Warmer {
    dir: PathBuf,
    /// The blob files that were there at the last flush.
    seen: BTreeSet<PathBuf>,
    totals: Totals,
    busy: Arc<AtomicBool>,
}

impl Warmer {
    /// For the store in `dir`, with the totals as they are now.
    pub(crate) fn new(dir: &Path, totals: Totals) -> Self {
        Self {
            dir: dir.to_owned(),
            seen: blob_files(dir),
            totals,
            busy: Arc::default(),
        }
    }

    /// Called after each flush; returns at once.
    pub(crate) fn flushed(&mut self, totals: Totals) {
        let blocks = totals.blocks.saturating_sub(self.totals.blocks);
        let bytes = totals.bytes.saturating_sub(self.totals.bytes);
        self.totals = totals;
        let now = blob_files(&self.dir);
        let new: Vec<PathBuf> = now.difference(&self.seen).cloned().collect();
        self.seen = now;
        if !are_small(blocks, bytes) || new.is_empty() {
            return;
        }
        if self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let busy = self.busy.clone();
        let spawned = std::thread::Builder::new()
            .name("store-warm".into())
            .spawn(move || {
                read_ahead(&new);
                busy.store(false, Ordering::Release);
            });
        if spawned.is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }
}

impl Totals {
    /// Whether reading the blocks one by one costs more than reading all there is at once.
    pub(crate) fn is_of_small_blocks(&self) -> bool {
        are_small(self.blocks, self.bytes)
    }
}

fn are_small(blocks: u64, bytes: u64) -> bool {
    blocks > 0 && bytes / blocks <= SMALL
}

/// Asks for the newest of the files first. That it does not work out harms nobody.
fn read_ahead(files: &[PathBuf]) {
    let mut left = MOST.min(free_memory() / PART_OF_FREE);
    for path in files.iter().rev() {
        left -= read_file_ahead(path, left);
    }
}

/// Asks for the file, `most` bytes of it at most; returns how many it asked for.
pub(crate) fn read_file_ahead(path: &Path, most: u64) -> u64 {
    let Ok(file) = File::open(path) else { return 0 };
    let size = file.metadata().map_or(0, |m| m.len()).min(most);
    for at in (0..size).step_by(STRIDE as usize) {
        let want = PosixFadviseAdvice::POSIX_FADV_WILLNEED;
        let _ = posix_fadvise(&file, at as i64, STRIDE as i64, want);
    }
    size
}

/// The files of block bytes in the directory of a store.
pub(crate) fn blob_files(dir: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == "blob"))
        .collect()
}

/// Bytes of memory that are not needed by anybody.
pub(crate) fn free_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
