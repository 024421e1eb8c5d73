//! The repo's lock: one process at a time.
//!
//! It is the record lock that Kubo takes, on the same file, so that a Kubo and a Basalt exclude
//! one another. The system drops it with the process, however that ends.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::layout::LOCK_FILE;
use crate::{Error, GoDuration};

/// How long to wait for the lock: a duration in Go's notation, zero or less for ever.
pub const WAIT_LOCK_VARIABLE: &str = "IPFS_WAIT_REPO_LOCK";

const RETRY: Duration = Duration::from_millis(100);

/// Locks of this process. A record lock does not exclude its own process, and closing any other
/// descriptor of the file would drop it; so nobody here opens a lock file that is in this set.
static HELD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A process that holds a repo's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process's ID; 0 when it lives in another PID namespace.
    pub pid: i32,
    /// Its command line, where it can be read.
    pub command: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, &self.command) {
            (..=0, _) => f.write_str("held by a process outside this container"),
            (pid, Some(command)) => write!(f, "held by process {pid}: {command}"),
            (pid, None) => write!(f, "held by process {pid}"),
        }
    }
}

/// The lock of a repo, released when dropped.
#[derive(Debug)]
pub struct RepoLock {
    path: PathBuf,
    file: Option<File>,
}

impl RepoLock {
    /// Takes the lock of the repo in `dir`, at once or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process has it, [`Error::LockedByUs`] when this one has.
    pub fn acquire(dir: &Path) -> Result<Self, Error> {
        let path = fs::canonicalize(dir)
            .map_err(Error::io("open", dir))?
            .join(LOCK_FILE);
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains(&path) {
            return Err(Error::LockedByUs(path));
        }
        let file = take(&path)?;
        held.insert(path.clone());
        Ok(Self {
            path,
            file: Some(file),
        })
    }

    /// Takes the lock, waiting while another process has it: at most `limit`, or for ever.
    ///
    /// # Errors
    ///
    /// As [`RepoLock::acquire`], once the time is over.
    pub fn wait(dir: &Path, limit: Option<Duration>) -> Result<Self, Error> {
        let began = Instant::now();
        let mut said = false;
        loop {
            match Self::acquire(dir) {
                Err(error @ Error::Locked { .. }) if limit.is_none_or(|l| began.elapsed() < l) => {
                    if !std::mem::replace(&mut said, true) {
                        tracing::warn!(target: "basalt::repo", "{error}; waiting for it");
                    }
                    std::thread::sleep(RETRY);
                }
                other => return other,
            }
        }
    }

    /// Takes the lock as the environment variable [`WAIT_LOCK_VARIABLE`] asks; without it, or
    /// with a value that is no duration, at once or not at all.
    ///
    /// # Errors
    ///
    /// As [`RepoLock::acquire`].
    pub fn acquire_as_configured(dir: &Path) -> Result<Self, Error> {
        let Ok(wait) = std::env::var(WAIT_LOCK_VARIABLE) else {
            return Self::acquire(dir);
        };
        match wait.parse::<GoDuration>() {
            Ok(limit) if limit.as_nanos() > 0 => Self::wait(dir, limit.to_std()),
            Ok(_) => Self::wait(dir, None),
            Err(error) => {
                if !wait.is_empty() {
                    let name = WAIT_LOCK_VARIABLE;
                    tracing::error!(target: "basalt::repo", "not waiting for the repo's lock: {name}: {error}");
                }
                Self::acquire(dir)
            }
        }
    }

    /// Who holds the lock of the repo in `dir`, if anyone but this process does.
    ///
    /// # Errors
    ///
    /// When the lock file is there and cannot be opened.
    pub fn holder(dir: &Path) -> Result<Option<Holder>, Error> {
        let Ok(dir) = fs::canonicalize(dir) else {
            return Ok(None);
        };
        let path = dir.join(LOCK_FILE);
        let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains(&path) || !path.exists() {
            return Ok(None);
        }
        // Only read: it may be the lock of a repo that is not to be touched.
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        Ok(holder_of(&file))
    }
}

impl Drop for RepoLock {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        // As Kubo does, and before the lock is let go: whoever takes it next makes a new file.
        let _ = fs::remove_file(&self.path);
        drop(self.file.take());
        held.remove(&self.path);
    }
}

fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::io("lock", path))
}

/// Locks the file that is at `path` when the lock is had: the one opened may have been removed by
/// its last holder in between.
fn take(path: &Path) -> Result<File, Error> {
    loop {
        let file = open(path)?;
        let ours = file.metadata().map_err(Error::io("lock", path))?;
        if ours.len() > 0 {
            return Err(Error::LockFileNotEmpty(path.to_owned()));
        }
        match fcntl(&file, FcntlArg::F_SETLK(&whole_file(libc::F_WRLCK))) {
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EACCES) => {
                return Err(Error::Locked {
                    path: path.to_owned(),
                    holder: holder_of(&file),
                });
            }
            Err(e) => return Err(Error::io("lock", path)(e.into())),
        }
        let same = fs::metadata(path).is_ok_and(|m| (m.dev(), m.ino()) == (ours.dev(), ours.ino()));
        if same {
            return Ok(file);
        }
    }
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

fn holder_of(file: &File) -> Option<Holder> {
    debug_assert!(file.as_raw_fd() >= 0);
    let mut lock = whole_file(libc::F_WRLCK);
    fcntl(file, FcntlArg::F_GETLK(&mut lock)).ok()?;
    if lock.l_type == libc::F_UNLCK as libc::c_short {
        return None;
    }
    Some(Holder {
        pid: lock.l_pid,
        command: command_of(lock.l_pid),
    })
}

fn command_of(pid: i32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words: Vec<String> = line
        .split(|b| *b == 0)
        .filter(|w| !w.is_empty())
        .map(|w| String::from_utf8_lossy(w).into_owned())
        .collect();
    let line: String = words.join(" ").chars().take(200).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::process::{Command, Stdio};

    const ROLE: &str = "BASALT_TEST_LOCK_DIR";

    /// Not a test of its own: run by the one below in a process of its own, it holds the lock.
    #[test]
    fn held_by_a_child() {
        let Ok(dir) = std::env::var(ROLE) else { return };
        let _lock = RepoLock::acquire(Path::new(&dir)).unwrap();
        println!("locked");
        std::thread::sleep(Duration::from_secs(60));
    }

    #[test]
    fn another_process_is_named_and_its_death_frees_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["lock::tests::held_by_a_child", "--exact", "--nocapture"])
            .env(ROLE, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut seen = String::new();
        while !seen.contains("locked") {
            let mut byte = [0];
            assert_eq!(out.read(&mut byte).unwrap(), 1, "the child ended: {seen}");
            seen.push(byte[0] as char);
        }

        let error = RepoLock::acquire(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("repo.lock: someone else has the lock"),
            "{error}"
        );
        assert!(error.contains(&child.id().to_string()), "{error}");
        assert!(error.contains("held_by_a_child"), "{error}");
        let holder = RepoLock::holder(dir.path()).unwrap().unwrap();
        assert_eq!(holder.pid as u32, child.id());

        let began = Instant::now();
        let limit = Some(Duration::from_millis(250));
        assert!(RepoLock::wait(dir.path(), limit).is_err());
        assert!(began.elapsed() >= Duration::from_millis(250));

        child.kill().unwrap();
        child.wait().unwrap();
        let lock = RepoLock::acquire(dir.path()).unwrap();
        drop(lock);
        assert!(!dir.path().join(LOCK_FILE).exists());
    }

    #[test]
    fn this_process_is_excluded_too() {
        let dir = tempfile::tempdir().unwrap();
        let lock = RepoLock::acquire(dir.path()).unwrap();
        let again = RepoLock::acquire(&dir.path().join(".")).unwrap_err();
        assert!(again.to_string().ends_with("lock is already held by us"));
        assert_eq!(RepoLock::holder(dir.path()).unwrap(), None);
        drop(lock);
        drop(RepoLock::acquire(dir.path()).unwrap());
    }

    #[test]
    fn a_lock_file_with_contents_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(LOCK_FILE), "x").unwrap();
        let error = RepoLock::acquire(dir.path()).unwrap_err();
        assert!(matches!(error, Error::LockFileNotEmpty(_)), "{error}");
    }
}
