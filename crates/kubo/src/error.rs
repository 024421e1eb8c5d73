use std::io;
use std::path::{Path, PathBuf};

/// Why a repository of Kubo's cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The directory holds no repository of Kubo's.
    #[error("{} is not a Kubo repo: {reason}", path.display())]
    NotKubo {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The repository is of a version that is not read.
    #[error(
        "the Kubo repo in {} has version {version}; versions {OLDEST} to {NEWEST} can be imported{}",
        path.display(),
        remedy(*version),
        OLDEST = crate::OLDEST,
        NEWEST = crate::NEWEST
    )]
    Version {
        /// The directory.
        path: PathBuf,
        /// Its version.
        version: i64,
    },
    /// The datastore is of a kind that is not read from its files.
    #[error(
        "{} keeps {what} in a {kind} datastore, whose files cannot be read here. Start Kubo on it and import through its RPC: IPFS_PATH={}-basalt ipfs repo import-kubo --from-api=/ip4/127.0.0.1/tcp/5001 {}",
        path.display(),
        path.display(),
        path.display()
    )]
    Datastore {
        /// The repository.
        path: PathBuf,
        /// The kind of datastore, as Kubo calls it.
        kind: String,
        /// What is in it.
        what: &'static str,
    },
    /// The record of a pin cannot be read: its name, and what is wrong with it.
    #[error("the pin {0}: {1}")]
    BadPin(String, String),
    /// The record of a reference to a file cannot be read: its name, and what is wrong with it.
    #[error("the reference {0}: {1}")]
    BadReference(String, String),
    /// The RPC of a running Kubo cannot be used.
    #[error("Kubo's RPC at {address}: {reason}")]
    Api {
        /// Where it is.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// A running Kubo answered with an error.
    #[error("Kubo says: {0}")]
    Refused(String),
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

fn remedy(version: i64) -> &'static str {
    if version < crate::OLDEST {
        ". Let Kubo migrate it first: ipfs repo migrate"
    } else {
        ". Use a newer Basalt"
    }
}
