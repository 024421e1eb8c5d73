//! A file that takes space while there is some, to be given up piece by piece when the disk is full:
//! so that a store can be opened, and deletions be written, on a file system without a free byte.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use nix::fcntl::posix_fallocate;

use crate::space;

/// The file's name.
pub(crate) const NAME: &str = "ballast";
/// Less than this is not worth a file, in bytes.
const LITTLE: u64 = 64 << 10;

/// Its length, if that is not too much of the disk, and if memtables are not larger.
const USUAL: u64 = 16 << 20;
/// Left free when all of it is taken back: the daemon writes files outside of the store, too.
const FOR_OTHERS: u64 = 32 << 10;

/// The file, at its full length or what is left of it.
#[derive(Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
    /// Its full length.
    size: u64,
    /// How many need all of its space at present. Held while the file is changed, so that what one
    /// gives up is not taken back by another.
    lent: Mutex<usize>,
}

impl Ballast {
    /// The ballast of a store with memtables of `memtable` bytes: RocksDB goes on after a flush
    /// that found no room only when more than a memtable is free.
    pub(crate) fn of(store: &Path, memtable: u64) -> Self {
        let total = space::statvfs(store).map_or(0, |(_, total)| total);
        Self {
            path: store.join(NAME),
            size: (total / 64).min(USUAL.max(2 * memtable)),
            lent: Mutex::new(0),
        }
    }

    fn lent(&self) -> MutexGuard<'_, usize> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that can be given up.
    pub(crate) fn len(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// Bytes that have been given up.
    pub(crate) fn missing(&self) -> u64 {
        self.size.saturating_sub(self.len())
    }

    /// Gives up about `bytes`, or all there is.
    pub(crate) fn give_up(&self, bytes: u64) {
        let _lent = self.lent();
        self.cut(bytes);
    }

    /// Gives up all of it, until the answer is dropped.
    pub(crate) fn lend(self: &Arc<Self>) -> Lent {
        let mut lent = self.lent();
        *lent += 1;
        self.cut(u64::MAX);
        Lent(self.clone())
    }

    /// Takes back what was given up and is still free.
    pub(crate) fn take_back(&self) {
        self.take_back_but(0);
    }

    fn take_back_but(&self, left: u64) {
        let lent = self.lent();
        if *lent > 0 {
            return;
        }
        let free = space::free(self.path.parent().unwrap_or(&self.path));
        let len = self.len();
        self.lay(len, self.size.min(len + free.saturating_sub(left)));
    }

    /// What it gives up is free when this returns: some file systems free blocks only when they
    /// commit.
    fn cut(&self, bytes: u64) {
        let len = self.len();
        if len == 0 {
            return;
        }
        let left = len.saturating_sub(bytes);
        let left = if left < LITTLE { 0 } else { left };
        let cut = || {
            let file = OpenOptions::new().write(true).open(&self.path)?;
            file.set_len(left)?;
            file.sync_all()?;
            // The journal of ext4 frees them just after it has committed: the next commit waits
            // for that.
            file.set_modified(SystemTime::now())?;
            file.sync_all()
        };
        if let Err(error) = cut() {
            tracing::warn!(target: "basalt::store", %error, "the reserved space cannot be used");
        }
        if left == 0 {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Makes it `want` bytes long, or as long as there is space.
    fn lay(&self, len: u64, mut want: u64) {
        while want > len && want >= LITTLE {
            let lay = || {
                let file = File::options()
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .open(&self.path)?;
                let done = posix_fallocate(&file, 0, want.cast_signed());
                if done.is_err() {
                    // A part of it may have been taken.
                    file.set_len(len)?;
                }
                done.map_err(std::io::Error::from)
            };
            if lay().is_ok() {
                return;
            }
            want = len + (want - len) / 2;
            if want - len < LITTLE {
                break;
            }
        }
        if len == 0 {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The ballast while it is given up; taken back when this is dropped.
#[derive(Debug)]
pub(crate) struct Lent(Arc<Ballast>);

impl Drop for Lent {
    fn drop(&mut self) {
        *self.0.lent() -= 1;
        self.0.take_back_but(FOR_OTHERS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_given_up_piece_by_piece() {
        let dir = tempfile::tempdir().unwrap();
        let mut ballast = Ballast::of(dir.path(), 0);
        ballast.size = 1 << 20;
        assert_eq!((ballast.len(), ballast.missing()), (0, 1 << 20));
        ballast.take_back();
        assert_eq!((ballast.len(), ballast.missing()), (1 << 20, 0));
        ballast.give_up(1 << 18);
        assert_eq!(ballast.len(), 3 << 18);
        let ballast = Arc::new(ballast);
        let lent = ballast.lend();
        assert_eq!(ballast.len(), 0);
        ballast.take_back();
        assert_eq!(ballast.len(), 0, "it is still needed");
        drop(lent);
        assert_eq!(ballast.len(), 1 << 20);
        ballast.give_up(u64::MAX);
        assert!(!dir.path().join(NAME).exists());
    }
}
