//! `ipfs init`: a new repo, all of it or nothing.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::config::{self, Config, StartOptions};
use crate::identity::make_identity;
use crate::layout::{
    self, CONFIG_FILE, DATA_DIR, DATA_FORMAT, FORMAT_FILE, KEYSTORE_DIR, REPO_VERSION, RepoKind,
    SPEC, SPEC_FILE, UNFINISHED_FILE, VERSION_FILE,
};
use crate::lock::RepoLock;
use crate::{Error, KeyAlgorithm, Keystore, Repo, durable};

/// What a new repo is to be.
#[derive(Debug, Clone, Default)]
pub struct InitOptions {
    /// The algorithm of the node's key.
    pub algorithm: KeyAlgorithm,
    /// The key's size in bits, where the algorithm leaves a choice.
    pub bits: Option<u32>,
    /// Names of profiles, separated by commas.
    pub profiles: String,
    /// The text of a config to begin with, in place of the default one and a new key.
    pub config: Option<Vec<u8>>,
    /// Whether introductory texts are put into its store, by whoever fills that.
    pub texts: bool,
}

/// A repo in the making: everything is there but the config, without which it is none. The
/// caller puts its databases into [`NewRepo::data_dir`], then calls [`NewRepo::commit`]. Dropped
/// before, or after a crash, it leaves no repo, and the next `init` starts afresh.
#[derive(Debug)]
pub struct NewRepo {
    dir: PathBuf,
    config: Config,
    notes: Vec<String>,
    made_dir: bool,
    lock: Option<RepoLock>,
}

impl NewRepo {
    /// Prepares a repo in `dir`, whose parent must exist. What Kubo prints meanwhile is given to
    /// `say`, piece by piece with its newlines. Makes the key: call it on a blocking thread.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyInitialized`]; [`Error::KuboRepo`] where Kubo's data lies without a
    /// config; [`Error::Locked`]; whatever is wrong with the options.
    pub fn prepare(
        dir: &Path,
        options: &InitOptions,
        say: &mut dyn FnMut(&str),
    ) -> Result<Self, Error> {
        if dir.metadata().is_ok_and(|found| !found.is_dir()) {
            let not_a_directory = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(Error::io("mkdir", dir)(not_a_directory));
        }
        let base = base_config(options, say)?;
        say(&format!("initializing IPFS node at {}\n", dir.display()));
        let mut new = Self {
            made_dir: make_writable(dir)?,
            dir: dir.to_owned(),
            config: base.clone(),
            notes: Vec::new(),
            lock: None,
        };
        new.check_free()?;
        new.config = base.with_init_profiles(&options.profiles)?;
        new.config.check_start(&StartOptions::default())?;
        new.notes = notes(&options.profiles);
        new.lock = Some(RepoLock::acquire_as_configured(dir)?);
        // Another process may have been faster.
        new.check_free()?;
        new.write_files()?;
        Ok(new)
    }

    fn check_free(&self) -> Result<(), Error> {
        if self.dir.join(CONFIG_FILE).symlink_metadata().is_ok() {
            return Err(Error::AlreadyInitialized);
        }
        if let RepoKind::Kubo(found) = layout::detect(&self.dir) {
            return Err(Error::KuboRepo {
                path: self.dir.clone(),
                found,
            });
        }
        crate::imported::check_finished(&self.dir)?;
        let data = self.data_dir();
        if data.join(FORMAT_FILE).exists() && !data.join(UNFINISHED_FILE).exists() {
            return Err(Error::DataWithoutConfig(data));
        }
        Ok(())
    }

    fn write_files(&self) -> Result<(), Error> {
        let data = self.data_dir();
        if data.join(UNFINISHED_FILE).exists() {
            fs::remove_dir_all(&data).map_err(Error::io("remove", &data))?;
        }
        match DirBuilder::new().mode(0o700).create(&data) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::io("mkdir", &data)(e));
            }
            _ => {}
        }
        // The mark first: data without it and without a config would be taken for a loss.
        durable::write_in_place(&data.join(UNFINISHED_FILE), b"", 0o600)?;
        durable::sync_dir(&data)?;
        let format = format!("{DATA_FORMAT}\n");
        durable::write_in_place(&data.join(FORMAT_FILE), format.as_bytes(), 0o600)?;
        durable::write_in_place(&self.dir.join(SPEC_FILE), SPEC.as_bytes(), 0o600)?;
        let version = format!("{REPO_VERSION}\n");
        durable::write_in_place(&self.dir.join(VERSION_FILE), version.as_bytes(), 0o644)?;
        Keystore::open(&self.dir.join(KEYSTORE_DIR))?;
        durable::sync_dir(&self.dir)
    }

    /// The repo's directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The directory for databases, empty but for files of this crate.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join(DATA_DIR)
    }

    /// The config that the repo will have.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Lines to be said besides what Kubo says.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Makes it a repo: writes the config, the last piece. When this returns, it is durable.
    ///
    /// # Errors
    ///
    /// When a file cannot be written; there is no repo then.
    pub fn commit(mut self) -> Result<Repo, Error> {
        let data = self.data_dir();
        durable::sync_dir(&data)?;
        self.config.save(&self.dir.join(CONFIG_FILE))?;
        // From here on the repo is one; what is left of the mark does not count.
        durable::remove(&data.join(UNFINISHED_FILE))?;
        durable::sync_dir(&data)?;
        let lock = self.lock.take();
        let dir = std::mem::take(&mut self.dir);
        drop(self);
        match lock {
            Some(lock) => Repo::open_locked(&dir, None, lock),
            None => Repo::open(&dir, None),
        }
    }
}

impl Drop for NewRepo {
    fn drop(&mut self) {
        if self.dir.as_os_str().is_empty() {
            return;
        }
        if self.lock.is_some() && self.dir.join(CONFIG_FILE).symlink_metadata().is_err() {
            for file in [SPEC_FILE, VERSION_FILE] {
                let _ = fs::remove_file(self.dir.join(file));
            }
            // Only where it is empty: keys may have been put there beforehand.
            let _ = fs::remove_dir(self.dir.join(KEYSTORE_DIR));
            let _ = fs::remove_dir_all(self.data_dir());
        }
        self.lock = None;
        if self.made_dir {
            let _ = fs::remove_dir(&self.dir);
        }
    }
}

impl Repo {
    /// Makes a repo in `dir` without any database in it yet.
    ///
    /// # Errors
    ///
    /// As [`NewRepo::prepare`] and [`NewRepo::commit`].
    pub fn init(
        dir: &Path,
        options: &InitOptions,
        say: &mut dyn FnMut(&str),
    ) -> Result<Repo, Error> {
        NewRepo::prepare(dir, options, say)?.commit()
    }
}

fn base_config(options: &InitOptions, say: &mut dyn FnMut(&str)) -> Result<Config, Error> {
    if let Some(text) = &options.config {
        return Config::parse(text).map_err(|e| match e {
            Error::ConfigDecode(message) => Error::Setting(message),
            other => other,
        });
    }
    let key = make_identity(options.algorithm, options.bits, say)?;
    Ok(config::fresh(&key))
}

/// Makes sure that `dir` is there and can be written to. Tells whether it was made.
pub(crate) fn make_writable(dir: &Path) -> Result<bool, Error> {
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => {
            let source = io::Error::from(nix::errno::Errno::ENOTDIR);
            return Err(Error::io("open", &dir.join(CONFIG_FILE))(source));
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new()
                .mode(0o775)
                .create(dir)
                .map_err(Error::io("mkdir", dir))?;
            durable::sync_parent(dir)?;
            return Ok(true);
        }
        Err(e) => return Err(Error::io("stat", dir)(e)),
    }
    let probe = dir.join(format!(".writable-{}", std::process::id()));
    match fs::write(&probe, b"") {
        Ok(()) => {
            durable::remove(&probe)?;
            Ok(false)
        }
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            Err(Error::NotWritable(dir.to_owned()))
        }
        Err(e) => Err(Error::io("open", &probe)(e)),
    }
}

fn notes(profiles: &str) -> Vec<String> {
    profiles
        .split(',')
        .filter_map(config::profile)
        .filter(|p| p.init_only)
        .map(|p| {
            let name = p.name;
            format!(
                "profile {name} chooses a datastore of Kubo's: Basalt keeps its data in RocksDB"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests;
