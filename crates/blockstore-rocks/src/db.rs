//! The open database, with handles that own it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use basalt_blockstore::Result;
use rocksdb::{ColumnFamily, DB, DBPinnableSlice, DBRawIterator, ReadOptions, ReadTier, Snapshot};

use crate::ballast::Ballast;
use crate::cf::{ALL, Cf};
use crate::codec::{Key, Meta};
use crate::error;

/// RocksDB with the store's column families.
pub(crate) struct Db {
    inner: DB,
    path: PathBuf,
    ballast: Arc<Ballast>,
    /// Whether compactions wait for space.
    resting: AtomicBool,
    /// Whether files that were replaced may still be there.
    purge: AtomicBool,
    read: ReadOptions,
    read_cached: ReadOptions,
}

impl Db {
    pub(crate) fn new(inner: DB, path: &Path, ballast: Arc<Ballast>, resting: bool) -> Self {
        let read = || {
            let mut options = ReadOptions::default();
            options.set_verify_checksums(true);
            options
        };
        let mut read_cached = read();
        read_cached.set_read_tier(ReadTier::BlockCache);
        Self {
            inner,
            path: path.to_owned(),
            ballast,
            resting: AtomicBool::new(resting),
            purge: AtomicBool::new(false),
            read: read(),
            read_cached,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn ballast(&self) -> &Arc<Ballast> {
        &self.ballast
    }

    /// Lets compactions go on that had to wait for space when the database was opened.
    pub(crate) fn wake(&self) {
        if !self.resting.swap(false, Ordering::Relaxed) {
            return;
        }
        let options = [("disable_auto_compactions", "false")];
        for cf in ALL {
            if let Err(error) = self.inner.set_options_cf(self.cf(cf), &options) {
                tracing::warn!(target: "basalt::store", %error, "compactions are not begun again");
                self.resting.store(true, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn raw(&self) -> &DB {
        &self.inner
    }

    pub(crate) fn cf(&self, cf: Cf) -> &ColumnFamily {
        // Opening fails unless every family is there.
        self.inner
            .cf_handle(cf.name())
            .expect("the families were opened")
    }

    /// The value under `key`, from wherever it is.
    pub(crate) fn get(
        &self,
        cf: Cf,
        key: &[u8],
    ) -> Result<Option<DBPinnableSlice<'_>>, rocksdb::Error> {
        self.inner.get_pinned_cf_opt(self.cf(cf), key, &self.read)
    }

    /// As [`Db::get`], from memory only; [`error::needs_disk`] tells that it is not there.
    pub(crate) fn get_cached(
        &self,
        cf: Cf,
        key: &[u8],
    ) -> Result<Option<DBPinnableSlice<'_>>, rocksdb::Error> {
        self.inner
            .get_pinned_cf_opt(self.cf(cf), key, &self.read_cached)
    }

    pub(crate) fn get_many<'a, K: AsRef<[u8]> + 'a>(
        &self,
        cf: Cf,
        keys: impl IntoIterator<Item = &'a K>,
    ) -> Vec<Result<Option<DBPinnableSlice<'_>>, rocksdb::Error>> {
        self.inner
            .batched_multi_get_cf_opt(self.cf(cf), keys, false, &self.read)
    }

    pub(crate) fn metas(&self, keys: &[Key]) -> Result<Vec<Option<Meta>>> {
        let rows = self.get_many(Cf::Meta, keys);
        let decode = |(key, row): (&Key, Result<Option<DBPinnableSlice<'_>>, _>)| {
            row.map_err(error::store)?
                .map(|row| decode_meta(key.as_ref(), &row))
                .transpose()
        };
        keys.iter().zip(rows).map(decode).collect()
    }

    /// Flushes the memtables of all families as of one moment.
    pub(crate) fn flush(&self) -> Result<()> {
        let mut options = rocksdb::FlushOptions::default();
        options.set_wait(true);
        let families = ALL.map(|cf| self.cf(cf));
        self.inner
            .flush_cfs_opt(&families, &options)
            .map_err(error::store)
    }

    /// Removes the files that a compaction has replaced. RocksDB does so itself at the end of the
    /// compaction, but for those that a reader is in at that moment: it looks for them again only
    /// at the end of its next job, which may be never.
    pub(crate) fn purge(&self) {
        let purged = self.inner.disable_file_deletions();
        // Switching deletions on again looks for files that nothing refers to.
        if let Err(error) = purged.and_then(|()| self.inner.enable_file_deletions()) {
            tracing::warn!(target: "basalt::store", %error, "replaced files are not removed yet");
        }
        let versions = self.sum("rocksdb.num-live-versions");
        self.purge
            .store(versions > ALL.len() as u64, Ordering::Relaxed);
    }

    /// Purges again if readers were in replaced files the last time.
    pub(crate) fn purge_rest(&self) {
        if self.purge.load(Ordering::Relaxed) {
            self.purge();
        }
    }

    /// The sum of a property that every family has.
    pub(crate) fn sum(&self, property: &str) -> u64 {
        let of = |cf: Cf| self.inner.property_int_value_cf(self.cf(cf), property);
        ALL.into_iter().filter_map(|cf| of(cf).ok().flatten()).sum()
    }

    pub(crate) fn snapshot(self: &Arc<Self>) -> Snap {
        // SAFETY: the database is behind an `Arc` that the snapshot keeps, and never moves in it.
        let db: &'static DB = unsafe { std::mem::transmute::<&DB, &'static DB>(&self.inner) };
        Snap {
            snapshot: db.snapshot(),
            db: self.clone(),
        }
    }
}

pub(crate) fn decode_meta(key: &[u8], row: &[u8]) -> Result<Meta> {
    Meta::decode(row).ok_or_else(|| {
        let name = crate::codec::multihash(key).map_or_else(
            || format!("key {key:02x?}"),
            |hash| basalt_block::Cid::new_v1(basalt_block::codec::RAW, hash).to_string(),
        );
        basalt_blockstore::Error::Damaged(format!("the index row of {name} cannot be read"))
    })
}

/// The database as it was at one moment; keeps it open.
pub(crate) struct Snap {
    // Dropped before the database it is of.
    snapshot: Snapshot<'static>,
    db: Arc<Db>,
}

impl Snap {
    /// An iterator that does not push other rows out of the cache.
    pub(crate) fn iter(&self, cf: Cf) -> DBRawIterator<'_> {
        self.db
            .inner
            .raw_iterator_cf_opt(self.db.cf(cf), self.options())
    }

    pub(crate) fn get(
        &self,
        cf: Cf,
        key: &[u8],
    ) -> Result<Option<DBPinnableSlice<'_>>, rocksdb::Error> {
        self.db
            .inner
            .get_pinned_cf_opt(self.db.cf(cf), key, &self.options())
    }

    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_verify_checksums(true);
        options.fill_cache(false);
        options.set_snapshot(&self.snapshot);
        options
    }
}
