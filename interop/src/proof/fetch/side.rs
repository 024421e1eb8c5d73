//! One of the nodes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{into_file, text};
use crate::daemon::Daemon;
use crate::places;
use crate::proof::program::Program;

/// A node that is running.
pub(super) struct Side {
    pub(super) program: Program,
    daemon: Daemon,
}

impl Side {
    /// A new node that listens there and knows nobody.
    pub(super) fn start(bin: &Path, repo: PathBuf, listen: &str) -> Result<Self> {
        let program = Program {
            bin: bin.to_owned(),
            repo,
        };
        program.say(&["init", "--profile=test,randomports"])?;
        let set = |key: &str, value: Value| -> Result<()> {
            program.say(&["config", "--json", key, &value.to_string()])?;
            Ok(())
        };
        set("Addresses.Swarm", json!([listen]))?;
        set("Bootstrap", json!([]))?;
        set("Routing.Type", json!("none"))?;
        set("Swarm.ResourceMgr.Enabled", json!(false))?;
        let daemon = program.daemon(&[])?;
        Ok(Self { program, daemon })
    }

    pub(super) fn is_kubo(&self) -> bool {
        self.program.bin == places::kubo()
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
        into_file(&output.stdout, path)
    }

    pub(super) fn connect(&self, other: &Self) -> Result<()> {
        let listed = other.say(&["id", "-f", "<addrs>"])?;
        let address = listed.lines().next().context("it listens nowhere")?;
        self.say(&["swarm", "connect", address])?;
        Ok(())
    }

    /// Seconds of CPU time that the daemon has taken.
    pub(super) fn cpu(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.daemon.pid()))?;
        // The name, in brackets, may hold anything.
        let rest = stat.rsplit_once(')').context("/proc has changed")?.1;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |at: usize| -> Result<f64> {
            let field = fields.get(at).context("/proc has changed")?;
            Ok(field.parse()?)
        };
        Ok((ticks(11)? + ticks(12)?) / 100.0)
    }

    /// The port of its RPC.
    pub(super) fn api(&self) -> Result<u16> {
        self.daemon.api.context("it has no RPC")
    }

    /// The node after its daemon was stopped and something was done to its repo.
    pub(super) fn restarted(self, between: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let Self { program, daemon } = self;
        daemon.stop()?;
        between(&program.repo)?;
        let daemon = program.daemon(&[])?;
        Ok(Self { program, daemon })
    }

    pub(super) fn stop(self) -> Result<()> {
        self.daemon.stop()?;
        Ok(())
    }
}
