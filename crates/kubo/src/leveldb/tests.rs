//! Databases written by hand, as the documents of leveldb's formats say, and read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use basalt_block::varint;

use super::checksum::masked;
use super::journal::tests::write as journal;
use super::{LevelDb, merge};

/// A write: key, and a value or a deletion.
type Write = (Vec<u8>, Option<Vec<u8>>);

fn slice(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(bytes.len() as u64, out);
    out.extend(bytes);
}

fn internal(key: &[u8], number: u64, value: bool) -> Vec<u8> {
    let mut internal = key.to_vec();
    internal.extend((number << 8 | u64::from(value)).to_le_bytes());
    internal
}

/// Appends a block and its trailer; returns its place.
fn put_block(file: &mut Vec<u8>, entries: &[(Vec<u8>, Vec<u8>)], snappy: bool) -> Vec<u8> {
    let mut block = Vec::new();
    let mut last: &[u8] = &[];
    for (n, (key, value)) in entries.iter().enumerate() {
        let common = key.iter().zip(last).take_while(|(a, b)| a == b).count();
        let shared = if n % 16 == 0 { 0 } else { common };
        varint::write(shared as u64, &mut block);
        varint::write((key.len() - shared) as u64, &mut block);
        varint::write(value.len() as u64, &mut block);
        block.extend(&key[shared..]);
        block.extend(value);
        last = key;
    }
    // One restart is as good as many for a reader that goes from the front.
    block.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    if snappy {
        block = snap::raw::Encoder::new().compress_vec(&block).unwrap();
    }
    let mut place = Vec::new();
    varint::write(file.len() as u64, &mut place);
    varint::write(block.len() as u64, &mut place);
    block.push(u8::from(snappy));
    file.extend(&block);
    file.extend(masked(&[&block]).to_le_bytes());
    place
}

fn table(rows: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut index = Vec::new();
    for (n, rows) in rows.chunks(5).enumerate() {
        let place = put_block(&mut file, rows, n % 2 == 0);
        index.push((rows.last().unwrap().0.clone(), place));
    }
    let mut footer = put_block(&mut file, &[], false);
    footer.extend(put_block(&mut file, &index, false));
    footer.resize(40, 0);
    file.extend(footer);
    file.extend(0xdb47_7524_8b80_fb57_u64.to_le_bytes());
    file
}

/// Writes a database of which each part of `parts` is one step older than the next: tables of
/// levels 2, 1, 0, 0, and then logs.
fn make(dir: &Path, parts: &[Vec<Write>]) {
    let levels = [2, 1, 0, 0];
    let mut edits = vec![{
        let mut edit = vec![1];
        slice(b"leveldb.BytewiseComparator", &mut edit);
        // Logs before the tenth are in tables.
        edit.extend([2, 10]);
        edit
    }];
    let mut number = 0;
    for (n, part) in parts.iter().enumerate() {
        let mut rows = Vec::new();
        let first = number;
        for (key, value) in part {
            number += 1;
            let value_bytes = value.clone().unwrap_or_default();
            rows.push((internal(key, number, value.is_some()), value_bytes));
        }
        let Some(level) = levels.get(n) else {
            let mut batch = (first + 1).to_le_bytes().to_vec();
            batch.extend((part.len() as u32).to_le_bytes());
            for (key, value) in part {
                batch.push(u8::from(value.is_some()));
                slice(key, &mut batch);
                if let Some(value) = value {
                    slice(value, &mut batch);
                }
            }
            fs::write(dir.join(format!("{:06}.log", 10 + n)), journal(&[batch])).unwrap();
            continue;
        };
        rows.sort_by(|a, b| merge::order(&a.0, &b.0));
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            let mut edit = vec![7, *level, n as u8 + 1];
            varint::write(1000, &mut edit);
            slice(&first.0, &mut edit);
            slice(&last.0, &mut edit);
            edits.push(edit);
            let extension = if n % 2 == 0 { "ldb" } else { "sst" };
            fs::write(dir.join(format!("{:06}.{extension}", n + 1)), table(&rows)).unwrap();
        }
    }
    // A table that came and went.
    let (mut come, mut gone) = (vec![7, 0, 99, 1], vec![6, 0, 99]);
    slice(&internal(b"a", 1, true), &mut come);
    slice(&internal(b"b", 1, true), &mut come);
    edits.push(come);
    edits.append(&mut vec![std::mem::take(&mut gone)]);
    fs::write(dir.join("MANIFEST-000007"), journal(&edits)).unwrap();
    fs::write(dir.join("CURRENT"), "MANIFEST-000007\n").unwrap();
    // Already in tables.
    fs::write(dir.join("000003.log"), "old").unwrap();
}

fn expected(parts: &[Vec<Write>]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut all = BTreeMap::new();
    for (key, value) in parts.iter().flatten() {
        match value {
            Some(value) => all.insert(key.clone(), value.clone()),
            None => all.remove(key),
        };
    }
    all
}

fn writes() -> impl Strategy<Value = Vec<Vec<Write>>> {
    let key = "/[ab]{0,2}/[a-c]{0,3}".prop_map(String::into_bytes);
    let value = prop::option::weighted(0.8, prop::collection::vec(any::<u8>(), 0..40));
    prop::collection::vec(prop::collection::vec((key, value), 0..40), 0..7)
}

proptest! {
    #[test]
    fn the_last_write_of_each_key_is_read(parts in writes(), prefix in "/?[ab]{0,2}/?") {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), &parts);
        let db = LevelDb::open(dir.path()).unwrap();
        let all = expected(&parts);
        let rows: Vec<_> = db.scan(prefix.as_bytes()).unwrap().map(Result::unwrap).collect();
        let wanted: Vec<_> = all
            .iter()
            .filter(|(key, _)| key.starts_with(prefix.as_bytes()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        prop_assert_eq!(rows, wanted);
        for (key, value) in all.iter().take(5) {
            prop_assert_eq!(db.get(key).unwrap(), Some(value.clone()));
        }
        prop_assert_eq!(db.get(b"/none").unwrap(), None);
    }

    #[test]
    fn damage_is_an_error_or_changes_nothing(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let dir = tempfile::tempdir().unwrap();
        let part: Vec<Write> = (0..30u8).map(|n| (vec![b'/', n], Some(vec![n; 20]))).collect();
        make(dir.path(), std::slice::from_ref(&part));
        let path = dir.path().join("000001.ldb");
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        fs::write(&path, &bytes).unwrap();
        let read: Result<Vec<_>, _> = LevelDb::open(dir.path()).unwrap().scan(b"").and_then(Iterator::collect);
        if let Ok(rows) = read {
            prop_assert_eq!(rows.len(), 30);
        }
    }
}

#[test]
fn a_torn_log_is_told_and_what_is_no_database_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(LevelDb::open(dir.path()).is_err());
    let part: Vec<Write> = vec![(b"/a".to_vec(), Some(b"1".to_vec()))];
    let empty = vec![Vec::new(); 4];
    make(dir.path(), &[empty, vec![part.clone(), part]].concat());
    let log = dir.path().join("000015.log");
    let mut bytes = fs::read(&log).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&log, bytes).unwrap();
    let db = LevelDb::open(dir.path()).unwrap();
    assert_eq!(db.get(b"/a").unwrap(), Some(b"1".to_vec()));
    assert!(db.torn()[0].contains("000015.log"), "{:?}", db.torn());
    fs::write(dir.path().join("CURRENT"), "../MANIFEST-000007").unwrap();
    assert!(LevelDb::open(dir.path()).is_err());
}

/// Puts a database of these records into `dir`, for the tests of what reads them.
pub(crate) fn database(dir: &Path, records: &[(&str, Vec<u8>)]) {
    let writes = records
        .iter()
        .map(|(key, value)| (key.as_bytes().to_vec(), Some(value.clone())));
    make(dir, &[writes.collect()]);
}
