//! Opening a store: fast, by one process, and never over something it does not understand.

use std::path::Path;
use std::sync::Arc;

use basalt_blockstore::{Error, Result};
use rocksdb::{DB, DBRecoveryMode, InfoLogger, LogLevel, WriteBatch, WriteOptions};

use crate::ballast::Ballast;
use crate::cf::{ALL, Cf};
use crate::codec::{self, Totals};
use crate::db::{Db, decode_meta};
use crate::{Options, current, error, mended, space};

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
    /// What damage was met.
    pub(crate) damage: Option<String>,
    /// Whether RocksDB refuses the files as they are, and only a part of them can be read.
    pub(crate) broken: bool,
}

pub(crate) fn open(options: &Options) -> Result<Opened> {
    let path = &options.path;
    mended::adopt(path)?;
    std::fs::create_dir_all(path)
        .map_err(|e| Error::Io(format!("cannot make {}: {e}", path.display())))?;
    match current::mend(path) {
        Ok(false) => {}
        Ok(true) => {
            tracing::warn!(target: "basalt::store", "the file CURRENT was damaged; it was written anew");
        }
        Err(e) => {
            return Err(Error::Io(format!(
                "cannot read {}/CURRENT: {e}",
                path.display()
            )));
        }
    }
    let fresh = !path.join("CURRENT").exists();
    if fresh {
        refuse_remains(path)?;
    } else {
        refuse_strange_families(path)?;
    }
    let ballast = Arc::new(Ballast::of(path, options.write_buffer() as u64));
    let scarce = space::scarce(path, &ballast);
    let direct = options.direct_io && space::can_write_directly(path);
    let logged = scarce.as_ref().map(|(_, logged)| *logged);
    let open = |how: How| how.open(options, direct, logged);
    // A torn end is what a crash leaves. Anything else that is wrong in the log is damage, behind
    // which nothing can be trusted; it must be told, and must not keep the rest from being served.
    let mut broken = false;
    let (db, damage) = match open(How::Usual) {
        Ok(db) => (db, None),
        Err(damage) if is_damage(&damage) => match open(How::UpToDamage) {
            Ok(db) => {
                // That a damaged table opened the second time does not mend it.
                broken = is_of_table(&damage);
                (db, Some(damage.into_string()))
            }
            Err(_) => match open(How::Broken) {
                Ok(db) => {
                    broken = true;
                    (db, Some(damage.into_string()))
                }
                Err(_) => return Err(opening(path, damage)),
            },
        },
        Err(other) => return Err(opening(path, other)),
    };
    let resting = scarce.is_some();
    drop(scarce);
    let db = Arc::new(Db::new(db, path, ballast, resting));
    let mut damage = damage;
    let (format, totals) = (db.get(Cf::Own, FORMAT), totals(&db));
    let totals = match (format, totals) {
        (Ok(row), Ok(totals)) => {
            check_format(&db, fresh, row.as_deref())?;
            totals
        }
        // It is our own rows that cannot be read; they can be made anew.
        (Err(lost), _) if is_damage(&lost) => {
            broken = true;
            damage.get_or_insert(lost.into_string());
            count(&db).0
        }
        (_, Err(Error::Damaged(lost))) => {
            broken = true;
            damage.get_or_insert(lost);
            count(&db).0
        }
        (Err(error), _) => return Err(error::store(error)),
        (_, Err(error)) => return Err(error),
    };
    if let Some(damage) = &damage {
        let what = if broken {
            "the store is damaged: only a part of it can be read; stop the daemon and run 'ipfs repo verify --drop' to rebuild it"
        } else {
            "the write-ahead log is damaged: the last writes may be lost"
        };
        tracing::error!(target: "basalt::store", damage, "{what}");
    }
    Ok(Opened {
        db,
        totals,
        damage,
        broken,
    })
}

/// What damage is put up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// A torn end of the log.
    Usual,
    /// The log ends where it is damaged.
    UpToDamage,
    /// As that, and tables that do not open count as unreadable. Nothing is compacted.
    Broken,
}

impl How {
    /// Opens the database. `logged` bytes of the log stay in it and in memory, for want of space to
    /// write them into files.
    fn open(
        self,
        options: &Options,
        direct: bool,
        logged: Option<u64>,
    ) -> Result<DB, rocksdb::Error> {
        let mode = match self {
            Self::Usual => DBRecoveryMode::TolerateCorruptedTailRecords,
            Self::UpToDamage | Self::Broken => DBRecoveryMode::PointInTime,
        };
        let base = if logged.is_some() {
            rocksdb::Options::default()
                .get_options_from_string("avoid_flush_during_recovery=true;allow_fallocate=false")?
        } else {
            rocksdb::Options::default()
        };
        let mut db = database(base, options, direct, mode);
        db.set_paranoid_checks(self != Self::Broken);
        let families = Cf::descriptors_with(options, |cf| {
            // A compaction would end at the damage again and again, or take the space with which
            // deletions are written.
            if self == Self::Broken || logged.is_some() {
                cf.set_disable_auto_compactions(true);
            }
            if let Some(logged) = logged {
                cf.set_write_buffer_size(options.write_buffer().max(2 * logged as usize));
            }
        });
        let db = DB::open_cf_descriptors(&db, &options.path, families)?;
        if logged.is_some() {
            let size = options.write_buffer().to_string();
            for cf in ALL.iter().filter_map(|cf| db.cf_handle(cf.name())) {
                db.set_options_cf(cf, &[("write_buffer_size", &size)])?;
            }
        }
        Ok(db)
    }
}

/// Opens every table of a store that is open and says what keeps one from it. Opening a store opens some of its
/// tables only; which ones they are may be others the next time.
pub(crate) fn unopenable(path: &Path) -> Option<String> {
    let mut options = Options::new(path);
    options.memory_budget = 0;
    let mode = DBRecoveryMode::PointInTime;
    let mut db = database(rocksdb::Options::default(), &options, false, mode);
    db.set_max_open_files(-1);
    let families = Cf::descriptors_with(&options, |_| {});
    let error = DB::open_cf_descriptors_read_only(&db, path, families, false).err()?;
    // The store goes on meanwhile, and may have put another table in the place of one.
    let gone = error.as_ref().contains("No such file");
    (is_of_table(&error) && !gone).then(|| error.into_string())
}

/// Whether it is damage of a table, not of the log.
fn is_of_table(error: &rocksdb::Error) -> bool {
    is_damage(error) && error.as_ref().contains(".sst")
}

fn is_damage(error: &rocksdb::Error) -> bool {
    matches!(error::store(error.clone()), Error::Damaged(_))
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

fn check_format(db: &Db, fresh: bool, row: Option<&[u8]>) -> Result<()> {
    let Some(row) = row else {
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
    match codec::decode_format(row) {
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

/// Counts the blocks as far as the index can be read, and says whether that was to its end.
fn count(db: &Arc<Db>) -> (Totals, bool) {
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
        tracing::error!(target: "basalt::store", %damage, "the index cannot be counted to its end");
        return (totals, false);
    }
    (totals, true)
}

/// Counts the blocks, after a write that could not know whether a block was there.
fn recount(db: &Arc<Db>) -> Result<Totals> {
    let (totals, whole) = count(db);
    if !whole {
        // Counted again at the next start.
        return Ok(totals);
    }
    let mut batch = WriteBatch::default();
    batch.put_cf(db.cf(Cf::Own), TOTALS, totals.encode());
    batch.delete_cf(db.cf(Cf::Own), RECOUNT);
    db.raw().write(batch).map_err(error::store)?;
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use basalt_block::{Block, Hasher, codec};
    use basalt_blockstore::{Batch, Blockstore, Datastore};

    use super::*;
    use crate::RocksStore;

    #[tokio::test]
    async fn no_table_with_a_damaged_filter_is_passed_by() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let store = RocksStore::open(Options::new(&path)).unwrap();
        for n in 0..20u8 {
            let block = Block::hash(1, codec::RAW, Hasher::SHA2_256, vec![n].into()).unwrap();
            store.put_many(vec![block]).await.unwrap();
            let mut batch = Batch::default();
            batch.put(format!("pins/{n}"), "a record");
            Datastore::write(&store, batch).await.unwrap();
            if n % 10 == 9 {
                store.db().flush().unwrap();
            }
        }
        assert_eq!(unopenable(&path), None);
        store.close().await;
        let mut tables = 0;
        for file in std::fs::read_dir(&path).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_none_or(|ending| ending != "sst") {
                continue;
            }
            let whole = std::fs::read(&file).unwrap();
            let found = (0..whole.len()).step_by(8).any(|at| {
                let mut harmed = whole.clone();
                harmed[at] ^= 0x10;
                std::fs::write(&file, harmed).unwrap();
                let told = unopenable(&path).unwrap_or_default();
                told.contains("block_type = Filter")
            });
            assert!(found, "{}", file.display());
            std::fs::write(&file, whole).unwrap();
            tables += 1;
        }
        assert!(tables >= 4, "{tables}");
    }
}
