//! A daemon under test: its repo, its process, its end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::guard;
use crate::http::Connection;
use crate::options::Target;

/// The line that a daemon prints when it serves.
const READY: &str = "Daemon is ready";
const START: Duration = Duration::from_secs(300);
const STOP: Duration = Duration::from_secs(60);

/// A repo of one target, and the daemon that runs on it.
#[derive(Debug)]
pub(crate) struct Node {
    binary: PathBuf,
    repo: PathBuf,
    daemon: Option<Daemon>,
    patience: Duration,
}

#[derive(Debug)]
struct Daemon {
    child: Child,
    address: SocketAddr,
}

impl Node {
    /// Makes a repo at `repo` that touches no network.
    pub(crate) fn init(target: &Target, repo: PathBuf, patience: Duration) -> Result<Self> {
        let node = Self {
            binary: target.binary.clone(),
            repo,
            daemon: None,
            patience,
        };
        let output = node
            .command()
            .arg("init")
            .args(&target.init)
            .output()
            .context("cannot run init")?;
        ensure!(
            output.status.success(),
            "init of {} failed: {}",
            target.name,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        node.configure()?;
        Ok(node)
    }

    /// Starts the daemon; returns the time from exec until it said that it is ready.
    pub(crate) fn start(&mut self) -> Result<Duration> {
        let _ = fs::remove_file(self.repo.join("api"));
        let log = fs::File::create(self.repo.with_extension("log"))?;
        let began = Instant::now();
        let mut child = self
            .command()
            .args(["daemon", "--offline"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {}", self.binary.display()))?;
        guard::started(child.id());
        let output = child.stdout.take();
        // From here on, dropping the node ends the process.
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        self.daemon = Some(Daemon {
            child,
            address: unknown,
        });

        let (sender, receiver) = mpsc::sync_channel(1);
        let reader = BufReader::new(output.context("the daemon has no output")?);
        std::thread::spawn(move || {
            // Reads on after the line, so that the daemon never waits for room in the pipe.
            for line in reader.lines() {
                match line {
                    Ok(line) if line.contains(READY) => drop(sender.try_send(Instant::now())),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
        });
        let Ok(ready) = receiver.recv_timeout(START) else {
            let log = fs::read_to_string(self.repo.with_extension("log")).unwrap_or_default();
            let tail = log.lines().rev().take(5).collect::<Vec<_>>().join(" | ");
            bail!(
                "{} did not become ready; last lines of its log: {tail}",
                self.binary.display()
            );
        };
        let address = self.read_address()?;
        if let Some(daemon) = &mut self.daemon {
            daemon.address = address;
        }
        Ok(ready.duration_since(began))
    }

    /// Ends the daemon with SIGTERM; returns the time until it had ended.
    pub(crate) fn stop(&mut self) -> Result<Duration> {
        let began = Instant::now();
        let Some(mut daemon) = self.daemon.take() else {
            return Ok(Duration::ZERO);
        };
        let id = daemon.child.id();
        kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM)?;
        while began.elapsed() < STOP {
            if daemon.child.try_wait()?.is_some() {
                guard::ended(id);
                return Ok(began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        drop(daemon);
        bail!(
            "{} did not end within {} s of SIGTERM",
            self.binary.display(),
            STOP.as_secs()
        );
    }

    /// The daemon's process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        Ok(self
            .daemon
            .as_ref()
            .context("the daemon is not running")?
            .child
            .id())
    }

    /// Where the daemon's RPC listens.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self
            .daemon
            .as_ref()
            .context("the daemon is not running")?
            .address)
    }

    /// Where the daemon's gateway listens.
    pub(crate) fn gateway(&self) -> Result<SocketAddr> {
        let url = fs::read_to_string(self.repo.join("gateway"))
            .context("the daemon has written no gateway file")?;
        let address = url.trim().trim_start_matches("http://");
        address
            .parse()
            .with_context(|| format!("{url} is no address of a gateway"))
    }

    /// A new connection to the daemon's RPC.
    pub(crate) fn connect(&self) -> Result<Connection> {
        Ok(Connection::new(self.address()?, self.patience))
    }

    /// Bytes that the repo's files occupy on the disk.
    pub(crate) fn at_rest(&self) -> u64 {
        occupied(&self.repo)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env("IPFS_PATH", &self.repo)
            .env_remove("IPFS_PROFILE")
            .stdin(Stdio::null());
        command
    }

    /// No peers, no routing, free ports: what is left is the store and the RPC.
    fn configure(&self) -> Result<()> {
        let path = self.repo.join("config");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut config: Value = serde_json::from_str(&text).context("the config is not JSON")?;
        for (pointer, key, value) in [
            ("", "Bootstrap", json!([])),
            ("Addresses", "Swarm", json!([])),
            ("Addresses", "API", json!("/ip4/127.0.0.1/tcp/0")),
            ("Addresses", "Gateway", json!("/ip4/127.0.0.1/tcp/0")),
            ("Routing", "Type", json!("none")),
            ("AutoConf", "Enabled", json!(false)),
            // The periodic collection must not run into a measurement.
            ("Datastore", "GCPeriod", json!("1000h")),
        ] {
            let section = if pointer.is_empty() {
                &mut config
            } else {
                &mut config[pointer]
            };
            section[key] = value;
        }
        fs::write(&path, serde_json::to_string_pretty(&config)?)?;
        Ok(())
    }

    fn read_address(&self) -> Result<SocketAddr> {
        let path = self.repo.join("api");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        address(text.trim())
            .with_context(|| format!("{} has an unknown form: {text:.80}", path.display()))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        guard::ended(self.child.id());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.daemon.is_some()
            && let Err(error) = self.stop()
        {
            eprintln!("basalt-bench: {error:#}");
        }
        let _ = fs::remove_dir_all(&self.repo);
        let _ = fs::remove_file(self.repo.with_extension("log"));
    }
}

/// Parses `/ip4/127.0.0.1/tcp/5001`.
fn address(multiaddr: &str) -> Option<SocketAddr> {
    let mut parts = multiaddr.split('/').skip(1);
    let (Some("ip4"), Some(ip), Some("tcp"), Some(port)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

fn occupied(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => occupied(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            // A file may vanish while the daemon compacts.
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_file_is_a_multiaddr() {
        assert_eq!(address("/ip4/127.0.0.1/tcp/5001").unwrap().port(), 5001);
        for wrong in [
            "",
            "127.0.0.1:5001",
            "/ip4/127.0.0.1/udp/1",
            "/ip4/x/tcp/1",
            "/ip4/127.0.0.1/tcp/70000",
        ] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }
}
