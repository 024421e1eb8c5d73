//! The `api` and `gateway` files: where a running daemon listens, for those who look for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::layout::{API_FILE, GATEWAY_FILE};
use crate::lock::RepoLock;
use crate::{Error, durable};

/// An `api` file of this size or more is not read.
const LIMIT: u64 = 2048;

/// The address in the repo's `api` file, a multiaddr; `None` when there is none, which is to say
/// that no daemon runs. A daemon that was killed leaves its file behind: whoever cannot connect
/// to the address goes on as if the file were not there.
///
/// # Errors
///
/// When the file is too large, does not hold an address, or cannot be read.
pub fn read_api_file(dir: &Path) -> Result<Option<String>, Error> {
    let path = dir.join(API_FILE);
    let bytes = match durable::read_limited(&path, LIMIT - 1)? {
        None => return Ok(None),
        Some(Err(_)) => return Err(Error::ApiFileTooLarge(path)),
        Some(Ok(bytes)) => bytes,
    };
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    if !text.starts_with('/') {
        return Err(Error::ApiFileInvalid(text));
    }
    Ok(Some(text))
}

/// A daemon's `api` and `gateway` files, removed when this is dropped. The repo stays locked as
/// long as this is there, so that it never removes the files of another daemon.
#[derive(Debug)]
pub struct AddressFiles {
    dir: PathBuf,
    _lock: Arc<RepoLock>,
}

impl AddressFiles {
    /// Takes charge of the files in `dir`, and removes what a killed daemon has left.
    ///
    /// # Errors
    ///
    /// When a stale file cannot be removed.
    pub(crate) fn new(dir: &Path, lock: Arc<RepoLock>) -> Result<Self, Error> {
        let files = Self {
            dir: dir.to_owned(),
            _lock: lock,
        };
        files.remove()?;
        Ok(files)
    }

    /// Writes the multiaddr of the RPC API into the `api` file, atomically and without a newline.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_api(&self, multiaddr: &str) -> Result<(), Error> {
        durable::write_volatile(&self.dir.join(API_FILE), multiaddr.as_bytes(), 0o644)
    }

    /// Writes the URL of the gateway (`http://127.0.0.1:8080`) into the `gateway` file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_gateway(&self, url: &str) -> Result<(), Error> {
        durable::write_volatile(&self.dir.join(GATEWAY_FILE), url.as_bytes(), 0o644)
    }

    /// Removes both files, where they are.
    ///
    /// # Errors
    ///
    /// When one cannot be removed.
    pub fn remove(&self) -> Result<(), Error> {
        durable::remove(&self.dir.join(API_FILE))?;
        durable::remove(&self.dir.join(GATEWAY_FILE))
    }
}

impl Drop for AddressFiles {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn written_read_and_gone() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        assert_eq!(read_api_file(dir).unwrap(), None);
        fs::write(dir.join("gateway"), "stale").unwrap();
        let lock = Arc::new(RepoLock::acquire(dir).unwrap());
        let files = AddressFiles::new(dir, lock).unwrap();
        assert!(!dir.join("gateway").exists());
        files.write_api("/ip4/127.0.0.1/tcp/5001").unwrap();
        files.write_gateway("http://127.0.0.1:8080").unwrap();
        let raw = fs::read_to_string(dir.join("api")).unwrap();
        assert_eq!(raw, "/ip4/127.0.0.1/tcp/5001");
        assert_eq!(read_api_file(dir).unwrap().as_deref(), Some(raw.as_str()));
        drop(files);
        assert_eq!(fs::read_dir(dir).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        fs::write(dir.join("api"), "bla\n").unwrap();
        let error = read_api_file(dir).unwrap_err().to_string();
        assert_eq!(
            error,
            "failed to parse multiaddr \"bla\": must begin with /"
        );
        fs::write(dir.join("api"), "/".repeat(2048)).unwrap();
        let error = read_api_file(dir).unwrap_err().to_string();
        assert!(error.starts_with("API file too large, must be <2048 bytes long: "));
    }
}
