//! A reader of leveldb databases: <https://github.com/google/leveldb/blob/main/doc/impl.md>.
//!
//! It opens files for reading and nothing else, so that a database is the same afterwards, also one
//! that was not closed. Whatever is read is bounded by what the files hold.

mod block;
mod checksum;
mod db;
mod journal;
mod manifest;
mod merge;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod varint;

pub use db::{LevelDb, Rows};

/// Reads `bytes` as each kind of file; for fuzzing.
#[doc(hidden)]
pub fn try_all(bytes: &[u8]) {
    for record in journal::Records::new(bytes) {
        let Ok(record) = record else { break };
        let _ = manifest::Edit::decode(&record);
        let _ = db::batch(&record, &mut |_, _, _| {});
    }
    let _ = manifest::Edit::decode(bytes);
    let _ = db::batch(bytes, &mut |_, _, _| {});
    if let Ok(block) = block::Block::new(bytes.to_vec()) {
        let mut block = block;
        while let Ok(Some(_)) = block.next() {}
    }
    table::try_read(bytes);
}
