//! Bytes on disk, asked of RocksDB now and then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::db::Db;

/// How old the answer may be, in milliseconds: it is asked for at each write that has a limit.
const FRESH: u64 = 500;

#[derive(Debug)]
pub(crate) struct Size {
    began: Instant,
    /// When the size was asked for, in milliseconds since `began` and one more; 0 is never.
    asked: AtomicU64,
    bytes: AtomicU64,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            asked: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }
}

impl Size {
    pub(crate) fn get(&self, db: &Db) -> u64 {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1;
        let asked = self.asked.load(Ordering::Relaxed);
        if asked == 0 || now - asked.min(now) > FRESH {
            self.asked.store(now, Ordering::Relaxed);
            self.bytes.store(bytes(db), Ordering::Relaxed);
        }
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Files, and what is in memory on its way into them.
fn bytes(db: &Db) -> u64 {
    db.sum("rocksdb.total-sst-files-size")
        + db.sum("rocksdb.total-blob-file-size")
        + db.sum("rocksdb.cur-size-all-mem-tables")
}
