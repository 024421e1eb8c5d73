//! Files that survive a power cut: written beside their place, synced, renamed, directory synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::Error;

/// Replaces the file at `path` by `contents`, with permissions `mode`, so that a reader and a
/// crash see either the old file or the new one. When this returns, the new one is durable.
pub(crate) fn write(path: &Path, contents: &[u8], mode: u32) -> Result<(), Error> {
    replace(path, contents, mode, true)?;
    sync_parent(path)
}

/// As [`write`] for a reader, but a power cut may bring the old file back.
pub(crate) fn write_volatile(path: &Path, contents: &[u8], mode: u32) -> Result<(), Error> {
    replace(path, contents, mode, false)
}

/// Writes a file in its place, synced; its name is durable once its directory is synced.
pub(crate) fn write_in_place(path: &Path, contents: &[u8], mode: u32) -> Result<(), Error> {
    write_new(path, contents, mode, true)
}

fn replace(path: &Path, contents: &[u8], mode: u32, sync: bool) -> Result<(), Error> {
    let temporary = beside(path);
    let written = write_new(&temporary, contents, mode, sync)
        .and_then(|()| fs::rename(&temporary, path).map_err(Error::io("rename", path)));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, contents: &[u8], mode: u32, sync: bool) -> Result<(), Error> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
        .map_err(Error::io("open", path))?;
    file.write_all(contents)
        .and_then(|()| if sync { file.sync_all() } else { Ok(()) })
        .map_err(Error::io("write", path))
}

/// A hidden name in the same directory, the same for every writer: what a crash leaves behind is
/// overwritten by the next write. Writers of a repo exclude one another by its lock.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

/// Makes the names in the directory that holds `path` durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_dir(Path::new(".")),
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// Makes the names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir)
        .and_then(|d| d.sync_all())
        .map_err(Error::io("sync", dir))
}

/// Removes a file; one that is not there is no error.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Reads a file of at most `limit` bytes. `Ok(Err(size))` when it is larger, `None` when absent.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Option<Result<Vec<u8>, u64>>, Error> {
    use io::Read as _;
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::io("open", path))?,
    };
    let size = file.metadata().map_err(Error::io("stat", path))?.len();
    if size > limit {
        return Ok(Some(Err(size)));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::io("read", path))?;
    let size = bytes.len() as u64;
    Ok(Some(if size > limit { Err(size) } else { Ok(bytes) }))
}
