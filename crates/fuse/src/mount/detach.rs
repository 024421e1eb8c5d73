//! Unmounting.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};

/// What unmounts for users who may not; the first that is there.
pub(crate) const HELPERS: [&str; 2] = ["fusermount3", "fusermount"];

/// Mounts of dead programs that may lie over one another.
const STALE: usize = 16;

/// The folder, without links, free of what a program left there that died.
pub(crate) fn free(point: &Path) -> io::Result<PathBuf> {
    for _ in 0..STALE {
        match fs::metadata(point) {
            Ok(found) if found.is_dir() => return fs::canonicalize(point),
            Ok(_) => return Err(io::Error::from_raw_os_error(Errno::ENOTDIR as i32)),
            Err(error) if is_stale(&error) => {
                tracing::info!(target: "basalt::fuse", point = %point.display(), "what a dead program had mounted is unmounted");
                detach(&std::path::absolute(point)?, true)?;
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(Errno::ENOTCONN as i32))
}

/// Whether nobody answers for a folder any more.
pub(crate) fn is_stale(error: &io::Error) -> bool {
    let gone = [Errno::ENOTCONN as i32, Errno::ECONNABORTED as i32];
    error
        .raw_os_error()
        .is_some_and(|code| gone.contains(&code))
}

/// Unmounts a folder; `lazily`, though it is in use.
pub(crate) fn detach(point: &Path, lazily: bool) -> io::Result<()> {
    let flags = match lazily {
        true => MntFlags::MNT_DETACH,
        false => MntFlags::empty(),
    };
    match umount2(point, flags | MntFlags::UMOUNT_NOFOLLOW) {
        Ok(()) => Ok(()),
        // Somebody else has done it.
        Err(Errno::EINVAL) => Ok(()),
        Err(Errno::EPERM) => by_helper(point, lazily),
        Err(error) => Err(error.into()),
    }
}

fn by_helper(point: &Path, lazily: bool) -> io::Result<()> {
    for helper in HELPERS {
        let mut command = Command::new(helper);
        command
            .arg(if lazily { "-uz" } else { "-u" })
            .arg("--")
            .arg(point);
        let done = command.stdin(Stdio::null()).output();
        match done {
            Ok(done) if done.status.success() => return Ok(()),
            Ok(done) => {
                let words = String::from_utf8_lossy(&done.stderr).trim().to_owned();
                return Err(match words.contains("busy") {
                    true => io::Error::from_raw_os_error(Errno::EBUSY as i32),
                    false => io::Error::other(words),
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(Errno::EPERM as i32))
}
