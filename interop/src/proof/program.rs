//! A program and a repo, run command by command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::daemon::{Daemon, Started};

/// What a program said, and how it ended.
pub(super) struct Said {
    pub(super) ok: bool,
    pub(super) out: String,
    pub(super) err: String,
}

/// A program and the repo that it works on.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) bin: PathBuf,
    pub(super) repo: PathBuf,
    /// The network namespace in which it runs.
    space: Option<PathBuf>,
}

impl Program {
    pub(super) fn new(bin: &Path, repo: PathBuf) -> Self {
        Self {
            bin: bin.to_owned(),
            repo,
            space: None,
        }
    }

    /// The same in a network namespace, which is given as a file.
    pub(super) fn within(mut self, space: PathBuf) -> Self {
        self.space = Some(space);
        self
    }

    /// A new repo with these profiles and settings.
    pub(super) fn init(
        bin: &Path,
        repo: PathBuf,
        profiles: &str,
        settings: &[(&str, Value)],
    ) -> Result<Self> {
        let program = Self::new(bin, repo);
        program.say(&["init", &format!("--profile={profiles}")])?;
        for (key, value) in settings {
            program.say(&["config", "--json", key, &value.to_string()])?;
        }
        Ok(program)
    }

    /// Where its daemon listens.
    pub(super) fn address(&self) -> Result<String> {
        let listed = self.say(&["id", "-f", "<addrs>"])?;
        let first = listed.lines().next().context("it listens nowhere")?;
        Ok(first.to_owned())
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = match &self.space {
            None => Command::new(&self.bin),
            Some(space) => {
                // It becomes the program, so that what is known of the process is known of it.
                let mut command = Command::new("nsenter");
                command.arg(format!("--net={}", space.display()));
                command.arg("--").arg(&self.bin);
                command
            }
        };
        command
            .args(args)
            .env("IPFS_PATH", &self.repo)
            .env("GOLOG_LOG_LEVEL", "dpanic")
            .stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Result<Said> {
        let output = self.command(args).output()?;
        Ok(Said {
            ok: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// What it writes; an error unless it ends well.
    pub(super) fn say(&self, args: &[&str]) -> Result<String> {
        let said = self.run(args)?;
        ensure!(said.ok, "{args:?}: {}{}", said.out, said.err);
        Ok(said.out)
    }

    /// Starts its daemon and waits until it is ready.
    pub(super) fn daemon(&self, more: &[&str]) -> Result<Daemon> {
        let mut args = vec![OsString::from("daemon")];
        args.extend(more.iter().map(OsString::from));
        match Daemon::start(self.command(&[]), &args, &self.repo)? {
            Started::Ready(daemon) => Ok(daemon),
            Started::Ended(ended) => bail!("{} ended: {ended:?}", self.bin.display()),
        }
    }
}

/// A field of `/proc/PID/status` in KiB, such as `VmHWM`.
pub(super) fn memory(pid: u32, field: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let word = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
    let word = word.with_context(|| format!("/proc has no {field}"))?;
    Ok(word.parse()?)
}
