//! The program's own arguments.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::case::Mode;
use crate::places;

/// What `basalt-interop help` prints.
pub const USAGE: &str = "\
basalt-interop: Basalt beside real Kubo

  record       run the cases on Kubo and keep its answers in testdata/recorded
  replay       run the cases on --bin and compare with the recorded answers
  live         run the cases on --left and --right and compare the two
  list         print the cases
  compat-table write the table of known differences into docs/compat.md
  tree-prop    random trees and options of `add`: compare --left and --right
  tree-record  run trees on --left and keep its CIDs in testdata/recorded/trees.json
  tree-replay  hold --bin to the recorded CIDs
  help         print this

Options of the cases:
  --bin PATH      the binary under test (replay; default $CARGO_TARGET_DIR/debug/basalt)
  --left PATH     the reference (record, live; default $BASALT_CACHE/kubo-0.43.0/ipfs)
  --right PATH    the other side (live; default as --bin)
  --client PATH   a command line that drives the daemon of the side under test through --api
  --group NAME    only this group (may be given more than once)
  --only TEXT     only cases whose name contains TEXT
  --mode MODE     only `offline` or only `daemon` runs
  --jobs N        runs at a time (default 2)
  --quiet         names and totals only, no diffs
  --all-diffs     show diffs of known differences too

Options of the trees:
  --seed N        the first seed (default: the clock; tree-record: 1)
  --rounds N      how many seeds (default 20)
";

/// What to do.
#[derive(Debug)]
pub(crate) enum Action {
    Record(Options),
    Replay(Options),
    Live(Options),
    List(Options),
    CompatTable,
    Trees(TreeOptions),
    Help,
}

/// Which binaries and which cases.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) bin: PathBuf,
    pub(crate) left: PathBuf,
    pub(crate) client: Option<PathBuf>,
    pub(crate) groups: Vec<String>,
    pub(crate) only: Option<String>,
    pub(crate) mode: Option<Mode>,
    pub(crate) jobs: usize,
    pub(crate) quiet: bool,
    pub(crate) all_diffs: bool,
}

/// Which seeds, and what to hold them to.
#[derive(Debug)]
pub(crate) struct TreeOptions {
    pub(crate) kind: TreeKind,
    pub(crate) bin: PathBuf,
    pub(crate) left: PathBuf,
    pub(crate) seed: Option<u64>,
    pub(crate) rounds: u64,
}

/// What a run over trees is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TreeKind {
    Compare,
    Record,
    Replay,
}

/// Reads the arguments.
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Action> {
    let mut args = args.into_iter();
    let verb = args.next().unwrap_or_else(|| "help".to_owned());
    let mut options = Options {
        bin: places::basalt(),
        left: places::kubo(),
        client: None,
        groups: Vec::new(),
        only: None,
        mode: None,
        jobs: 2,
        quiet: false,
        all_diffs: false,
    };
    let mut seed = None;
    let mut rounds = 20;
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--bin" | "--right" => options.bin = value()?.into(),
            "--left" => options.left = value()?.into(),
            "--client" => options.client = Some(value()?.into()),
            "--group" => options.groups.push(value()?),
            "--only" => options.only = Some(value()?),
            "--mode" => {
                options.mode = Some(match value()?.as_str() {
                    "offline" => Mode::Offline,
                    "daemon" => Mode::Daemon,
                    other => bail!("--mode is `offline` or `daemon`, not `{other}`"),
                });
            }
            "--jobs" => options.jobs = value()?.parse().context("--jobs wants a number")?,
            "--seed" => seed = Some(value()?.parse().context("--seed wants a number")?),
            "--rounds" => rounds = value()?.parse().context("--rounds wants a number")?,
            "--quiet" => options.quiet = true,
            "--all-diffs" => options.all_diffs = true,
            other => bail!("unknown option {other}; `basalt-interop help` lists them"),
        }
    }
    let trees = |kind, options: Options| {
        Action::Trees(TreeOptions {
            kind,
            bin: options.bin,
            left: options.left,
            seed,
            rounds,
        })
    };
    Ok(match verb.as_str() {
        "record" => Action::Record(options),
        "replay" => Action::Replay(options),
        "live" => Action::Live(options),
        "list" => Action::List(options),
        "compat-table" => Action::CompatTable,
        "tree-prop" => trees(TreeKind::Compare, options),
        "tree-record" => trees(TreeKind::Record, options),
        "tree-replay" => trees(TreeKind::Replay, options),
        "help" | "--help" | "-h" => Action::Help,
        other => bail!("unknown action {other}; `basalt-interop help` lists them"),
    })
}
