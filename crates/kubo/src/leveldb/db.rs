//! A database: the manifest, its tables and its logs.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal::Records;
use super::manifest::{Edit, TableInfo, Version};
use super::merge::{self, Merge, Row, Source};
use super::varint::{take_bytes, take_slice};
use crate::{Error, Result};

const COMPARATOR: &[u8] = b"leveldb.BytewiseComparator";
/// Logs and manifests that are larger were not written by leveldb as Kubo sets it: it begins a new
/// log after some megabytes.
const MAX_LOG: u64 = 1 << 30;

/// A leveldb database as it was when it was opened. Cheap to clone.
#[derive(Clone)]
pub struct LevelDb {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    version: Version,
    /// What the logs hold, sorted.
    logged: Vec<Row>,
    /// What a crash or the disk has taken from the logs.
    torn: Vec<String>,
}

impl LevelDb {
    /// Opens the database in `dir`.
    ///
    /// # Errors
    /// It is none, or is damaged beyond the end of its logs, which a crash may tear.
    pub fn open(dir: &Path) -> Result<Self> {
        let version = read_version(dir)?;
        if version.comparator != COMPARATOR {
            return Err(Error::damaged(dir, "its keys are in an unknown order"));
        }
        let (logged, torn) = read_logs(dir, &version)?;
        Ok(Self {
            inner: Arc::new(Inner {
                dir: dir.to_owned(),
                version,
                logged,
                torn,
            }),
        })
    }

    /// What could not be read of its logs, for people.
    pub fn torn(&self) -> &[String] {
        &self.inner.torn
    }

    /// About how many bytes its files have.
    pub fn size(&self) -> u64 {
        let tables: u64 = self.inner.version.tables().map(|table| table.size).sum();
        let logged = self.inner.logged.iter().map(|(k, v)| k.len() + v.len());
        tables + logged.sum::<usize>() as u64
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// A file is damaged or cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.scan(key)?.next() {
            Some(Ok((found, value))) if found == key => Ok(Some(value)),
            Some(Err(error)) => Err(error),
            _ => Ok(None),
        }
    }

    /// The keys that begin with `prefix`, in order, with their values.
    ///
    /// # Errors
    /// A file is damaged or cannot be read.
    pub fn scan(&self, prefix: &[u8]) -> Result<Rows> {
        let overlaps = |table: &TableInfo| {
            let within = |key: &[u8]| merge::user_key(key).map(<[u8]>::to_vec);
            let below = within(&table.largest).is_some_and(|key| key.as_slice() < prefix);
            let above = within(&table.smallest)
                .is_some_and(|key| key.as_slice() > prefix && !key.starts_with(prefix));
            !below && !above
        };
        let first = self
            .inner
            .logged
            .partition_point(|(key, _)| merge::user_key(key).is_some_and(|key| key < prefix));
        let logged = self.inner.logged[first..]
            .iter()
            .take_while(|(key, _)| merge::user_key(key).is_some_and(|k| k.starts_with(prefix)));
        let mut logged: Vec<Row> = logged.cloned().collect();
        logged.reverse();
        let mut sources = vec![Source::Logged(logged)];
        for group in self.inner.version.groups() {
            let tables = group.into_iter().filter(overlaps);
            let mut paths: Vec<PathBuf> = tables
                .map(|table| table_path(&self.inner.dir, table.number))
                .collect();
            paths.reverse();
            sources.push(Source::Tables(paths, None));
        }
        Ok(Rows {
            merge: Some(Merge::new(prefix, sources)?),
            prefix: prefix.to_owned(),
        })
    }
}

/// Keys and values of a [`LevelDb`]. Ends after an error.
pub struct Rows {
    merge: Option<Merge>,
    prefix: Vec<u8>,
}

impl Iterator for Rows {
    type Item = Result<(Vec<u8>, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.merge.as_mut()?.next().transpose();
        match row {
            Some(Ok((key, value))) if key.starts_with(&self.prefix) => Some(Ok((key, value))),
            other => {
                self.merge = None;
                other.filter(Result::is_err)
            }
        }
    }
}

/// Newer versions of leveldb call tables `.ldb`, older ones `.sst`.
fn table_path(dir: &Path, number: u64) -> PathBuf {
    let path = dir.join(format!("{number:06}.ldb"));
    if path.exists() {
        return path;
    }
    dir.join(format!("{number:06}.sst"))
}

fn read_version(dir: &Path) -> Result<Version> {
    let current = dir.join("CURRENT");
    let name = read_limited(&current)?;
    let name = String::from_utf8_lossy(&name).trim().to_owned();
    if !name.starts_with("MANIFEST-") || name.contains('/') {
        return Err(Error::damaged(&current, "it names no manifest"));
    }
    let path = dir.join(name);
    let bytes = read_limited(&path)?;
    let mut version = Version::default();
    for record in Records::new(&bytes) {
        let record = record.map_err(|reason| Error::damaged(&path, reason))?;
        let edit = Edit::decode(&record);
        version.apply(edit.ok_or_else(|| Error::damaged(&path, "a record is not understood"))?);
    }
    Ok(version)
}

/// What the logs that are not in tables yet hold, sorted.
fn read_logs(dir: &Path, version: &Version) -> Result<(Vec<Row>, Vec<String>)> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let name = entry.map_err(Error::io(dir))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log"));
        numbers.extend(number.and_then(|n| n.parse::<u64>().ok()));
    }
    numbers.retain(|n| *n >= version.log || *n == version.previous_log);
    numbers.sort_unstable();
    let (mut rows, mut torn) = (Vec::new(), Vec::new());
    for number in numbers {
        let path = dir.join(format!("{number:06}.log"));
        let bytes = read_limited(&path)?;
        for record in Records::new(&bytes) {
            let read = record.and_then(|record| {
                batch(&record, &mut |number, key, value| {
                    let mut internal = key.to_vec();
                    internal.extend_from_slice(&number.to_le_bytes());
                    rows.push((internal, value.to_vec()));
                })
                .ok_or_else(|| "a record is not understood".to_owned())
            });
            if let Err(reason) = read {
                torn.push(format!("{}: {reason}", path.display()));
            }
        }
    }
    rows.sort_by(|(a, _), (b, _)| merge::order(a, b));
    Ok((rows, torn))
}

/// Takes a batch of writes apart: what goes behind a key to make it an internal one, key, value.
pub(super) fn batch(bytes: &[u8], each: &mut impl FnMut(u64, &[u8], &[u8])) -> Option<()> {
    let mut bytes = bytes;
    let bytes = &mut bytes;
    let first = u64::from_le_bytes(take_bytes(bytes, 8)?.try_into().ok()?);
    let count = u32::from_le_bytes(take_bytes(bytes, 4)?.try_into().ok()?);
    for n in 0..u64::from(count) {
        let (kind, rest) = bytes.split_first()?;
        *bytes = rest;
        let key = take_slice(bytes)?;
        let value = match kind {
            0 => &[],
            1 => take_slice(bytes)?,
            _ => return None,
        };
        each(first.wrapping_add(n) << 8 | u64::from(*kind), key, value);
    }
    Some(())
}

fn read_limited(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(Error::io(path))?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_LOG + 1).read_to_end(&mut bytes);
    if read.map_err(Error::io(path))? as u64 > MAX_LOG {
        return Err(Error::damaged(path, "it is far too large"));
    }
    Ok(bytes)
}
