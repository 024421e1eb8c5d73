//! An open repo.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::api_file::AddressFiles;
use crate::config::{Config, ProfileChange};
use crate::layout::{
    self, CONFIG_FILE, DATA_DIR, FORMAT_FILE, KEYSTORE_DIR, RepoKind, SWARM_KEY_FILE,
    UNFINISHED_FILE,
};
use crate::lock::RepoLock;
use crate::settings::Settings;
use crate::{Error, Keystore, durable};

/// A swarm key larger than this is none.
const MAX_SWARM_KEY: u64 = 64 * 1024;

/// A repo that this process has locked.
#[derive(Debug)]
pub struct Repo {
    dir: PathBuf,
    config_path: PathBuf,
    config: RwLock<Arc<Config>>,
    /// Held through each change of the config file.
    changing: Mutex<()>,
    keystore: Keystore,
    settings: Settings,
    /// The last to go.
    lock: Arc<RepoLock>,
}

impl Repo {
    /// Opens the repo in `dir` and locks it. `config_file` is another config file than the
    /// repo's: a bare name in the repo, or a path.
    ///
    /// # Errors
    ///
    /// [`Error::NoRepo`], [`Error::KuboRepo`] and the other errors about whose repo it is and of
    /// which version; [`Error::Locked`]; whatever is wrong with the config file.
    pub fn open(dir: &Path, config_file: Option<&Path>) -> Result<Self, Error> {
        check_ours(dir)?;
        let lock = RepoLock::acquire_as_configured(dir)?;
        Self::open_locked(dir, config_file, lock)
    }

    pub(crate) fn open_locked(
        dir: &Path,
        config_file: Option<&Path>,
        lock: RepoLock,
    ) -> Result<Self, Error> {
        layout::check_version(dir)?;
        layout::check_format(dir)?;
        let config_path = layout::config_path(dir, config_file);
        let config = Config::load(&config_path)?.at_home(dir);
        let settings = Settings::load(dir)?;
        let keystore = Keystore::open(&dir.join(KEYSTORE_DIR))?;
        Ok(Self {
            dir: dir.to_owned(),
            config_path,
            config: RwLock::new(Arc::new(config)),
            changing: Mutex::new(()),
            keystore,
            settings,
            lock: Arc::new(lock),
        })
    }

    /// The repo's directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The directory of Basalt's databases.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join(DATA_DIR)
    }

    /// The config file in use.
    pub fn config_path(&self) -> &Path {
        &self.config_path
    }

    /// The config as it was read or last changed through this repo. Cheap.
    pub fn config(&self) -> Arc<Config> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
    }

    /// The config as the file has it now: someone may have edited it.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn read_config(&self) -> Result<Config, Error> {
        Ok(Config::load(&self.config_path)?.at_home(&self.dir))
    }

    /// Reads the file, lets `change` make a new config and something to return of it, and saves
    /// the new one durably. Changes wait for one another.
    ///
    /// # Errors
    ///
    /// Those of `change` and of reading and writing; the file is as before then.
    pub fn change_config<T>(
        &self,
        change: impl FnOnce(Config) -> Result<(Config, T), Error>,
    ) -> Result<T, Error> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (config, out) = change(self.read_config()?)?;
        self.save(config)?;
        Ok(out)
    }

    fn save(&self, config: Config) -> Result<(), Error> {
        config.save(&self.config_path)?;
        let config = config.at_home(&self.dir);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        Ok(())
    }

    /// `ipfs config profile apply`: with `dry_run`, only tells. Otherwise the file before is kept
    /// in the repo as `config-pre-NAME-…`.
    ///
    /// # Errors
    ///
    /// As [`Config::with_profile`], and of reading and writing.
    pub fn apply_profile(&self, name: &str, dry_run: bool) -> Result<ProfileChange, Error> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let change = self.read_config()?.with_profile(name, dry_run)?;
        if !dry_run {
            self.backup_config(&format!("pre-{name}-"))?;
            self.save(change.config.clone())?;
        }
        Ok(change)
    }

    /// Copies the config file to a new file `config-PREFIX…` in the repo, and tells its path.
    ///
    /// # Errors
    ///
    /// When the one cannot be read or the other not written.
    pub fn backup_config(&self, prefix: &str) -> Result<PathBuf, Error> {
        let text = fs::read(&self.config_path).map_err(Error::io("open", &self.config_path))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut number = now.map_or(0, |d| d.subsec_nanos());
        loop {
            let path = self.dir.join(format!("{CONFIG_FILE}-{prefix}{number}"));
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match file {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    number = number.wrapping_add(1);
                }
                Err(e) => return Err(Error::io("open", &path)(e)),
                Ok(mut file) => {
                    file.write_all(&text)
                        .and_then(|()| file.sync_all())
                        .map_err(Error::io("write", &path))?;
                    durable::sync_dir(&self.dir)?;
                    return Ok(path);
                }
            }
        }
    }

    /// The keys of IPNS names.
    pub fn keystore(&self) -> &Keystore {
        &self.keystore
    }

    /// The settings that only Basalt has.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The key of the private network, in the text of its file; `None` for the public one.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read, or is absurdly large.
    pub fn swarm_key(&self) -> Result<Option<Vec<u8>>, Error> {
        let path = self.dir.join(SWARM_KEY_FILE);
        match durable::read_limited(&path, MAX_SWARM_KEY)? {
            None => Ok(None),
            Some(Ok(key)) => Ok(Some(key)),
            Some(Err(size)) => Err(Error::Setting(format!(
                "{} has {size} bytes, which is no swarm key",
                path.display()
            ))),
        }
    }

    /// Takes charge of the `api` and `gateway` files, for a daemon.
    ///
    /// # Errors
    ///
    /// When what a killed daemon left cannot be removed.
    pub fn address_files(&self) -> Result<AddressFiles, Error> {
        AddressFiles::new(&self.dir, Arc::clone(&self.lock))
    }
}

/// Checks that there is a repo of Basalt's in `dir`, without touching anything.
///
/// # Errors
///
/// [`Error::NoRepo`], [`Error::KuboRepo`], [`Error::UnfinishedImport`],
/// [`Error::DataWithoutConfig`].
pub fn check_ours(dir: &Path) -> Result<(), Error> {
    crate::imported::check_finished(dir)?;
    match layout::detect(dir) {
        RepoKind::Basalt => Ok(()),
        RepoKind::Kubo(found) => Err(Error::KuboRepo {
            path: dir.to_owned(),
            found,
        }),
        RepoKind::None => {
            let data = dir.join(DATA_DIR);
            if data.join(FORMAT_FILE).exists() && !data.join(UNFINISHED_FILE).exists() {
                return Err(Error::DataWithoutConfig(data));
            }
            Err(Error::NoRepo(dir.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InitOptions, config::SetAs};
    use serde_json::json;

    fn new_repo() -> (tempfile::TempDir, Repo) {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo::init(dir.path(), &InitOptions::default(), &mut |_| {}).unwrap();
        (dir, repo)
    }

    #[test]
    fn absent_repos_and_strange_versions() {
        let (dir, repo) = new_repo();
        let none = dir.path().join("none");
        let text = Repo::open(&none, None).unwrap_err().to_string();
        let path = none.display();
        assert_eq!(
            text,
            format!("no IPFS repo found in {path}.\nplease run: 'ipfs init'")
        );
        drop(repo);
        fs::write(dir.path().join("version"), "19").unwrap();
        assert!(matches!(
            Repo::open(dir.path(), None),
            Err(Error::RepoTooNew { .. })
        ));
        fs::write(dir.path().join("version"), "18").unwrap();
        fs::write(dir.path().join("basalt/format"), "2\n").unwrap();
        let text = Repo::open(dir.path(), None).unwrap_err().to_string();
        assert!(
            text.contains("has format 2; this version of Basalt reads format 1"),
            "{text}"
        );
        assert!(!dir.path().join("repo.lock").exists());
    }

    #[test]
    fn changes_are_on_disk_and_an_error_changes_nothing() {
        let (dir, repo) = new_repo();
        let before = fs::read(dir.path().join("config")).unwrap();
        let failed = repo.change_config(|mut c| {
            let value = c.set_text("Datastore.StorageGCWatermark", "x", SetAs::String)?;
            Ok((c, value))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(dir.path().join("config")).unwrap(), before);
        let value = repo
            .change_config(|mut c| {
                let value = c.set_text("Datastore.StorageMax", "1GB", SetAs::String)?;
                Ok((c, value))
            })
            .unwrap();
        assert_eq!(value, json!("1GB"));
        assert_eq!(
            repo.config().datastore().unwrap().storage_max,
            1_000_000_000
        );
        assert_eq!(repo.read_config().unwrap(), *repo.config());
        drop(repo);
        let repo = Repo::open(dir.path(), None).unwrap();
        assert_eq!(repo.config().string("Datastore.StorageMax"), Some("1GB"));
    }

    #[test]
    fn a_profile_leaves_a_backup() {
        let (dir, repo) = new_repo();
        let before = fs::read(dir.path().join("config")).unwrap();
        repo.apply_profile("test", true).unwrap();
        assert_eq!(fs::read(dir.path().join("config")).unwrap(), before);
        repo.apply_profile("test", false).unwrap();
        let backups: Vec<PathBuf> = fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.to_string_lossy().contains("/config-pre-test-"))
            .collect();
        assert_eq!(backups.len(), 1);
        assert_eq!(fs::read(&backups[0]).unwrap(), before);
        let api = repo.config().addresses().api;
        assert_eq!(api, ["/ip4/127.0.0.1/tcp/0"]);
    }

    #[test]
    fn another_config_file() {
        let (dir, repo) = new_repo();
        let other = dir.path().join("other");
        fs::copy(repo.config_path(), &other).unwrap();
        drop(repo);
        for name in [Path::new("other"), other.as_path()] {
            let repo = Repo::open(dir.path(), Some(name)).unwrap();
            assert_eq!(repo.config_path(), other);
        }
        fs::write(&other, "{").unwrap();
        let text = Repo::open(dir.path(), Some(&other))
            .unwrap_err()
            .to_string();
        assert_eq!(text, "failure to decode config: unexpected EOF");
    }
}
