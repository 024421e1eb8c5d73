//! What can be asked of a file system, as text.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use sha2::{Digest, Sha256};

/// The name of an error.
pub(crate) fn error(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => format!("{:?}", Errno::from_raw(code)),
        None => error.to_string(),
    }
}

/// `done`, or the name of the error.
pub(crate) fn done<T>(outcome: io::Result<T>) -> String {
    match outcome {
        Ok(_) => "done".to_owned(),
        Err(e) => error(&e),
    }
}

/// What lstat says, without what no two mounts share.
pub(crate) fn stat(path: &Path) -> String {
    match fs::symlink_metadata(path) {
        Ok(m) => format!(
            "mode {:o} size {} blocks {} blksize {} mtime {}.{} mine {}",
            m.mode(),
            m.size(),
            m.blocks(),
            m.blksize(),
            m.mtime(),
            m.mtime_nsec(),
            m.uid() == nix::unistd::getuid().as_raw(),
        ),
        Err(e) => error(&e),
    }
}

/// Whether the modification time is about now, never, or what else.
pub(crate) fn age(path: &Path) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs().cast_signed());
    match fs::symlink_metadata(path) {
        Ok(m) if m.mtime() == 0 => "never".to_owned(),
        Ok(m) if (now - m.mtime()).abs() < 60 => "now".to_owned(),
        Ok(m) => m.mtime().to_string(),
        Err(e) => error(&e),
    }
}

/// The entries of a directory by name, with their types.
pub(crate) fn list(path: &Path) -> String {
    let read = || -> io::Result<Vec<String>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let kind = match (kind.is_dir(), kind.is_symlink()) {
                (true, _) => "dir",
                (_, true) => "link",
                _ => "file",
            };
            all.push(format!("{} {kind}", entry.file_name().to_string_lossy()));
        }
        all.sort();
        Ok(all)
    };
    match read() {
        Ok(all) => all.join("\n"),
        Err(e) => error(&e),
    }
}

/// How long a file is, and a digest of it.
pub(crate) fn read(path: &Path) -> String {
    match fs::read(path) {
        Ok(bytes) => digest(&bytes),
        Err(e) => error(&e),
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hash: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("{} bytes {hash}", bytes.len())
}

/// The target of a link.
pub(crate) fn link(path: &Path) -> String {
    match fs::read_link(path) {
        Ok(target) => target.to_string_lossy().into_owned(),
        Err(e) => error(&e),
    }
}

fn text(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}

/// An extended attribute.
pub(crate) fn xattr(path: &Path, name: &str) -> String {
    xattr_within(path, name, 256)
}

/// An extended attribute, where there is room for so many bytes; none asks for the size.
pub(crate) fn xattr_within(path: &Path, name: &str, room: usize) -> String {
    let (path, name) = (text(path), CString::new(name).unwrap_or_default());
    let mut buffer = vec![0u8; room];
    // SAFETY: both names end in a zero byte, and the buffer is as long as is said.
    let len = unsafe {
        libc::lgetxattr(
            path.as_ptr(),
            name.as_ptr(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
        )
    };
    taken(len, &buffer)
}

/// The names of all extended attributes.
pub(crate) fn xattrs(path: &Path) -> String {
    let path = text(path);
    let mut buffer = vec![0u8; 1024];
    // SAFETY: the path ends in a zero byte, and the buffer is as long as is said.
    let len = unsafe { libc::llistxattr(path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    taken(len, &buffer)
}

/// Sets an extended attribute.
pub(crate) fn set_xattr(path: &Path, name: &str) -> String {
    let (path, name) = (text(path), CString::new(name).unwrap_or_default());
    // SAFETY: both names end in a zero byte; one byte is passed.
    let set = unsafe { libc::lsetxattr(path.as_ptr(), name.as_ptr(), [1u8].as_ptr().cast(), 1, 0) };
    match set {
        0 => "done".to_owned(),
        _ => error(&io::Error::last_os_error()),
    }
}

fn taken(len: isize, buffer: &[u8]) -> String {
    match usize::try_from(len) {
        Err(_) => error(&io::Error::last_os_error()),
        Ok(len) => match buffer.get(..len) {
            Some(bytes) if !buffer.is_empty() => String::from_utf8_lossy(bytes).replace('\0', " "),
            _ => format!("{len} bytes"),
        },
    }
}
