//! Putting a file where another is, so that a crash leaves one of the two.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::{Error, Result};

/// Puts a copy of `from` in the place of the program at `to`, durably. The one that runs goes on.
///
/// # Errors
/// One of the files cannot be read or written; then `to` is as it was.
pub fn replace(to: &Path, from: &Path) -> Result<()> {
    let directory = to.parent().unwrap_or(Path::new("/"));
    let new = copied(from, directory, ".basalt-")?;
    new.persist(to)
        .map_err(|e| Error::file("replacing", to)(e.error))?;
    let sync = |directory: &Path| File::open(directory)?.sync_all();
    sync(directory).map_err(Error::file("syncing", directory))
}

/// Copies the program `from` into the folder for temporary files, where it stays, and says where.
///
/// # Errors
/// It cannot be read, or not be written there.
pub fn beside(from: &Path, version: &str) -> Result<std::path::PathBuf> {
    let directory = std::env::temp_dir();
    let copy = copied(from, &directory, &format!("ipfs-{version}-"))?;
    let (_, path) = copy
        .keep()
        .map_err(|e| Error::file("writing", &directory)(e.error))?;
    Ok(path)
}

/// A synced copy under a name of its own in `directory`, removed when dropped.
fn copied(from: &Path, directory: &Path, prefix: &str) -> Result<NamedTempFile> {
    let mut source = File::open(from).map_err(Error::file("opening", from))?;
    let mut copy = tempfile::Builder::new()
        .prefix(prefix)
        .tempfile_in(directory)
        .map_err(Error::file("writing into", directory))?;
    let written = io::copy(&mut source, copy.as_file_mut())
        .and_then(|_| fs::set_permissions(copy.path(), Permissions::from_mode(0o755)))
        .and_then(|()| copy.as_file().sync_all());
    written.map_err(Error::file("writing", copy.path()))?;
    Ok(copy)
}
