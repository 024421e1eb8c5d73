//! Where an import goes: a new repo, or one of the same node.

use std::path::{Path, PathBuf};

use basalt_kubo::KuboRepo;
use basalt_repo::{Config, Error as RepoError, ImportedRepo, Keystore, PrivateKey, Repo};

use crate::Result;

pub(super) enum Target {
    /// It becomes a repo at the end.
    New(Box<ImportedRepo>),
    /// It is one.
    Old(Box<Repo>),
}

impl Target {
    pub(super) fn open(dir: &Path, source: &Path, config: &Config) -> Result<Self> {
        match ImportedRepo::prepare(dir, source, config.clone()) {
            Ok(new) => Ok(Self::New(Box::new(new))),
            Err(RepoError::AlreadyInitialized) => {
                let repo = Repo::open(dir, None)?;
                let ours = config.private_key()?.peer_id();
                let theirs = repo.config().private_key()?.peer_id();
                if ours != theirs {
                    return Err(RepoError::OtherIdentity {
                        path: dir.to_owned(),
                        ours: ours.to_string(),
                        theirs: theirs.to_string(),
                    }
                    .into());
                }
                Ok(Self::Old(Box::new(repo)))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn is_old(&self) -> bool {
        matches!(self, Self::Old(_))
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        match self {
            Self::New(new) => new.data_dir(),
            Self::Old(repo) => repo.data_dir(),
        }
    }

    fn keystore(&self) -> &Keystore {
        match self {
            Self::New(new) => new.keystore(),
            Self::Old(repo) => repo.keystore(),
        }
    }

    /// Adds a key. `false` when there is another one of that name.
    pub(super) fn put_key(&self, name: &str, key: &PrivateKey) -> Result<bool> {
        match self.keystore().put(name, key) {
            Ok(()) => Ok(true),
            Err(RepoError::KeyExists) => Ok(self.keystore().get(name)?.peer_id() == key.peer_id()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes away what was made so far, where that is nothing yet.
    pub(super) fn abandon(self) {
        if let Self::New(new) = self {
            new.abandon();
        }
    }

    pub(super) fn commit(self, source: &KuboRepo, config: &Config) -> Result<()> {
        if let Self::New(new) = self {
            new.copy_swarm_key(source.path())?;
            if config.to_text().as_bytes() != source.config().trim_ascii_end() {
                new.keep_original_config(source.config(), source.version())?;
            }
            new.commit()?;
        }
        Ok(())
    }
}
