//! What RocksDB's errors mean to a user of the store.

use basalt_block::Cid;
use basalt_blockstore::Error;
use rocksdb::ErrorKind;

/// An error of the store as a whole.
pub(crate) fn store(error: rocksdb::Error) -> Error {
    let kind = error.kind();
    let text = error.into_string();
    if is_full(&text) {
        return Error::Full(text);
    }
    match kind {
        ErrorKind::Corruption => Error::Damaged(text),
        ErrorKind::IOError if is_missing(&text) => Error::Damaged(text),
        ErrorKind::ShutdownInProgress => Error::Closed,
        _ => Error::Io(text),
    }
}

/// An error of reading one block's bytes.
pub(crate) fn block(cid: &Cid, error: rocksdb::Error) -> Error {
    match store(error) {
        Error::Damaged(reason) => corrupt(cid, reason),
        Error::Io(text) => Error::Io(format!("block {cid}: {text}")),
        other => other,
    }
}

pub(crate) fn corrupt(cid: &Cid, reason: impl Into<String>) -> Error {
    Error::Corrupt {
        cid: Box::new(*cid),
        reason: reason.into(),
    }
}

/// Whether a read that may not touch the disk found that it must.
pub(crate) fn needs_disk(error: &rocksdb::Error) -> bool {
    error.kind() == ErrorKind::Incomplete
}

fn is_full(text: &str) -> bool {
    text.contains("No space left") || text.contains("NoSpace") || text.contains("Disk quota")
}

fn is_missing(text: &str) -> bool {
    text.contains("No such file")
}
