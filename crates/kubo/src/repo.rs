//! A repository of Kubo's.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use basalt_block::Cid;
use serde_json::Value;

use crate::leveldb::LevelDb;
use crate::{
    Blocks, Error, Flatfs, Kind, Mount, Pin, Reference, Result, block_hash, decode_pin,
    decode_reference, mounts,
};

/// The oldest version that is read: that of go-ipfs 0.8, the first that kept pins in the datastore.
pub const OLDEST: i64 = 11;
/// The newest: that of Kubo 0.43.
pub const NEWEST: i64 = 18;

const MAX_CONFIG: u64 = 16 << 20;
const PINS: &str = "/pins/pin/";
const FILES_ROOT: &str = "/local/filesroot";
const IPNS: &str = "/ipns/";
const REFERENCES: &str = "/filestore/";
const BLOCKS: &str = "/blocks/";

/// A repository of Kubo's, opened for reading.
pub struct KuboRepo {
    dir: PathBuf,
    version: i64,
    config: Vec<u8>,
    mounts: Vec<Mount>,
}

impl KuboRepo {
    /// Looks at the repository in `dir`; opens no datastore yet.
    ///
    /// # Errors
    /// It is none of Kubo's, is of a version that is not read, or lacks a file.
    pub fn open(dir: &Path) -> Result<Self> {
        let missing = |what: &str| Error::NotKubo {
            path: dir.to_owned(),
            reason: format!("it has no file '{what}'"),
        };
        let read = |what: &str| read(&dir.join(what))?.ok_or_else(|| missing(what));
        let config = read("config")?;
        let version = String::from_utf8_lossy(&read("version")?).trim().to_owned();
        let version: i64 = version.parse().map_err(|_| Error::NotKubo {
            path: dir.to_owned(),
            reason: "its file 'version' holds no number".to_owned(),
        })?;
        if !(OLDEST..=NEWEST).contains(&version) {
            return Err(Error::Version {
                path: dir.to_owned(),
                version,
            });
        }
        let spec: Value = match self::read(&dir.join("datastore_spec"))? {
            Some(text) => json(&dir.join("datastore_spec"), &text)?,
            None => json(&dir.join("config"), &config)?["Datastore"]["Spec"].clone(),
        };
        if spec["type"] == "rocksdb" {
            return Err(Error::NotKubo {
                path: dir.to_owned(),
                reason: "it is a repo of Basalt's".to_owned(),
            });
        }
        let mounts = mounts(dir, &spec)?;
        Ok(Self {
            dir: dir.to_owned(),
            version,
            config,
            mounts,
        })
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Its version.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The text of its config.
    pub fn config(&self) -> &[u8] {
        &self.config
    }

    /// The directory of its keys.
    pub fn keystore(&self) -> PathBuf {
        self.dir.join("keystore")
    }

    /// The datastore that keeps `key`, and the rest of the key in it.
    fn mount<'a>(&self, key: &'a str) -> Option<(&Mount, &'a str)> {
        let below = |mount: &Mount| {
            let rest = key.strip_prefix(mount.at.trim_end_matches('/'))?;
            rest.starts_with('/').then_some(rest)
        };
        let found = self.mounts.iter().filter_map(|m| Some((m, below(m)?)));
        found.max_by_key(|(mount, _)| mount.at.len())
    }

    fn unreadable(&self, mount: &Mount, what: &'static str) -> Error {
        let kind = match &mount.kind {
            Kind::Flatfs => "flatfs",
            Kind::Level => "levelds",
            Kind::Other(name) => name,
        };
        Error::Datastore {
            path: self.dir.clone(),
            kind: kind.to_owned(),
            what,
        }
    }

    fn find<'a>(&self, key: &'a str, what: &'static str) -> Result<(&Mount, &'a str)> {
        self.mount(key).ok_or_else(|| Error::NotKubo {
            path: self.dir.clone(),
            reason: format!("its datastore specification has no place for {what}"),
        })
    }

    /// The blocks.
    ///
    /// # Errors
    /// Their datastore cannot be read.
    pub fn blocks(&self) -> Result<Blocks> {
        let what = "blocks";
        let (mount, prefix) = self.find(BLOCKS, what)?;
        match mount.kind {
            Kind::Flatfs => Ok(Blocks::Flatfs(Flatfs::open(&mount.path)?)),
            Kind::Level => {
                let db = LevelDb::open(&mount.path)?;
                Ok(Blocks::Level(db, prefix.as_bytes().to_vec()))
            }
            Kind::Other(_) => Err(self.unreadable(mount, what)),
        }
    }

    fn records<'a>(&self, key: &'a str, what: &'static str) -> Result<(LevelDb, &'a str)> {
        let (mount, key) = self.find(key, what)?;
        match mount.kind {
            Kind::Level => Ok((LevelDb::open(&mount.path)?, key)),
            _ => Err(self.unreadable(mount, what)),
        }
    }

    /// The pins.
    ///
    /// # Errors
    /// Their datastore cannot be read.
    pub fn pins(&self) -> Result<impl Iterator<Item = Result<Pin>> + use<>> {
        let (db, prefix) = self.records(PINS, "pins")?;
        Ok(db.scan(prefix.as_bytes())?.map(move |row| {
            let (key, value) = row?;
            let name = String::from_utf8_lossy(&key).into_owned();
            decode_pin(&value).map_err(|reason| Error::BadPin(name, reason))
        }))
    }

    /// The references of the filestore and urlstore: blocks that were added with `--nocopy`.
    ///
    /// # Errors
    /// Their datastore cannot be read.
    pub fn references(&self) -> Result<impl Iterator<Item = Result<Reference>> + use<>> {
        let (db, prefix) = self.records(REFERENCES, "references to files")?;
        let skip = prefix.len();
        Ok(db.scan(prefix.as_bytes())?.map(move |row| {
            let (key, value) = row?;
            let name = String::from_utf8_lossy(&key[skip..]).into_owned();
            let Some(hash) = block_hash(&name) else {
                let reason = "its name is no block's".to_owned();
                return Err(Error::BadReference(name, reason));
            };
            match decode_reference(&value) {
                Ok((path, offset, size)) => Ok(Reference {
                    hash,
                    path,
                    offset,
                    size,
                }),
                Err(reason) => Err(Error::BadReference(name, reason.to_owned())),
            }
        }))
    }

    /// The root of the files of `ipfs files`; `None` before they were first used.
    ///
    /// # Errors
    /// The datastore cannot be read, or what it holds is no CID.
    pub fn files_root(&self) -> Result<Option<Cid>> {
        let (db, key) = self.records(FILES_ROOT, "the root of the files")?;
        let Some(value) = db.get(key.as_bytes())? else {
            return Ok(None);
        };
        let cid = Cid::try_from(value.as_slice());
        let bad = |e| Error::damaged(&self.dir, format!("the record {FILES_ROOT}: {e}"));
        Ok(Some(cid.map_err(bad)?))
    }

    /// IPNS records that this node has published: the bytes of a peer ID, and the record.
    ///
    /// # Errors
    /// The datastore cannot be read.
    pub fn ipns_records(&self) -> Result<impl Iterator<Item = Result<(Vec<u8>, Vec<u8>)>> + use<>> {
        let (db, prefix) = self.records(IPNS, "IPNS records")?;
        let skip = prefix.len();
        let rows = db.scan(prefix.as_bytes())?;
        Ok(rows.filter_map(move |row| match row {
            Ok((key, value)) => {
                let name = std::str::from_utf8(&key[skip..]).ok()?;
                let peer = multibase::Base::Base32Upper.decode(name).ok()?;
                Some(Ok((peer, value)))
            }
            Err(error) => Some(Err(error)),
        }))
    }

    /// What a crash or the disk has taken from the logs of its databases.
    ///
    /// # Errors
    /// A datastore cannot be read.
    pub fn torn(&self) -> Result<Vec<String>> {
        let (db, _) = self.records(PINS, "pins")?;
        Ok(db.torn().to_vec())
    }
}

fn json(path: &Path, text: &[u8]) -> Result<Value> {
    serde_json::from_slice(text).map_err(|e| Error::damaged(path, e.to_string()))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::io(path))?,
    };
    let mut bytes = Vec::new();
    let read = file.take(MAX_CONFIG + 1).read_to_end(&mut bytes);
    if read.map_err(Error::io(path))? as u64 > MAX_CONFIG {
        return Err(Error::damaged(path, "it is far too large"));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests;
