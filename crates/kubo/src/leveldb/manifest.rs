//! The manifest: which tables make up the database, on which level.

use std::collections::BTreeMap;

use super::varint::{take, take_slice};

/// Levels that leveldb has.
pub(super) const LEVELS: u64 = 64;

/// A table in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableInfo {
    pub(super) number: u64,
    pub(super) size: u64,
    /// Internal keys.
    pub(super) smallest: Vec<u8>,
    pub(super) largest: Vec<u8>,
}

/// One record of the manifest.
#[derive(Debug, Default)]
pub(super) struct Edit {
    comparator: Option<Vec<u8>>,
    log: Option<u64>,
    previous_log: Option<u64>,
    removed: Vec<(u64, u64)>,
    added: Vec<(u64, TableInfo)>,
}

impl Edit {
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut edit = Self::default();
        let bytes = &mut bytes;
        while !bytes.is_empty() {
            match take(bytes)? {
                1 => edit.comparator = Some(take_slice(bytes)?.to_vec()),
                2 => edit.log = Some(take(bytes)?),
                9 => edit.previous_log = Some(take(bytes)?),
                // The next number of a file, and the last number of a write.
                3 | 4 => _ = take(bytes)?,
                5 => {
                    level(bytes)?;
                    take_slice(bytes)?;
                }
                6 => {
                    let level = level(bytes)?;
                    edit.removed.push((level, take(bytes)?));
                }
                7 => {
                    let level = level(bytes)?;
                    let table = TableInfo {
                        number: take(bytes)?,
                        size: take(bytes)?,
                        smallest: take_slice(bytes)?.to_vec(),
                        largest: take_slice(bytes)?.to_vec(),
                    };
                    edit.added.push((level, table));
                }
                _ => return None,
            }
        }
        Some(edit)
    }
}

fn level(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).filter(|level| *level < LEVELS)
}

/// The database as the manifest's records leave it.
#[derive(Debug, Default)]
pub(super) struct Version {
    pub(super) comparator: Vec<u8>,
    /// Logs with lower numbers are in tables already, but for `previous_log`.
    pub(super) log: u64,
    pub(super) previous_log: u64,
    tables: BTreeMap<(u64, u64), TableInfo>,
}

impl Version {
    pub(super) fn apply(&mut self, edit: Edit) {
        if let Some(name) = edit.comparator {
            self.comparator = name;
        }
        self.log = edit.log.unwrap_or(self.log);
        self.previous_log = edit.previous_log.unwrap_or(self.previous_log);
        for key in edit.removed {
            self.tables.remove(&key);
        }
        for (level, table) in edit.added {
            self.tables.insert((level, table.number), table);
        }
    }

    /// The tables in groups whose members do not overlap, sorted within: each table of level 0
    /// alone, the other levels as a whole.
    pub(super) fn groups(&self) -> Vec<Vec<TableInfo>> {
        let mut groups: Vec<Vec<TableInfo>> = Vec::new();
        let mut last = 0;
        for ((level, _), table) in &self.tables {
            if *level == 0 || *level != last {
                groups.push(Vec::new());
            }
            last = *level;
            if let Some(group) = groups.last_mut() {
                group.push(table.clone());
            }
        }
        for group in &mut groups {
            group.sort_by(|a, b| a.smallest.cmp(&b.smallest));
        }
        groups
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &TableInfo> {
        self.tables.values()
    }
}
