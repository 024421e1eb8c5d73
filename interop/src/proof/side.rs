//! A node among others: Basalt, or real Kubo.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::program::Program;
use crate::daemon::Daemon;
use crate::{places, side};

/// Settings by their dotted names.
pub(super) type Config = BTreeMap<String, Value>;

/// The settings of a node that listens there and knows nobody.
pub(super) fn config(listen: &[&str]) -> Config {
    [
        ("Addresses.Swarm", json!(listen)),
        ("Bootstrap", json!([])),
        ("Routing.Type", json!("none")),
        ("Swarm.ResourceMgr.Enabled", json!(false)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// A node with a repo of its own.
pub(super) struct Side {
    pub(super) program: Program,
    daemon: Option<Daemon>,
    id: String,
}

impl Side {
    /// A new node that listens there, knows nobody, and runs.
    pub(super) fn start(bin: &Path, repo: PathBuf, listen: &str) -> Result<Self> {
        let mut side = Self::new(Program::new(bin, repo), &config(&[listen]))?;
        side.begin()?;
        Ok(side)
    }

    /// A new node that does not run yet.
    pub(super) fn new(program: Program, config: &Config) -> Result<Self> {
        program.say(&["init", "--profile=test,randomports"])?;
        side::configure(&program.repo, config)?;
        let id = program.say(&["config", "Identity.PeerID"])?;
        Ok(Self {
            program,
            daemon: None,
            id: id.trim().to_owned(),
        })
    }

    /// Runs it, until it is ready.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.daemon = Some(self.program.daemon(&[])?);
        Ok(())
    }

    /// Changes settings; it must not run.
    pub(super) fn configure(&self, config: &Config) -> Result<()> {
        ensure!(self.daemon.is_none(), "it runs");
        side::configure(&self.program.repo, config)
    }

    /// Has it end, and waits for that.
    pub(super) fn end(&mut self) -> Result<()> {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop()?;
        }
        Ok(())
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) -> Result<()> {
        match self.daemon.take() {
            Some(daemon) => daemon.kill(),
            None => Ok(()),
        }
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        self.running()?.signal(signal)
    }

    pub(super) fn runs(&self) -> bool {
        self.daemon.is_some()
    }

    pub(super) fn is_kubo(&self) -> bool {
        self.program.bin == places::kubo()
    }

    /// Its peer ID.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn say(&self, args: &[&str]) -> Result<String> {
        self.program.say(args)
    }

    pub(super) fn json(&self, args: &[&str]) -> Result<Value> {
        Ok(serde_json::from_str(&self.say(args)?)?)
    }

    /// Adds a file or a folder; its CID.
    pub(super) fn add(&self, path: &Path, more: &[&str]) -> Result<String> {
        let mut args = vec!["add", "-Q"];
        args.extend(more);
        args.push(text(path)?);
        Ok(self.say(&args)?.trim().to_owned())
    }

    /// Writes what a command says into a file.
    pub(super) fn write(&self, args: &[&str], path: &Path) -> Result<()> {
        let output = self.program.command(args).output()?;
        if !output.status.success() {
            bail!("{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(File::create(path)?.write_all(&output.stdout)?)
    }

    /// Where it can be reached, with its peer ID.
    pub(super) fn addresses(&self) -> Result<Vec<String>> {
        let listed = self.say(&["id", "-f", "<addrs>"])?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    pub(super) fn connect(&self, other: &Self) -> Result<()> {
        let listed = other.addresses()?;
        let address = listed.first().context("it listens nowhere")?;
        self.say(&["swarm", "connect", address])?;
        Ok(())
    }

    /// The addresses of its connections to another node.
    pub(super) fn connections(&self, other: &Self) -> Result<Vec<String>> {
        let listed = self.say(&["swarm", "peers"])?;
        let end = format!("/p2p/{}", other.id);
        let all = listed.lines().filter(|line| line.ends_with(&end));
        Ok(all.map(str::to_owned).collect())
    }

    /// Seconds of CPU time that the daemon has taken.
    pub(super) fn cpu(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.running()?.pid()))?;
        // The name, in brackets, may hold anything.
        let rest = stat.rsplit_once(')').context("/proc has changed")?.1;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |at: usize| -> Result<f64> {
            let field = fields.get(at).context("/proc has changed")?;
            Ok(field.parse()?)
        };
        Ok((ticks(11)? + ticks(12)?) / 100.0)
    }

    /// Its resident memory in KiB.
    pub(super) fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running()?.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let word = line.and_then(|line| line.split_whitespace().next());
        Ok(word.context("/proc has no VmRSS")?.parse()?)
    }

    /// The port of its RPC.
    pub(super) fn api(&self) -> Result<u16> {
        self.running()?.api.context("it has no RPC")
    }

    /// The node after its daemon was stopped and something was done to its repo.
    pub(super) fn restarted(mut self, between: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        self.end()?;
        between(&self.program.repo)?;
        self.begin()?;
        Ok(self)
    }

    pub(super) fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn running(&self) -> Result<&Daemon> {
        self.daemon.as_ref().context("it does not run")
    }
}

/// Asks again and again until there is an answer.
pub(super) fn until<T>(limit: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        ensure!(start.elapsed() < limit, "not within {limit:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

pub(super) fn text(path: &Path) -> Result<&str> {
    match path.to_str() {
        Some(text) => Ok(text),
        None => bail!("{} is no UTF-8", path.display()),
    }
}
