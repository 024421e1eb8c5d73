//! Gives the space of deleted blocks back, in slices after each of which the work can be given up.
//!
//! First the index: dropping deleted rows tells RocksDB which blob files hold no living block, and
//! those go at once. Then, if what is left of deleted blocks is worth it, the oldest blob files are
//! rewritten with their living blocks, a part at a time, so that the room needed meanwhile is
//! that of one part.

use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt_blockstore::Result;
use rocksdb::{BottommostLevelCompaction, CompactOptions};

use crate::cf::{ALL, Cf};
use crate::db::Db;
use crate::pool::Pool;
use crate::{Options, error, space};

/// Bytes of index files that one slice goes through.
const INDEX_SLICE: u64 = 256 << 20;
/// Bytes of blob files that one slice goes through, if the index is small beside them.
const BLOB_SLICE: u64 = 1 << 30;
/// Less than this is not worth rewriting anything, in bytes.
const LITTLE: u64 = 4 << 20;

pub(crate) async fn run(db: &Arc<Db>, pool: &Pool, options: &Options) -> Result<()> {
    // On a full disk the index cannot be compacted without it, and no file is given back.
    let _room = space::is_short(db.path()).then(|| db.ballast().lend());
    for cf in ALL {
        for slice in slices(db, cf)? {
            let began = Instant::now();
            let db = db.clone();
            let bytes = slice.bytes;
            let work = move || compact(&db, cf, slice, BottommostLevelCompaction::Skip);
            pool.run(work).await?;
            pause(options, bytes, began).await;
        }
    }
    for cf in [Cf::Nodes, Cf::Data] {
        collect(db, pool, cf, options).await?;
    }
    let db = db.clone();
    pool.run(move || db.purge()).await
}

/// A range of keys: `None` is open.
struct Slice {
    from: Option<Vec<u8>>,
    to: Option<Vec<u8>>,
    bytes: u64,
}

impl Slice {
    const ALL: Self = Self {
        from: None,
        to: None,
        bytes: 0,
    };
}

/// Cuts a family where its files end.
fn slices(db: &Db, cf: Cf) -> Result<Vec<Slice>> {
    let mut files = db.raw().live_files().map_err(error::store)?;
    files.retain(|file| file.column_family_name == cf.name());
    files.sort_by(|a, b| a.start_key.cmp(&b.start_key));
    let mut slices = vec![Slice::ALL];
    for file in files {
        if let Some(last) = slices.last_mut()
            && last.bytes > INDEX_SLICE
        {
            let cut = file.start_key;
            last.to.clone_from(&cut);
            slices.push(Slice {
                from: cut,
                ..Slice::ALL
            });
        }
        if let Some(last) = slices.last_mut() {
            last.bytes += file.size as u64;
        }
    }
    Ok(slices)
}

fn compact(db: &Db, cf: Cf, slice: Slice, bottom: BottommostLevelCompaction) {
    let mut options = CompactOptions::default();
    // Compactions that writers wait for go on meanwhile.
    options.set_exclusive_manual_compaction(false);
    options.set_bottommost_level_compaction(bottom);
    db.raw()
        .compact_range_cf_opt(db.cf(cf), slice.from, slice.to, &options);
}

async fn collect(db: &Arc<Db>, pool: &Pool, cf: Cf, options: &Options) -> Result<()> {
    let property = |name: &str| {
        let value = db.raw().property_int_value_cf(db.cf(cf), name);
        value.map(Option::unwrap_or_default).map_err(error::store)
    };
    let garbage = property("rocksdb.live-blob-file-garbage-size")?;
    let total = property("rocksdb.live-blob-file-size")?;
    if garbage <= LITTLE || garbage as f64 <= total as f64 * options.compact_threshold {
        return Ok(());
    }
    let collecting = Collecting { db: db.clone(), cf };
    // Each pass takes the oldest files; what it writes is the youngest.
    let mut old = property("rocksdb.num-blob-files")?;
    while old > 0 {
        let files = property("rocksdb.num-blob-files")?.max(1);
        let total = property("rocksdb.live-blob-file-size")?.max(1);
        let index = property("rocksdb.live-sst-files-size")?;
        // The index is written anew at each pass, and what is written lies beside what it
        // replaces until the pass is over.
        let slice = BLOB_SLICE.max(8 * index).min(space::free(db.path()) / 2);
        let taken = (slice as f64 / total as f64 * files as f64) as u64;
        let taken = taken.clamp(1, old.min(files));
        collecting.of_the_oldest(taken, files)?;
        let began = Instant::now();
        let db = db.clone();
        let work = move || compact(&db, cf, Slice::ALL, BottommostLevelCompaction::Force);
        pool.run(work).await?;
        pause(options, total / files * taken, began).await;
        old = old.saturating_sub(taken);
    }
    Ok(())
}

/// Sleeps for as long as the work was faster than allowed.
async fn pause(options: &Options, bytes: u64, began: Instant) {
    let Some(rate) = options.compact_rate.filter(|rate| *rate > 0) else {
        return;
    };
    let allowed = Duration::from_secs_f64(bytes as f64 / rate as f64);
    tokio::time::sleep(allowed.saturating_sub(began.elapsed())).await;
}

/// While it lives, compactions of the family rewrite its oldest blob files.
struct Collecting {
    db: Arc<Db>,
    cf: Cf,
}

impl Collecting {
    fn of_the_oldest(&self, taken: u64, files: u64) -> Result<()> {
        // RocksDB rounds the number of files down.
        let part = ((taken as f64 + 0.5) / files as f64).min(1.0);
        let part = format!("{part:.9}");
        let options = [
            ("enable_blob_garbage_collection", "true"),
            ("blob_garbage_collection_age_cutoff", part.as_str()),
        ];
        let set = self.db.raw().set_options_cf(self.db.cf(self.cf), &options);
        set.map_err(error::store)
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        let options = [("enable_blob_garbage_collection", "false")];
        if let Err(error) = self.db.raw().set_options_cf(self.db.cf(self.cf), &options) {
            tracing::warn!(target: "basalt::store", %error, "blob collection could not be switched off");
        }
    }
}
