//! Opening a store: fast, by one process, and never over something it does not understand.

use std::path::Path;
use std::sync::Arc;

use basalt_blockstore::{Error, Result};
use rocksdb::{DB, DBRecoveryMode, InfoLogger, LogLevel, WriteBatch, WriteOptions};

use crate::ballast::Ballast;
use crate::cf::{ALL, Cf};
use crate::codec::{self, Totals};
use crate::db::{Db, decode_meta};
use crate::{Options, error, space};

/// Row of the family `Own`: the format.
const FORMAT: &[u8] = b"format";
/// Row of the family `Own`: the totals.
pub(crate) const TOTALS: &[u8] = b"totals";
/// Row of the family `Own`: its presence says that the totals must be counted again.
pub(crate) const RECOUNT: &[u8] = b"recount";

/// An open database and what opening it found.
pub(crate) struct Opened {
    pub(crate) db: Arc<Db>,
    pub(crate) totals: Totals,
    /// What was lost by damage to the write-ahead log.
    pub(crate) damage: Option<String>,
}

pub(crate) fn open(options: &Options) -> Result<Opened> {
    let path = &options.path;
    std::fs::create_dir_all(path)
        .map_err(|e| Error::Io(format!("cannot make {}: {e}", path.display())))?;
    let fresh = !path.join("CURRENT").exists();
    if fresh {
        refuse_remains(path)?;
    } else {
        refuse_strange_families(path)?;
    }
    let ballast = Arc::new(Ballast::of(path, options.write_buffer() as u64));
    let scarce = space::scarce(path, &ballast);
    let direct = options.direct_io && space::can_write_directly(path);
    let open = |mode| {
        let base = if scarce.is_some() {
            without_room()
        } else {
            rocksdb::Options::default()
        };
        let db = database(base, options, direct, mode);
        if let Some((_, logged)) = &scarce {
            return open_without_room(&db, path, options, *logged);
        }
        DB::open_cf_descriptors(&db, path, Cf::descriptors(options))
    };
    // A torn end is what a crash leaves. Anything else that is wrong in the log is damage, behind
    // which nothing can be trusted; it must be told, and must not keep the rest from being served.
    let (db, damage) = match open(DBRecoveryMode::TolerateCorruptedTailRecords) {
        Ok(db) => (db, None),
        Err(damage) if damage.kind() == rocksdb::ErrorKind::Corruption => {
            match open(DBRecoveryMode::PointInTime) {
                Ok(db) => (db, Some(damage.into_string())),
                Err(_) => return Err(opening(path, damage)),
            }
        }
        Err(other) => return Err(opening(path, other)),
    };
    if let Some(damage) = &damage {
        tracing::error!(target: "basalt::store", damage, "the write-ahead log is damaged: the last writes may be lost");
    }
    let resting = scarce.is_some();
    drop(scarce);
    let db = Arc::new(Db::new(db, path, ballast, resting));
    check_format(&db, fresh)?;
    let totals = totals(&db)?;
    Ok(Opened { db, totals, damage })
}

/// Settings for a disk that has no room for what the log holds: it is kept in memory and in the
/// log, and no space is taken in advance.
fn without_room() -> rocksdb::Options {
    rocksdb::Options::default()
        .get_options_from_string("avoid_flush_during_recovery=true;allow_fallocate=false")
        .unwrap_or_default()
}

/// Opens with memtables that take in the whole log, and lets them have their size afterwards.
fn open_without_room(
    db: &rocksdb::Options,
    path: &Path,
    options: &Options,
    logged: u64,
) -> Result<DB, rocksdb::Error> {
    let families = Cf::descriptors_for_recovery(options, logged as usize);
    let db = DB::open_cf_descriptors(db, path, families)?;
    let size = options.write_buffer().to_string();
    for cf in ALL.iter().filter_map(|cf| db.cf_handle(cf.name())) {
        db.set_options_cf(cf, &[("write_buffer_size", &size)])?;
    }
    Ok(db)
}

fn database(
    mut db: rocksdb::Options,
    options: &Options,
    direct: bool,
    mode: DBRecoveryMode,
) -> rocksdb::Options {
    db.create_if_missing(true);
    db.create_missing_column_families(true);
    // All families reach the files as of one moment, so that what is there after a crash is a
    // beginning of what was written, whether it was logged or not.
    db.set_atomic_flush(true);
    db.set_wal_recovery_mode(mode);
    db.set_max_total_wal_size(options.max_log() as u64);
    db.set_use_direct_io_for_flush_and_compaction(direct);
    db.set_bytes_per_sync(if direct { 0 } else { 1 << 20 });
    db.set_max_background_jobs(3);
    // File handles hold memory, and opening all at the start takes time.
    db.set_max_open_files(512);
    db.set_skip_stats_update_on_db_open(true);
    db.set_stats_dump_period_sec(0);
    db.set_stats_persist_period_sec(0);
    db.set_max_manifest_file_size(16 << 20);
    db.set_manifest_preallocation_size(256 << 10);
    db.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Warn, log));
    db
}

fn log(level: LogLevel, message: &str) {
    let message = message.trim_end();
    match level {
        LogLevel::Error | LogLevel::Fatal => {
            tracing::error!(target: "basalt::store", "RocksDB: {message}");
        }
        LogLevel::Warn => tracing::warn!(target: "basalt::store", "RocksDB: {message}"),
        _ => tracing::debug!(target: "basalt::store", "RocksDB: {message}"),
    }
}

fn opening(path: &Path, error: rocksdb::Error) -> Error {
    let text = error.to_string();
    let dir = path.display();
    if text.contains("LOCK:") || text.contains("lock hold by current process") {
        return Error::Io(format!(
            "{dir} is in use by another process or handle; stop that one first"
        ));
    }
    match error::store(error) {
        Error::Damaged(text) => Error::Damaged(format!("cannot open {dir}: {text}")),
        Error::Io(text) => Error::Io(format!("cannot open {dir}: {text}")),
        Error::Full(text) => Error::Full(format!("cannot open {dir}: {text}")),
        other => other,
    }
}

/// A store without `CURRENT` would be taken for no store, and written over. What making a store
/// leaves when it is interrupted holds nothing yet.
fn refuse_remains(path: &Path) -> Result<()> {
    let entries = std::fs::read_dir(path)
        .map_err(|e| Error::Io(format!("cannot read {}: {e}", path.display())))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let logged = name.ends_with(".log") && entry.metadata().is_ok_and(|m| m.len() > 0);
        if name.ends_with(".sst") || name.ends_with(".blob") || logged {
            return Err(Error::Damaged(format!(
                "{} holds {name} but no CURRENT file",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Families of others mean a newer format; missing ones, a database that is not ours, unless it
/// is empty: then making it was interrupted.
fn refuse_strange_families(path: &Path) -> Result<()> {
    let options = rocksdb::Options::default();
    let families = DB::list_cf(&options, path).map_err(|e| opening(path, e))?;
    let known = |name: &str| ALL.iter().any(|cf| cf.name() == name);
    if let Some(name) = families.iter().find(|name| !known(name)) {
        return Err(newer(path, &format!("the column family '{name}'")));
    }
    if families.len() == ALL.len() {
        return Ok(());
    }
    let db = DB::open_for_read_only(&options, path, false).map_err(|e| opening(path, e))?;
    if db.latest_sequence_number() == 0 {
        return Ok(());
    }
    Err(not_ours(path))
}

fn not_ours(path: &Path) -> Error {
    Error::Damaged(format!(
        "{} is not a store of ours, or has lost its beginning",
        path.display()
    ))
}

fn check_format(db: &Db, fresh: bool) -> Result<()> {
    let Some(row) = db.get(Cf::Own, FORMAT).map_err(error::store)? else {
        // A crash may have come between the first file and this row; then nothing else is here.
        let empty = fresh || db.raw().latest_sequence_number() == 0;
        if !empty {
            return Err(not_ours(db.path()));
        }
        let mut durable = WriteOptions::default();
        durable.set_sync(true);
        let row = codec::encode_format(codec::FORMAT);
        return db
            .raw()
            .put_cf_opt(db.cf(Cf::Own), FORMAT, row, &durable)
            .map_err(error::store);
    };
    match codec::decode_format(&row) {
        Some(format) if format <= codec::FORMAT => Ok(()),
        Some(format) => Err(newer(db.path(), &format!("store format {format}"))),
        None => Err(Error::Damaged("the format row cannot be read".into())),
    }
}

fn newer(path: &Path, what: &str) -> Error {
    Error::Io(format!(
        "{} was written by a newer version: it has {what}, and this one knows format {}; use a newer version",
        path.display(),
        codec::FORMAT
    ))
}

fn totals(db: &Arc<Db>) -> Result<Totals> {
    if db.get(Cf::Own, RECOUNT).map_err(error::store)?.is_some() {
        return recount(db);
    }
    match db.get(Cf::Own, TOTALS).map_err(error::store)? {
        None => Ok(Totals::default()),
        Some(row) => match Totals::decode(&row) {
            Some(totals) => Ok(totals),
            None => recount(db),
        },
    }
}

/// Counts the blocks, after a write that could not know whether a block was there.
fn recount(db: &Arc<Db>) -> Result<Totals> {
    let mut totals = Totals::default();
    let snapshot = db.snapshot();
    let mut rows = snapshot.iter(Cf::Meta);
    rows.seek_to_first();
    while let Some((key, row)) = rows.item() {
        if let Ok(meta) = decode_meta(key, row) {
            totals.blocks += 1;
            totals.bytes += meta.size;
            totals.epoch = totals.epoch.max(meta.epoch);
        }
        rows.next();
    }
    if let Err(damage) = rows.status() {
        // Counted as far as can be read; counted again at the next start.
        tracing::error!(target: "basalt::store", %damage, "the index cannot be counted to its end");
        return Ok(totals);
    }
    let mut batch = WriteBatch::default();
    batch.put_cf(db.cf(Cf::Own), TOTALS, totals.encode());
    batch.delete_cf(db.cf(Cf::Own), RECOUNT);
    db.raw().write(batch).map_err(error::store)?;
    Ok(totals)
}
