use std::io;
use std::path::PathBuf;

/// Why a folder could not be mounted or unmounted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder is not there, or is none, or may not be used.
    #[error("mounting {}: {why}", point.display())]
    Point {
        /// The folder.
        point: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There is no FUSE on this machine, or not for this user.
    #[error("mounting {}: FUSE is not available: {why}", point.display())]
    Unavailable {
        /// The folder.
        point: PathBuf,
        /// What is missing, and what helps.
        why: String,
    },
    /// The tree that was to be mounted cannot be had.
    #[error("mounting {}: {source}", point.display())]
    Tree {
        /// The folder.
        point: PathBuf,
        /// What is wrong with it.
        source: basalt::Error,
    },
    /// A folder that is to be mounted on is not named.
    #[error("{0} path cannot be empty")]
    NoPath(&'static str),
    /// A folder that is to be mounted on is not there.
    #[error("{setting} path ({quoted}) does not exist: stat {}: no such file or directory", point.display())]
    Absent {
        /// What names it.
        setting: &'static str,
        /// The path as Go quotes it.
        quoted: String,
        /// The folder.
        point: PathBuf,
    },
    /// A folder that is to be mounted on cannot be looked at.
    #[error("error while inspecting {setting} path ({quoted}): {source}")]
    Uninspected {
        /// What names it.
        setting: &'static str,
        /// The path as Go quotes it.
        quoted: String,
        /// Why.
        source: io::Error,
    },
    /// Something that is to be mounted on is no folder.
    #[error("{setting} path ({quoted}) is not a directory")]
    NoDirectory {
        /// What names it.
        setting: &'static str,
        /// The path as Go quotes it.
        quoted: String,
    },
    /// A folder could not be unmounted.
    #[error("unmounting {}: {why}", point.display())]
    Unmount {
        /// The folder.
        point: PathBuf,
        /// Why.
        why: String,
    },
    /// The work was cut off.
    #[error("mounting was cut off: {0}")]
    Task(#[from] tokio::task::JoinError),
}
