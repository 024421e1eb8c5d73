//! A repo, its daemon, and how the daemon ends.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::client::Client;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A repo, the binary that works on it, and where its daemon's words are kept.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) bin: PathBuf,
    pub(crate) repo: PathBuf,
    pub(crate) logs: PathBuf,
}

/// A running daemon. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    pub(crate) at: SocketAddr,
    pub(crate) started_in: Duration,
    stderr: PathBuf,
}

/// What became of a start.
pub(crate) enum Start {
    Ready(Node),
    /// It ended by itself, and said this.
    Refused(String),
}

impl Place {
    /// A new repo in `dir`.
    pub(crate) fn init(bin: &Path, dir: &Path, logs: &Path) -> Result<Self> {
        let place = Self {
            bin: bin.to_owned(),
            repo: dir.join("repo"),
            logs: logs.to_owned(),
        };
        let made = place
            .command()
            .args(["init", "--profile=test,randomports"])
            .output()?;
        if !made.status.success() {
            bail!("init: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(place)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.bin);
        command
            .env("IPFS_PATH", &self.repo)
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null());
        // SAFETY: prctl is async-signal-safe and touches nothing of this process.
        unsafe {
            command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?));
        }
        command
    }

    /// Runs a command without a daemon: whether it succeeded, and all it said.
    pub(crate) fn run(&self, args: &[&str]) -> Result<(bool, String)> {
        let words = self.logs.join("words");
        let file = File::create(&words)?;
        let mut command = self.command();
        command.args(args).stdout(file.try_clone()?).stderr(file);
        let mut child = command.spawn().context("cannot start the command")?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if start.elapsed() > START_LIMIT {
                child.kill()?;
                child.wait()?;
                bail!("{args:?} still ran after {START_LIMIT:?}");
            }
            thread::sleep(Duration::from_millis(2));
        };
        no_panic(&words)?;
        let said = String::from_utf8_lossy(&fs::read(&words)?).into_owned();
        Ok((status.success(), said))
    }

    /// Starts the daemon and waits until it is ready.
    pub(crate) fn start(&self) -> Result<Node> {
        match self.try_start()? {
            Start::Ready(node) => Ok(node),
            Start::Refused(words) => bail!("the daemon did not start: {words}"),
        }
    }

    /// Starts the daemon and waits until it is ready or has ended.
    pub(crate) fn try_start(&self) -> Result<Start> {
        let (mut child, stdout, stderr) = self.spawn()?;
        let start = Instant::now();
        loop {
            // Asked first, so that what it said before it ended is read after.
            let ended = child.try_wait()?;
            let said = fs::read(&stdout).unwrap_or_default();
            if String::from_utf8_lossy(&said).contains("Daemon is ready\n") {
                let started_in = start.elapsed();
                return Ok(Start::Ready(Node {
                    at: address(&self.repo.join("api"))?,
                    child,
                    started_in,
                    stderr,
                }));
            }
            if ended.is_some() {
                let words = fs::read(&stderr)?;
                return Ok(Start::Refused(String::from_utf8_lossy(&words).into_owned()));
            }
            if start.elapsed() > START_LIMIT {
                child.kill()?;
                child.wait()?;
                bail!("the daemon was not ready after {START_LIMIT:?}");
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Starts the daemon and kills it after `delay`, ready or not.
    pub(crate) fn start_and_kill(&self, delay: Duration) -> Result<()> {
        let (mut child, _, stderr) = self.spawn()?;
        thread::sleep(delay);
        child.kill()?;
        child.wait()?;
        no_panic(&stderr)
    }

    fn spawn(&self) -> Result<(Child, PathBuf, PathBuf)> {
        let (stdout, stderr) = (self.logs.join("stdout"), self.logs.join("stderr"));
        let mut command = self.command();
        command
            .args(["daemon", "--offline"])
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?);
        let child = command.spawn().context("cannot start the daemon")?;
        Ok((child, stdout, stderr))
    }
}

impl Node {
    pub(crate) fn client(&self) -> Client {
        Client::new(self.at)
    }

    /// SIGKILL, now.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        no_panic(&self.stderr)
    }

    /// SIGTERM, and waits for a clean end.
    pub(crate) fn stop(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the daemon had ended by itself: {status}");
        }
        // Not waited for yet, so the id is still its own.
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, Signal::SIGTERM)?;
        let start = Instant::now();
        while start.elapsed() < STOP_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                no_panic(&self.stderr)?;
                if !status.success() {
                    bail!("the daemon ended with {status}");
                }
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("the daemon still ran {STOP_LIMIT:?} after SIGTERM");
    }

    /// What it wrote to stderr so far.
    pub(crate) fn words(&self) -> String {
        let words = fs::read(&self.stderr).unwrap_or_default();
        String::from_utf8_lossy(&words).into_owned()
    }

    /// A field of `/proc/PID/status` in KiB, such as `VmHWM`.
    pub(crate) fn memory(&self, field: &str) -> Result<u64> {
        super::program::memory(self.child.id(), field)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn no_panic(stderr: &Path) -> Result<()> {
    let words = fs::read(stderr)?;
    let words = String::from_utf8_lossy(&words);
    match words.lines().find(|line| line.contains("panicked at")) {
        Some(line) => bail!("the daemon panicked: {line}"),
        None => Ok(()),
    }
}

/// The address in `/ip4/127.0.0.1/tcp/5001`.
fn address(file: &Path) -> Result<SocketAddr> {
    let text = fs::read_to_string(file).context("the repo has no file `api`")?;
    let parts: Vec<&str> = text.trim().split('/').collect();
    let [_, "ip4", host, "tcp", port] = parts.as_slice() else {
        bail!("the file `api` holds `{text}`");
    };
    Ok(SocketAddr::from((host.parse::<Ipv4Addr>()?, port.parse()?)))
}
