//! The blocks of a repository, in parts.

use std::fs::{self, ReadDir};
use std::path::{Path, PathBuf};

use basalt_block::Multihash;

use crate::flatfs::name_of_file;
use crate::leveldb::{LevelDb, Rows};
use crate::{Error, Flatfs, Result, block_hash};

/// Where the blocks are.
#[derive(Clone)]
pub enum Blocks {
    /// One file each.
    Flatfs(Flatfs),
    /// In leveldb, under keys that begin so.
    Level(LevelDb, Vec<u8>),
}

/// A part of the blocks, to be read by one thread.
#[derive(Clone)]
pub enum Part {
    /// A directory of flatfs.
    Dir(PathBuf),
    /// A whole leveldb.
    Level(LevelDb, Vec<u8>),
}

/// What is found in a part.
#[derive(Debug)]
pub enum Found {
    /// A block's file.
    File(Multihash, PathBuf),
    /// A block's bytes, and what they are called.
    Bytes(Multihash, Vec<u8>, String),
    /// A block that a running Kubo has.
    Remote(Multihash),
    /// Something whose name is no block's.
    Strange(String),
}

impl Blocks {
    /// The parts.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub fn parts(&self) -> Result<Vec<Part>> {
        Ok(match self {
            Self::Flatfs(flatfs) => flatfs.shards()?.into_iter().map(Part::Dir).collect(),
            Self::Level(db, prefix) => vec![Part::Level(db.clone(), prefix.clone())],
        })
    }

    /// About how many bytes the blocks have, when that is known without looking at each.
    pub fn noted_size(&self) -> Option<u64> {
        match self {
            Self::Flatfs(flatfs) => flatfs.noted_usage(),
            Self::Level(db, _) => Some(db.size()),
        }
    }
}

impl Part {
    /// What is in it, one after the other.
    ///
    /// # Errors
    /// The directory or a file of the database cannot be read.
    pub fn read(&self) -> Result<Reader> {
        Ok(match self {
            Self::Dir(dir) => Reader::Dir(dir.clone(), fs::read_dir(dir).map_err(Error::io(dir))?),
            Self::Level(db, prefix) => Reader::Level(db.scan(prefix)?, prefix.len()),
        })
    }

    /// How many bytes it has, by looking at each file.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn size(&self) -> Result<u64> {
        match self {
            Self::Dir(dir) => size_of(dir),
            Self::Level(db, _) => Ok(db.size()),
        }
    }
}

fn size_of(dir: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let entry = entry.map_err(Error::io(dir))?;
        size += entry.metadata().map_or(0, |m| m.len());
    }
    Ok(size)
}

/// What is in a [`Part`].
pub enum Reader {
    /// Of a directory.
    #[doc(hidden)]
    Dir(PathBuf, ReadDir),
    /// Of a leveldb.
    #[doc(hidden)]
    Level(Rows, usize),
}

impl Iterator for Reader {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Dir(dir, entries) => loop {
                let entry = match entries.next()? {
                    Ok(entry) => entry,
                    Err(error) => return Some(Err(Error::io(dir)(error))),
                };
                let file = entry.file_name();
                // Others than blocks are what Kubo was writing when it was stopped.
                let Some(name) = file.to_str().and_then(name_of_file) else {
                    continue;
                };
                return Some(Ok(match block_hash(name) {
                    Some(hash) => Found::File(hash, entry.path()),
                    None => Found::Strange(entry.path().display().to_string()),
                }));
            },
            Self::Level(rows, prefix) => Some(rows.next()?.map(|(key, value)| {
                let label = String::from_utf8_lossy(&key).into_owned();
                let name = std::str::from_utf8(&key[*prefix..]).ok();
                match name.and_then(block_hash) {
                    Some(hash) => Found::Bytes(hash, value, label),
                    None => Found::Strange(label),
                }
            })),
        }
    }
}
