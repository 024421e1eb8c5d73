//! The same work on the mounts of Kubo and of Basalt.

mod probe;
mod steps;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cli;
use crate::daemon::{Daemon, Started};
use crate::{diff, places};

/// What `basalt-interop help` prints of it.
pub(crate) const USAGE: &str = "
Mounts beside Kubo's (docs/mount.md):
  mounts          the same work on the mounts of --left and --right
  mounts-show     what it gives on --left alone
";

/// Differences that are meant: a step, and why Basalt does otherwise.
const MEANT: &[(&str, &str)] = &[
    (
        "ipfs: overwrite",
        "Kubo lets it be opened and fails when something is written",
    ),
    (
        "ipfs: remove",
        "Kubo says that it was removed, and removes nothing",
    ),
    (
        "ipfs: rmdir",
        "Kubo says that it was removed, and removes nothing",
    ),
    (
        "ipns: remove local",
        "Kubo says that it was removed, and removes nothing",
    ),
    (
        "ipns: stat of the own",
        "Kubo tells mode 0 when the folder is first looked up",
    ),
    (
        "mfs: list after",
        "Kubo goes on showing the old name of a directory",
    ),
    (
        "ipfs: set xattr",
        "Kubo says that there is no such attribute, at which `cp -a` fails",
    ),
    (
        "mfs: set xattr",
        "Kubo says that there is no such attribute, at which `cp -a` fails",
    ),
];

/// A program with its mounts, all under one folder.
pub(crate) struct Side {
    bin: PathBuf,
    dir: PathBuf,
    env: BTreeMap<String, String>,
}

impl Side {
    fn new(bin: &Path, dir: &Path) -> Result<Self> {
        for name in ["ipfs", "ipns", "mfs", "work"] {
            fs::create_dir_all(dir.join(name))?;
        }
        let mut env = BTreeMap::new();
        let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
        set("IPFS_PATH", &dir.join("repo").to_string_lossy());
        set(
            "IPFS_NS_MAP",
            "site.example:/ipfs/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",
        );
        set("IPFS_TELEMETRY", "off");
        let side = Self {
            bin: std::path::absolute(bin)?,
            dir: dir.to_owned(),
            env,
        };
        side.run(&["init", "--profile=test,randomports", "--empty-repo"])?;
        Ok(side)
    }

    fn command(&self) -> Command {
        cli::command(&self.bin, &self.env, &self.dir.join("work"))
    }

    /// What a command wrote.
    pub(crate) fn run(&self, args: &[&str]) -> Result<String> {
        let done = self.command().args(args).output()?;
        if !done.status.success() {
            bail!("{args:?}: {}", String::from_utf8_lossy(&done.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// As [`Side::run`], with an error as text.
    pub(crate) fn told(&self, args: &[&str]) -> String {
        match self.run(args) {
            Ok(text) => text,
            Err(error) => format!("{error:#}"),
        }
    }

    /// A path below the folder of the side: `ipfs`, `ipns`, `mfs` or `work`.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    fn daemon(&self) -> Result<Daemon> {
        let mut args: Vec<OsString> = vec!["daemon".into(), "--mount".into()];
        for name in ["ipfs", "ipns", "mfs"] {
            args.push(format!("--mount-{name}").into());
            args.push(self.at(name).into());
        }
        match Daemon::start(self.command(), &args, &self.dir.join("repo"))? {
            Started::Ready(daemon) => Ok(daemon),
            Started::Ended(ended) => bail!("no daemon: {}", String::from_utf8_lossy(&ended.stderr)),
        }
    }
}

/// What each step gave, by its name.
type Given = Vec<(String, String)>;

fn given(bin: &Path, dir: &Path, loud: bool) -> Result<Given> {
    fs::create_dir_all(dir)?;
    let side = Side::new(bin, dir)?;
    let daemon = side.daemon()?;
    let mut given = steps::all(&side, loud);
    let mask = |text: String| text.replace(&*dir.to_string_lossy(), "DIR");
    let ended = daemon.stop()?;
    given.push((
        "end: the daemon's exit code".into(),
        format!("{:?}", ended.code),
    ));
    for name in ["ipfs", "ipns", "mfs"] {
        let left = match fs::remove_dir(side.at(name)) {
            Ok(()) => "free".to_owned(),
            Err(error) => error.to_string(),
        };
        given.push((format!("end: the folder of {name}"), left));
    }
    Ok(given
        .into_iter()
        .map(|(name, text)| (name, mask(text)))
        .collect())
}

/// Runs the verb, if it is one of these.
pub(crate) fn run(verb: &str, args: &[String]) -> Option<Result<usize>> {
    match verb {
        "mounts" => Some(compare(args)),
        "mounts-show" => Some(show(args)),
        _ => None,
    }
}

fn bins(args: &[String]) -> Result<(PathBuf, PathBuf)> {
    let (mut left, mut right) = (places::kubo(), places::basalt());
    for pair in args.chunks(2) {
        let [name, value] = pair else {
            bail!("{} wants a value", pair[0]);
        };
        match name.as_str() {
            "--left" => left = value.into(),
            "--right" | "--bin" => right = value.into(),
            other => bail!("unknown option {other}"),
        }
    }
    Ok((left, right))
}

fn folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("basalt-mounts-").tempdir();
    folder.context("no folder for the mounts")
}

fn show(args: &[String]) -> Result<usize> {
    let (left, _) = bins(args)?;
    let folder = folder()?;
    given(&left, &folder.path().join("left"), true)?;
    Ok(0)
}

fn compare(args: &[String]) -> Result<usize> {
    if let Err(why) = available() {
        println!("NOT RUN: {why}");
        bail!("mounts cannot be compared here: {why}");
    }
    let (left, right) = bins(args)?;
    let folder = folder()?;
    let kubo = given(&left, &folder.path().join("left"), false)?;
    let ours: BTreeMap<_, _> = given(&right, &folder.path().join("right"), false)?
        .into_iter()
        .collect();
    let (mut passed, mut failed) = (0, 0);
    for (name, wanted) in kubo {
        let got = ours.get(&name).map_or("nothing", String::as_str);
        let meant = MEANT.iter().find(|(step, _)| *step == name);
        match (got == wanted, meant) {
            (true, None) => passed += 1,
            (false, Some((_, why))) => {
                println!("differs as meant: {name}: {why}");
                passed += 1;
            }
            (true, Some(_)) => {
                println!("FAIL {name}: no difference any more, though one is meant");
                failed += 1;
            }
            (false, None) => {
                println!(
                    "FAIL {name}\n{}",
                    diff::unified(&lines(&wanted), &lines(got))
                );
                failed += 1;
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed)
}

/// Whether anything can be mounted on this machine.
fn available() -> Result<()> {
    let device = Path::new("/dev/fuse");
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(device)
        .with_context(|| format!("{} cannot be opened", device.display()))?;
    Ok(())
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
