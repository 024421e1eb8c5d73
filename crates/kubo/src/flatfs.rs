//! flatfs: one file a block, in directories by a part of its name.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

const SHARDING: &str = "SHARDING";
const EXTENSION: &str = ".data";
const USAGE: &str = "diskUsage.cache";

/// A flatfs datastore.
#[derive(Debug, Clone)]
pub struct Flatfs {
    dir: PathBuf,
}

impl Flatfs {
    /// Opens the datastore in `dir`.
    ///
    /// # Errors
    /// The file that names its shard function is missing or names none that Kubo has.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(SHARDING);
        let text = read_small(&path)?.ok_or_else(|| Error::damaged(&path, "it is missing"))?;
        check_shard_function(&text).map_err(|reason| Error::damaged(&path, reason))?;
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// The directories of blocks, sorted. Where a block lies follows from its name, but nothing is
    /// looked up here: whatever the shard function is, all of them are read.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn shards(&self) -> Result<Vec<PathBuf>> {
        let mut shards = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(Error::io(&self.dir))? {
            let entry = entry.map_err(Error::io(&self.dir))?;
            let hidden = entry.file_name().as_encoded_bytes().first() == Some(&b'.');
            let is_dir = entry
                .file_type()
                .map_err(Error::io(&entry.path()))?
                .is_dir();
            if is_dir && !hidden {
                shards.push(entry.path());
            }
        }
        shards.sort();
        Ok(shards)
    }

    /// How many bytes the blocks take, as Kubo wrote it down when it was last closed; `None` when
    /// it did not, or only guessed.
    pub fn noted_usage(&self) -> Option<u64> {
        let text = read_small(&self.dir.join(USAGE)).ok()??;
        let noted: serde_json::Value = serde_json::from_str(&text).ok()?;
        let exact = noted["accuracy"].as_str()?.ends_with("exact");
        noted["diskUsage"].as_u64().filter(|_| exact)
    }
}

/// The name of the block in a file called `file`; `None` for temporary files and others that hold
/// no block.
pub(crate) fn name_of_file(file: &str) -> Option<&str> {
    file.strip_suffix(EXTENSION)
}

/// Checks the text of a `SHARDING` file: `/repo/flatfs/shard/v1/next-to-last/2`.
///
/// # Errors
/// What is wrong with it.
pub fn check_shard_function(text: &str) -> Result<(), String> {
    let text = text.trim();
    let function = text.strip_prefix("/repo/flatfs/shard/");
    let parts: Vec<&str> = function.unwrap_or_default().split('/').collect();
    match parts[..] {
        ["v1", "prefix" | "suffix" | "next-to-last", length]
            if length.parse().is_ok_and(|n: u16| n > 0) =>
        {
            Ok(())
        }
        _ => Err(format!("{text:?} is no shard function")),
    }
}

fn read_small(path: &Path) -> Result<Option<String>> {
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::io(path))?,
    };
    let mut text = Vec::new();
    file.take(4096)
        .read_to_end(&mut text)
        .map_err(Error::io(path))?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_functions() {
        for good in ["next-to-last/2", "prefix/5", "suffix/1"] {
            let text = format!("/repo/flatfs/shard/v1/{good}\n");
            assert_eq!(check_shard_function(&text), Ok(()));
        }
        for bad in [
            "",
            "v1/prefix/2",
            "/repo/flatfs/shard/v2/prefix/2",
            "/repo/flatfs/shard/v1/middle/2",
            "/repo/flatfs/shard/v1/prefix/x",
            "/repo/flatfs/shard/v1/prefix/2/3",
        ] {
            assert!(check_shard_function(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_missing_function_and_hidden_directories() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Flatfs::open(dir.path()).is_err());
        fs::write(dir.path().join(SHARDING), "/repo/flatfs/shard/v1/prefix/2").unwrap();
        let flatfs = Flatfs::open(dir.path()).unwrap();
        for name in ["BB", "AA", ".temp"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let shards = flatfs.shards().unwrap();
        assert_eq!(shards, [dir.path().join("AA"), dir.path().join("BB")]);
        assert_eq!(flatfs.noted_usage(), None);
        let note = r#"{"diskUsage":123,"accuracy":"initial-exact"}"#;
        fs::write(dir.path().join(USAGE), note).unwrap();
        assert_eq!(flatfs.noted_usage(), Some(123));
        fs::write(dir.path().join(USAGE), note.replace("exact", "timed-out")).unwrap();
        assert_eq!(flatfs.noted_usage(), None);
        assert_eq!(name_of_file("CIQ.data"), Some("CIQ"));
        assert_eq!(name_of_file("put-1234"), None);
    }
}
