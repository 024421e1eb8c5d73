use std::io;
use std::path::{Path, PathBuf};

use crate::SERVER_VARIABLE;

/// Why another version cannot be had, or put in place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody said where releases are.
    #[error(
        "no release server is known: set {SERVER_VARIABLE} to the URL of its releases (the form of the answers is that of GitHub's API)"
    )]
    NoServer,
    /// What is said to be a release server's URL is none.
    #[error("{SERVER_VARIABLE}: {0}")]
    BadServer(String),
    /// A text that is no version.
    #[error("malformed version: {0}")]
    Version(String),
    /// The server did not answer.
    #[error("{0}")]
    Http(#[from] basalt_http::Error),
    /// The server has stopped sending.
    #[error("{url}: nothing came for {seconds} seconds")]
    Stalled {
        /// What was read.
        url: String,
        /// For how long.
        seconds: u64,
    },
    /// The server answered something else.
    #[error("the release server returned HTTP {status} for {url}")]
    Status {
        /// The answer's status.
        status: u16,
        /// What was asked.
        url: String,
    },
    /// The server wants us to wait.
    #[error("release server: rate limit exceeded{0}")]
    RateLimit(&'static str),
    /// The list of releases cannot be read.
    #[error("decoding releases: {0}")]
    List(#[from] serde_json::Error),
    /// An asset that is not fetched from where the server says.
    #[error("{0} is not fetched: its URL is not one of https, as the release server's is")]
    Insecure(String),
    /// No release is for this platform.
    #[error("no release found with a binary for {0}")]
    NoRelease(String),
    /// There is no such release.
    #[error("release {tag} not found: {reason}")]
    NoSuchRelease {
        /// The tag.
        tag: String,
        /// Why.
        reason: Box<Error>,
    },
    /// There is one, for other platforms.
    #[error(
        "release {tag} exists but has no binary for {platform} yet; build artifacts may still be uploading, try again in a few hours"
    )]
    NoAsset {
        /// The tag.
        tag: String,
        /// The platform.
        platform: String,
    },
    /// Something is larger than it may be.
    #[error("{what} exceeds maximum size of {limit} bytes")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// How large it may be.
        limit: u64,
    },
    /// The file with the checksum has none.
    #[error("checksum verification failed: {0}")]
    NoChecksum(&'static str),
    /// The archive is not what it should be.
    #[error("checksum verification failed: SHA-512 mismatch: expected {expected}, got {got}")]
    Checksum {
        /// The sum that it should have.
        expected: String,
        /// The one that it has.
        got: String,
    },
    /// There is no program in the archive.
    #[error("extracting binary: {0}")]
    Archive(String),
    /// Nothing is kept that could be put back.
    #[error("no stashed binaries found in {}", .0.display())]
    NothingStashed(PathBuf),
    /// A file cannot be read or written.
    #[error("{doing} {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            doing,
            path,
            source,
        }
    }

    /// Whether it is that the user may not write there.
    pub fn is_permission(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}
