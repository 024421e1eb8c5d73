//! A repo that is filled from one of Kubo's, over as many runs as it takes.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::init::make_writable;
use crate::layout::{
    self, CONFIG_FILE, DATA_DIR, DATA_FORMAT, FORMAT_FILE, IMPORTING_FILE, KEYSTORE_DIR,
    REPO_VERSION, RepoKind, SPEC, SPEC_FILE, SWARM_KEY_FILE, UNFINISHED_FILE, VERSION_FILE,
};
use crate::lock::RepoLock;
use crate::{Error, Keystore, PrivateKey, Repo, durable};

/// A swarm key larger than this is none.
const MAX_SWARM_KEY: u64 = 64 << 10;
const MAX_MARK: u64 = 64 << 10;

/// A repo that is being made from one of Kubo's: everything is there but the config, without which
/// it is none. Dropped, or after a crash, it stays as it is, and the next import of the same repo
/// goes on; nothing else opens it.
#[derive(Debug)]
pub struct ImportedRepo {
    dir: PathBuf,
    config: Config,
    keystore: Keystore,
    lock: RepoLock,
}

impl ImportedRepo {
    /// Begins, or goes on. `source` is the directory of Kubo's repo, `config` that of the new one.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyInitialized`] when there is a finished repo; [`Error::UnfinishedImport`]
    /// when the import of another repo is unfinished there; [`Error::KuboRepo`];
    /// [`Error::Locked`].
    pub fn prepare(dir: &Path, source: &Path, config: Config) -> Result<Self, Error> {
        let key = config.private_key()?;
        // Before anything is written: it may be a repo of Kubo's.
        if read_mark(dir)?.is_none() {
            check_free(dir, &dir.join(DATA_DIR), false)?;
        }
        make_writable(dir)?;
        let lock = RepoLock::acquire_as_configured(dir)?;
        let data = dir.join(DATA_DIR);
        let mark = mark(source, &key);
        match read_mark(dir)? {
            Some(found) if found == mark => {}
            Some(found) => return Err(unfinished(dir, &found)),
            None => check_free(dir, &data, true)?,
        }
        write_files(dir, &data, &mark)?;
        let keystore = Keystore::open(&dir.join(KEYSTORE_DIR))?;
        Ok(Self {
            dir: dir.to_owned(),
            config,
            keystore,
            lock,
        })
    }

    /// The directory for databases.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join(DATA_DIR)
    }

    /// The keys that it will have.
    pub fn keystore(&self) -> &Keystore {
        &self.keystore
    }

    /// Takes over the key of the private network, where the repo in `source` has one.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written.
    pub fn copy_swarm_key(&self, source: &Path) -> Result<bool, Error> {
        let path = source.join(SWARM_KEY_FILE);
        match durable::read_limited(&path, MAX_SWARM_KEY)? {
            None => Ok(false),
            Some(Ok(key)) => {
                durable::write(&self.dir.join(SWARM_KEY_FILE), &key, 0o600)?;
                Ok(true)
            }
            Some(Err(size)) => Err(Error::Setting(format!(
                "{} has {size} bytes, which is no swarm key",
                path.display()
            ))),
        }
    }

    /// Keeps the text of Kubo's config beside the new one, where they differ.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn keep_original_config(&self, text: &[u8], version: i64) -> Result<(), Error> {
        let name = format!("{CONFIG_FILE}-kubo-v{version}");
        durable::write(&self.dir.join(name), text, 0o600)
    }

    /// Takes away what was made so far.
    pub fn abandon(self) {
        let _ = fs::remove_dir_all(self.data_dir());
        for file in [SPEC_FILE, VERSION_FILE] {
            let _ = fs::remove_file(self.dir.join(file));
        }
        // Only where they are empty.
        let _ = fs::remove_dir(self.dir.join(KEYSTORE_DIR));
        let dir = self.dir.clone();
        drop(self);
        let _ = fs::remove_dir(dir);
    }

    /// Makes it a repo: writes the config, the last piece. When this returns, it is durable.
    ///
    /// # Errors
    ///
    /// When a file cannot be written; it is unfinished then.
    pub fn commit(self) -> Result<Repo, Error> {
        let data = self.data_dir();
        durable::sync_dir(&data)?;
        self.config.save(&self.dir.join(CONFIG_FILE))?;
        durable::remove(&data.join(IMPORTING_FILE))?;
        durable::sync_dir(&data)?;
        Repo::open_locked(&self.dir, None, self.lock)
    }
}

fn check_free(dir: &Path, data: &Path, clear: bool) -> Result<(), Error> {
    match layout::detect(dir) {
        RepoKind::Kubo(found) => Err(Error::KuboRepo {
            path: dir.to_owned(),
            found,
        }),
        RepoKind::Basalt => Err(Error::AlreadyInitialized),
        RepoKind::None if data.join(FORMAT_FILE).exists() => {
            if !data.join(UNFINISHED_FILE).exists() {
                return Err(Error::DataWithoutConfig(data.to_owned()));
            }
            if !clear {
                return Ok(());
            }
            // What an `init` left that was cut off.
            fs::remove_dir_all(data).map_err(Error::io("remove", data))
        }
        RepoKind::None => Ok(()),
    }
}

fn write_files(dir: &Path, data: &Path, mark: &str) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(data) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io("mkdir", data)(e));
        }
        _ => {}
    }
    // The mark first: data without it and without a config would be taken for a loss.
    durable::write(&data.join(IMPORTING_FILE), mark.as_bytes(), 0o600)?;
    let format = format!("{DATA_FORMAT}\n");
    durable::write_in_place(&data.join(FORMAT_FILE), format.as_bytes(), 0o600)?;
    durable::write_in_place(&dir.join(SPEC_FILE), SPEC.as_bytes(), 0o600)?;
    let version = format!("{REPO_VERSION}\n");
    durable::write_in_place(&dir.join(VERSION_FILE), version.as_bytes(), 0o644)?;
    durable::sync_dir(data)?;
    durable::sync_dir(dir)
}

/// What is being imported: the directory, a newline, and the peer whose repo it is.
fn mark(source: &Path, key: &PrivateKey) -> String {
    format!("{}\n{}\n", source.display(), key.peer_id())
}

fn read_mark(dir: &Path) -> Result<Option<String>, Error> {
    let path = dir.join(DATA_DIR).join(IMPORTING_FILE);
    let text = match durable::read_limited(&path, MAX_MARK)? {
        None => return Ok(None),
        Some(Ok(text)) => text,
        Some(Err(_)) => Vec::new(),
    };
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

fn unfinished(dir: &Path, mark: &str) -> Error {
    Error::UnfinishedImport {
        path: dir.to_owned(),
        source_repo: mark.lines().next().unwrap_or_default().to_owned(),
    }
}

/// Refuses a directory with an unfinished import in it.
pub(crate) fn check_finished(dir: &Path) -> Result<(), Error> {
    // With the config it is a repo; what is left of the mark does not count.
    if dir.join(CONFIG_FILE).symlink_metadata().is_ok() {
        return Ok(());
    }
    match read_mark(dir)? {
        Some(mark) => Err(unfinished(dir, &mark)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InitOptions, KeyAlgorithm, config};

    fn new_config() -> Config {
        config::fresh(&PrivateKey::generate(KeyAlgorithm::Ed25519, None).unwrap())
    }

    #[test]
    fn is_no_repo_before_it_is_finished_and_goes_on_after_a_crash() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("new");
        let source = Path::new("/kubo");
        let config = new_config();
        let import = ImportedRepo::prepare(&dir, source, config.clone()).unwrap();
        fs::write(import.data_dir().join("store"), "blocks").unwrap();
        drop(import);
        let error = Repo::open(&dir, None).unwrap_err().to_string();
        assert!(error.contains("ipfs repo import-kubo /kubo"), "{error}");
        let error = Repo::init(&dir, &InitOptions::default(), &mut |_| {}).unwrap_err();
        assert!(matches!(error, Error::UnfinishedImport { .. }), "{error}");
        for (other, config) in [(Path::new("/b"), config.clone()), (source, new_config())] {
            let error = ImportedRepo::prepare(&dir, other, config).unwrap_err();
            assert!(matches!(error, Error::UnfinishedImport { .. }), "{error}");
        }
        let import = ImportedRepo::prepare(&dir, source, config.clone()).unwrap();
        assert!(import.data_dir().join("store").exists());
        let repo = import.commit().unwrap();
        assert_eq!(*repo.config(), config);
        drop(repo);
        Repo::open(&dir, None).unwrap();
        let error = ImportedRepo::prepare(&dir, source, config).unwrap_err();
        assert!(matches!(error, Error::AlreadyInitialized), "{error}");
    }

    #[test]
    fn a_kubo_repo_is_never_the_target() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("blocks")).unwrap();
        let error = ImportedRepo::prepare(dir.path(), Path::new("/k"), new_config()).unwrap_err();
        assert!(matches!(error, Error::KuboRepo { .. }), "{error}");
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
