//! What a binary says of a tree.

use std::collections::HashSet;

use anyhow::Result;

use super::plan::Plan;
use crate::daemon::Daemon;
use crate::side::{Place, Side};
use crate::{cli, diff, mask};

/// Repos are made anew after this many trees, so that they stay small.
const TREES_A_REPO: u32 = 25;
/// CIDs of a difference that are printed: the first wrong one makes all above it wrong.
const SHOWN_LINES: usize = 4;

/// Exit code, all that was printed, and the error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    code: Option<i32>,
    stdout: Vec<u8>,
    error: String,
}

impl Answer {
    /// The lines that are kept: the command, the outcome, the root, a digest of the rest.
    pub(super) fn recorded(&self, plan: &Plan) -> Vec<String> {
        let mut lines = vec![plan.shown(), format!("exit {:?}", self.code)];
        if !self.error.is_empty() {
            lines.push(self.error.clone());
        }
        let last = self.lines().pop().unwrap_or_default();
        lines.push(last);
        lines.push(mask::digest(&self.stdout));
        lines
    }

    /// Whether Kubo failed on its own account: with `--only-hash` it keeps no nodes, and some layouts
    /// make it read one back.
    pub(super) fn lost_itself(&self) -> bool {
        self.error.starts_with("Error: ipld: could not find ")
    }

    /// Where two answers differ.
    pub(super) fn diff(&self, other: &Self) -> String {
        let head = |answer: &Self| vec![format!("exit {:?}", answer.code), answer.error.clone()];
        let mut out = diff::unified(&head(self), &head(other));
        let (left, right) = (self.lines(), other.lines());
        let only = |lines: &[String], others: &[String]| -> Vec<String> {
            let known: HashSet<&str> = others.iter().filter_map(|line| cid(line)).collect();
            let new = |line: &&String| cid(line).is_some_and(|cid| !known.contains(cid));
            lines
                .iter()
                .filter(new)
                .take(SHOWN_LINES)
                .cloned()
                .collect()
        };
        let (wrong, instead) = (only(&left, &right), only(&right, &left));
        if wrong.is_empty() && instead.is_empty() {
            out += "  the CIDs are the same, their names or order are not:\n";
            let first = left.iter().zip(&right).find(|(left, right)| left != right);
            out += &match first {
                Some((left, right)) => format!("  -{left}\n  +{right}\n"),
                None => format!("  {} lines and {} lines\n", left.len(), right.len()),
            };
        }
        out + &marked('-', &wrong) + &marked('+', &instead)
    }

    fn lines(&self) -> Vec<String> {
        self.stdout
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| line.escape_ascii().to_string())
            .collect()
    }
}

/// The CID of a line, which stands behind `added` unless only it was asked for.
fn cid(line: &str) -> Option<&str> {
    let line = line.strip_prefix("added ").unwrap_or(line);
    line.split(' ').next()
}

fn marked(mark: char, lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| format!("  {mark}{line}\n"))
        .collect()
}

/// Runs plans on one side.
pub(super) struct Runner<'a> {
    side: &'a Side,
    trees: u32,
    repo: Place,
    served: Place,
    daemon: Option<Daemon>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(side: &'a Side) -> Result<Self> {
        let template = side.template();
        Ok(Self {
            side,
            trees: 0,
            repo: side.place(Some(&template))?,
            served: side.place(Some(&template))?,
            daemon: None,
        })
    }

    /// Makes the tree of `plan` and adds it.
    pub(super) fn run(&mut self, plan: &Plan) -> Result<Answer> {
        self.trees += 1;
        if self.trees.is_multiple_of(TREES_A_REPO) {
            self.renew()?;
        }
        let folder = tempfile::Builder::new().prefix("tree").tempdir()?;
        plan.write(folder.path())?;
        let repo = if plan.daemon {
            if self.daemon.is_none() {
                self.daemon = Some(self.side.daemon(&self.served, false)?);
            }
            &self.served.repo
        } else {
            &self.repo.repo
        };
        let command = cli::command(&self.side.bin, &self.side.env(repo), folder.path());
        let ended = cli::run(command, &plan.args(), None)?;
        let stderr = String::from_utf8_lossy(&ended.stderr);
        let error = stderr.lines().find(|line| line.starts_with("Error:"));
        Ok(Answer {
            code: ended.code,
            error: error.unwrap_or_default().to_owned(),
            stdout: ended.stdout,
        })
    }

    fn renew(&mut self) -> Result<()> {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop()?;
        }
        let template = self.side.template();
        self.repo = self.side.place(Some(&template))?;
        self.served = self.side.place(Some(&template))?;
        Ok(())
    }
}
