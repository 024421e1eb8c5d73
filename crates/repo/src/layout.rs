//! What lies where in a repo's directory, and whose repo it is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, durable};

/// The version of the repo's layout that this crate reads and writes: that of Kubo 0.43.
pub const REPO_VERSION: u32 = 18;

/// The version of the layout of Basalt's own data directory.
pub const DATA_FORMAT: u32 = 1;

pub(crate) const CONFIG_FILE: &str = "config";
pub(crate) const VERSION_FILE: &str = "version";
pub(crate) const SPEC_FILE: &str = "datastore_spec";
pub(crate) const LOCK_FILE: &str = "repo.lock";
pub(crate) const API_FILE: &str = "api";
pub(crate) const GATEWAY_FILE: &str = "gateway";
pub(crate) const KEYSTORE_DIR: &str = "keystore";
pub(crate) const SWARM_KEY_FILE: &str = "swarm.key";
pub(crate) const DATA_DIR: &str = "basalt";
pub(crate) const FORMAT_FILE: &str = "format";
/// In the data directory while `init` is at work; a crash leaves it.
pub(crate) const UNFINISHED_FILE: &str = "unfinished-init";
/// In the data directory while the import of a Kubo repo is at work or was cut off.
pub(crate) const IMPORTING_FILE: &str = "unfinished-import";
pub(crate) const SETTINGS_FILE: &str = "basalt.json";

/// In place of a Kubo datastore: a Kubo that is started on a Basalt repo reads it, finds that it
/// does not match the config's `Datastore.Spec`, and refuses without touching anything.
pub(crate) const SPEC: &str = r#"{"path":"basalt","type":"rocksdb"}"#;

/// Whose repo a directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepoKind {
    /// No repo.
    None,
    /// A repo of Basalt's.
    Basalt,
    /// A repo that Kubo made; the text tells by what it is known.
    Kubo(String),
}

/// Whose repo is in `dir`. Only looks.
///
/// Basalt's has its data directory with a format file in it; Kubo's has a config, or one of the
/// directories of its datastores.
pub fn detect(dir: &Path) -> RepoKind {
    let has = |name: &str| dir.join(name).exists();
    if dir.join(DATA_DIR).join(FORMAT_FILE).exists() {
        return if has(CONFIG_FILE) {
            RepoKind::Basalt
        } else {
            RepoKind::None
        };
    }
    let stores: Vec<&str> = [
        ("blocks", "flatfs blocks/"),
        ("datastore", "leveldb datastore/"),
        ("pebbleds", "pebble pebbleds/"),
        ("badgerds", "badger badgerds/"),
    ]
    .into_iter()
    .filter(|(name, _)| dir.join(name).is_dir())
    .map(|(_, what)| what)
    .collect();
    if stores.is_empty() && !has(CONFIG_FILE) {
        return RepoKind::None;
    }
    let version = fs::read_to_string(dir.join(VERSION_FILE)).unwrap_or_default();
    let version: String = version.trim().chars().take(16).collect();
    let mut found = match version.as_str() {
        "" => "no version file".to_owned(),
        version => format!("repo version {version}"),
    };
    if stores.is_empty() {
        found.push_str(", a config without data");
    }
    for store in stores {
        found.push_str(", ");
        found.push_str(store);
    }
    RepoKind::Kubo(found)
}

/// Checks the format of Basalt's data directory.
pub(crate) fn check_format(dir: &Path) -> Result<(), Error> {
    let data = dir.join(DATA_DIR);
    let path = data.join(FORMAT_FILE);
    let text = match durable::read_limited(&path, 64)? {
        Some(Ok(bytes)) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Some(Err(size)) => format!("of {size} bytes"),
        None => "none".to_owned(),
    };
    if text == DATA_FORMAT.to_string() {
        return Ok(());
    }
    Err(Error::DataFormat {
        path: data,
        found: text,
        expected: DATA_FORMAT,
    })
}

/// The repo's version, from its `version` file.
///
/// # Errors
///
/// [`Error::NoVersion`] without the file, [`Error::BadVersion`] when it is not a number.
pub fn read_version(dir: &Path) -> Result<i64, Error> {
    let path = dir.join(VERSION_FILE);
    let bytes = durable::read_limited(&path, 64)?
        .ok_or(Error::NoVersion)?
        .map_err(|_| Error::BadVersion)?;
    let text = String::from_utf8_lossy(&bytes);
    text.trim().parse().map_err(|_| Error::BadVersion)
}

/// Checks that the repo's version is [`REPO_VERSION`].
pub(crate) fn check_version(dir: &Path) -> Result<(), Error> {
    let theirs = read_version(dir)?;
    match theirs.cmp(&i64::from(REPO_VERSION)) {
        std::cmp::Ordering::Less => Err(Error::RepoTooOld),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::RepoTooNew {
            ours: REPO_VERSION,
            theirs,
        }),
    }
}

/// The config file of the repo in `dir`, or the one that was named on the command line: a bare
/// file name is meant within the repo, any other path as it stands.
pub fn config_path(dir: &Path, named: Option<&Path>) -> PathBuf {
    match named {
        None => dir.join(CONFIG_FILE),
        Some(named) if named.components().count() == 1 => dir.join(named),
        Some(named) => named.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_whose_repo_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        assert_eq!(detect(dir), RepoKind::None);
        assert_eq!(detect(&dir.join("absent")), RepoKind::None);
        fs::write(dir.join("swarm.key"), "").unwrap();
        assert_eq!(detect(dir), RepoKind::None);
        fs::create_dir(dir.join("blocks")).unwrap();
        fs::write(dir.join("version"), "18\n").unwrap();
        let kubo = RepoKind::Kubo("repo version 18, flatfs blocks/".to_owned());
        assert_eq!(detect(dir), kubo);
        fs::write(dir.join("config"), "{}").unwrap();
        assert_eq!(detect(dir), kubo);
        fs::create_dir(dir.join(DATA_DIR)).unwrap();
        assert_eq!(detect(dir), kubo);
        fs::write(dir.join(DATA_DIR).join(FORMAT_FILE), "1\n").unwrap();
        assert_eq!(detect(dir), RepoKind::Basalt);
    }

    #[test]
    fn versions() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        assert!(matches!(check_version(dir), Err(Error::NoVersion)));
        for (text, message) in [
            (
                "17",
                "ipfs repo needs migration, please run migration tool.\nSee https",
            ),
            (
                "19\n",
                "Your programs version (18) is lower than your repos (19).\nPlease",
            ),
            ("abc", "invalid data in repo version file"),
            ("", "invalid data in repo version file"),
        ] {
            fs::write(dir.join(VERSION_FILE), text).unwrap();
            let error = check_version(dir).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        fs::write(dir.join(VERSION_FILE), "18\n").unwrap();
        check_version(dir).unwrap();
    }

    #[test]
    fn config_files_by_name() {
        let dir = Path::new("/repo");
        assert_eq!(config_path(dir, None), Path::new("/repo/config"));
        let named = |p: &str| config_path(dir, Some(Path::new(p)));
        assert_eq!(named("other"), Path::new("/repo/other"));
        assert_eq!(named("./x/other"), Path::new("./x/other"));
        assert_eq!(named("/etc/ipfs"), Path::new("/etc/ipfs"));
    }
}
