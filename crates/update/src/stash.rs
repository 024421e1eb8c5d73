//! Programs that were replaced.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, Result, Version, replace};

/// The folder in the repo that programs are kept in.
pub const STASH: &str = "old-bin";
/// What their names begin with.
const PREFIX: &str = "ipfs-";

/// The programs that were replaced, in a folder of the repo.
#[derive(Debug, Clone)]
pub struct Stash(PathBuf);

/// A program that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stashed {
    /// Its version.
    pub version: Version,
    /// The name of its file.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

impl Stash {
    /// The stash of the repo in `repo`, which need not be there.
    pub fn new(repo: &Path) -> Self {
        Self(repo.join(STASH))
    }

    /// Keeps a copy of the program at `program`, durably, and says where.
    ///
    /// # Errors
    /// It cannot be read, or not be written.
    pub fn add(&self, program: &Path, version: &str) -> Result<PathBuf> {
        fs::create_dir_all(&self.0).map_err(Error::file("creating stash directory", &self.0))?;
        let path = self.0.join(format!("{PREFIX}{version}"));
        replace(&path, program)?;
        Ok(path)
    }

    /// What is kept, the newest version first. Files that are called otherwise are somebody else's.
    /// `None` when the folder is not there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<Option<Vec<Stashed>>> {
        let entries = match fs::read_dir(&self.0) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries.map_err(Error::file("reading stash directory", &self.0))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::file("reading stash directory", &self.0))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.strip_prefix(PREFIX).map(Version::parse);
            let (Some(Ok(version)), Ok(meta)) = (version, entry.metadata()) else {
                continue;
            };
            if !meta.is_dir() {
                all.push(Stashed {
                    version,
                    name,
                    path: entry.path(),
                    size: meta.len(),
                });
            }
        }
        all.sort_by(|a, b| b.version.cmp(&a.version).then_with(|| a.name.cmp(&b.name)));
        Ok(Some(all))
    }

    /// The newest version that is kept.
    ///
    /// # Errors
    /// As [`Stash::list`]; [`Error::NothingStashed`].
    pub fn latest(&self) -> Result<Stashed> {
        let newest = self.list()?.into_iter().flatten().next();
        newest.ok_or_else(|| Error::NothingStashed(self.0.clone()))
    }
}

impl Stashed {
    /// Removes it.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn remove(&self) -> Result<()> {
        fs::remove_file(&self.path).map_err(Error::file("removing", &self.path))
    }
}
