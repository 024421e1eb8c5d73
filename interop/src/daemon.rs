//! A daemon: started, waited for until it is ready, ended by its own process id.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cli::Ended;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const READY: &[u8] = b"Daemon is ready\n";

type Bytes = Arc<Mutex<Vec<u8>>>;

/// A running daemon. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    stdout: Bytes,
    stderr: Bytes,
    readers: Vec<JoinHandle<()>>,
    /// Bytes of stdout that were handed out already.
    shown: usize,
    /// Ports of the RPC API and of the gateway, as far as the repo names them.
    pub(crate) api: Option<u16>,
    pub(crate) gateway: Option<u16>,
}

/// What became of a start.
pub(crate) enum Started {
    Ready(Daemon),
    /// It ended by itself before it was ready.
    Ended(Ended),
}

impl Daemon {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Starts `command` with `args` on `repo` and waits until it says that it is ready, or ends.
    pub(crate) fn start(mut command: Command, args: &[OsString], repo: &Path) -> Result<Started> {
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // SAFETY: prctl is async-signal-safe and touches nothing of this process.
        unsafe {
            command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?));
        }
        let mut child = command.spawn().context("cannot start the daemon")?;
        let (stdout, stderr) = (Bytes::default(), Bytes::default());
        let mut readers = Vec::new();
        readers.extend(child.stdout.take().map(|from| collect(from, &stdout)));
        readers.extend(child.stderr.take().map(|from| collect(from, &stderr)));
        let mut daemon = Self {
            child,
            stdout,
            stderr,
            readers,
            shown: 0,
            api: None,
            gateway: None,
        };
        let start = Instant::now();
        loop {
            if contains(&locked(&daemon.stdout), READY) {
                daemon.api = port(&repo.join("api"));
                daemon.gateway = port(&repo.join("gateway"));
                return Ok(Started::Ready(daemon));
            }
            if let Some(status) = daemon.child.try_wait()? {
                return Ok(Started::Ended(daemon.ended(status.code())));
            }
            if start.elapsed() > START_LIMIT {
                daemon.child.kill()?;
                daemon.child.wait()?;
                return Ok(Started::Ended(daemon.ended(None)));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it wrote to stdout since the last call.
    pub(crate) fn news(&mut self) -> Vec<u8> {
        let stdout = locked(&self.stdout);
        let news = stdout.get(self.shown..).unwrap_or_default().to_vec();
        self.shown = stdout.len();
        news
    }

    /// Sends SIGTERM and waits for the end; stdout begins where `news` left off.
    pub(crate) fn stop(mut self) -> Result<Ended> {
        let code = self.terminate()?;
        Ok(self.ended(code))
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        // Not waited for yet, so the id is still its own.
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), signal)?)
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn terminate(&mut self) -> Result<Option<i32>> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status.code());
        }
        self.signal(Signal::SIGTERM)?;
        let start = Instant::now();
        while start.elapsed() < STOP_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(None)
    }

    fn ended(&mut self, code: Option<i32>) -> Ended {
        for reader in self.readers.drain(..) {
            // A reader that panicked has nothing more to add.
            let _ = reader.join();
        }
        let stdout = self.news();
        let stderr = locked(&self.stderr).clone();
        Ended {
            code,
            stdout,
            stderr,
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Err(error) = self.terminate() {
            eprintln!(
                "basalt-interop: daemon {} may still run: {error:#}",
                self.child.id()
            );
        }
    }
}

fn locked(bytes: &Bytes) -> std::sync::MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

fn collect(mut from: impl Read + Send + 'static, into: &Bytes) -> JoinHandle<()> {
    let into = Arc::clone(into);
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(len @ 1..) = from.read(&mut piece) {
            locked(&into).extend_from_slice(&piece[..len]);
        }
    })
}

/// The port in `/ip4/127.0.0.1/tcp/5001` or `http://127.0.0.1:8080`.
fn port(file: &Path) -> Option<u16> {
    let text = fs::read_to_string(file).ok()?;
    text.trim().rsplit(['/', ':']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::command;

    fn start(script: &str) -> Started {
        let shell = command(Path::new("sh"), &BTreeMap::new(), Path::new("/"));
        Daemon::start(shell, &["-c".into(), script.into()], Path::new("/nowhere")).unwrap()
    }

    #[test]
    fn a_daemon_is_ready_and_ends_when_told() {
        let script =
            "trap 'echo bye; exit 7' TERM; echo Daemon is ready; while :; do sleep 0.05; done";
        let Started::Ready(mut daemon) = start(script) else {
            panic!("it ended");
        };
        assert_eq!(daemon.news(), READY);
        let ended = daemon.stop().unwrap();
        assert_eq!(ended.code, Some(7));
        assert_eq!(ended.stdout, b"bye\n");
    }

    #[test]
    fn a_daemon_that_refuses_is_no_daemon() {
        let Started::Ended(ended) = start("echo Error: no >&2; exit 1") else {
            panic!("it is ready");
        };
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.stderr, b"Error: no\n");
    }
}
