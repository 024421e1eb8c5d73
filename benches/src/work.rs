//! The works, and the rounds in which they are run.

mod blocks;
mod car;
mod collect;
mod crowd;
mod file;
mod gateway;
mod rest;
mod small;
mod tree;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::meter::{Cost, Quiet};
use crate::node::Node;
use crate::options::{Options, Target};
use crate::sample::{Sample, Unit};

/// A work that can be asked for by name.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// What is done at scale 1.
    pub(crate) what: &'static str,
    scene: Scene,
}

/// Works that share a repo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// No daemon, or one that does nothing.
    Rest,
    /// A fresh repo with one large file.
    File,
    /// The same with CIDv1, raw leaves and 1 MiB chunks.
    LargeChunks,
    /// A fresh repo with many small files.
    Small,
    /// A fresh repo whose file tree grows.
    Tree,
    /// A fresh repo and many clients.
    Crowd,
    /// Fresh repos and CARs.
    Car,
    /// A fresh repo whose content is asked for over the gateway.
    Gateway,
    /// A repo of 300,000 blocks, kept for all rounds.
    Blocks,
}

const SCENES: [Scene; 9] = [
    Scene::Rest,
    Scene::File,
    Scene::LargeChunks,
    Scene::Small,
    Scene::Tree,
    Scene::Crowd,
    Scene::Car,
    Scene::Gateway,
    Scene::Blocks,
];

/// Every work, in the order in which they are run.
#[rustfmt::skip]
pub(crate) const ALL: &[Work] = &[
    Work { name: "binary-size", what: "size of the program's file", scene: Scene::Rest },
    Work { name: "idle-memory", what: "memory of a daemon on a fresh repo that is left alone", scene: Scene::Rest },
    Work { name: "add-1g", what: "add of 1 GiB with default options", scene: Scene::File },
    Work { name: "add-again", what: "the same add again, everything is there", scene: Scene::File },
    Work { name: "cat-1g", what: "cat of that file", scene: Scene::File },
    Work { name: "add-1g-cidv1-1m", what: "add of 1 GiB, CIDv1, raw leaves, 1 MiB chunks", scene: Scene::LargeChunks },
    Work { name: "add-20k-small", what: "add of a directory of 20,000 files of 4 KiB in one request", scene: Scene::Small },
    Work { name: "block-get-4k", what: "40,000 block gets of 4 KiB over 64 connections", scene: Scene::Small },
    Work { name: "block-put-small", what: "4,000 block puts of 1 KiB over 16 connections", scene: Scene::Small },
    Work { name: "files-write", what: "10,000 files of 1 KiB written into one folder of the tree, each flushed", scene: Scene::Tree },
    Work { name: "files-stat", what: "2,000 times files stat of that folder", scene: Scene::Tree },
    Work { name: "files-ls", what: "20 times files ls -l of that folder", scene: Scene::Tree },
    Work { name: "concurrent-adds", what: "200 adds of 10 MiB at the same time", scene: Scene::Crowd },
    Work { name: "dag-export", what: "dag export of a file of 1 GiB", scene: Scene::Car },
    Work { name: "dag-import", what: "dag import of that CAR", scene: Scene::Car },
    Work { name: "pin-by-car", what: "dag import of a CAR that names 100,000 blocks as roots and holds none", scene: Scene::Car },
    Work { name: "gw-4k", what: "40,000 files of 4 KiB by CID over the gateway, 64 connections", scene: Scene::Gateway },
    Work { name: "gw-path", what: "20,000 paths in a directory of 4,000 entries over the gateway", scene: Scene::Gateway },
    Work { name: "gw-404", what: "20,000 names that are not in that directory", scene: Scene::Gateway },
    Work { name: "gw-list", what: "1,000 listings of a directory of 500 entries", scene: Scene::Gateway },
    Work { name: "gw-1g", what: "a file of 1 GiB over the gateway", scene: Scene::Gateway },
    Work { name: "gw-car", what: "the CAR of that file over the gateway", scene: Scene::Gateway },
    Work { name: "pin-ls-100k", what: "pin ls --stream of 100,000 recursive pins", scene: Scene::Blocks },
    Work { name: "repo-stat-300k", what: "repo stat at 300,000 blocks of 4 KiB", scene: Scene::Blocks },
    Work { name: "repo-verify", what: "repo verify of 300,000 blocks of 4 KiB", scene: Scene::Blocks },
    Work { name: "start-ready", what: "from exec to `Daemon is ready` with 300,000 blocks", scene: Scene::Blocks },
    Work { name: "repo-gc", what: "repo gc of 200,000 blocks out of 300,000, with puts, adds and gets going on", scene: Scene::Blocks },
];

/// Everything that is run, and what came of it.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    options: &'a Options,
    dir: PathBuf,
    quiet: Quiet,
    /// How long an answer may keep a client waiting.
    patience: Duration,
    samples: Vec<Sample>,
    /// Roots that A's `add` returned, which B must return as well.
    roots: HashMap<&'static str, String>,
    blocks: [Option<blocks::Repo>; 2],
    repos: u32,
}

impl<'a> Run<'a> {
    /// Nothing is run yet; repos will be put in `dir`.
    pub(crate) fn new(options: &'a Options, dir: &Path) -> Self {
        let (window, limit, patience) = if options.quick {
            (200, 2, 60)
        } else {
            (1000, 60, 1800)
        };
        Self {
            options,
            dir: dir.to_owned(),
            quiet: Quiet {
                window: Duration::from_millis(window),
                limit: Duration::from_secs(limit),
            },
            patience: Duration::from_secs(patience),
            samples: Vec::new(),
            roots: HashMap::new(),
            blocks: [None, None],
            repos: 0,
        }
    }

    /// Runs all works that were asked for. A scene that fails is left, the others still run.
    pub(crate) fn all(&mut self) -> Result<()> {
        let mut failures = Vec::new();
        for scene in SCENES {
            let names: Vec<_> = ALL
                .iter()
                .filter(|work| work.scene == scene && self.wants(work.name))
                .map(|work| work.name)
                .collect();
            if names.is_empty() {
                continue;
            }
            if let Err(error) = self.rounds(scene) {
                eprintln!("  failed: {error:#}");
                failures.push(format!("{}: {error:#}", names.join(", ")));
            }
            self.blocks = [None, None];
        }
        if !failures.is_empty() {
            bail!("not everything was measured\n{}", failures.join("\n"));
        }
        Ok(())
    }

    /// What was measured.
    pub(crate) fn into_samples(self) -> Vec<Sample> {
        self.samples
    }

    fn rounds(&mut self, scene: Scene) -> Result<()> {
        for round in 1..=self.options.rounds {
            for side in 0..2 {
                eprintln!(
                    "{scene:?}, round {round} of {}, {}",
                    self.options.rounds,
                    self.target(side).name
                );
                // What the round before left to be written must not be written during this one.
                nix::unistd::syncfs(File::open(&self.dir)?)?;
                match scene {
                    Scene::Rest => self.rest(side),
                    Scene::File => self.file(side),
                    Scene::LargeChunks => self.large_chunks(side),
                    Scene::Small => self.small(side),
                    Scene::Tree => self.tree(side),
                    Scene::Crowd => self.crowd(side),
                    Scene::Car => self.car(side),
                    Scene::Gateway => self.gateway(side),
                    Scene::Blocks => self.blocks(side),
                }
                .with_context(|| self.target(side).name.clone())?;
            }
        }
        Ok(())
    }

    fn wants(&self, work: &str) -> bool {
        self.options.works.contains(&work)
    }

    fn target(&self, side: usize) -> &'a Target {
        &self.options.targets[side]
    }

    /// `count` at scale 1, at least `least`.
    fn scaled(&self, count: u64, least: u64) -> u64 {
        ((count as f64 * self.options.scale).round() as u64).max(least)
    }

    /// A daemon on a fresh repo.
    fn fresh(&mut self, side: usize) -> Result<Node> {
        self.repos += 1;
        let repo = self.dir.join(format!("repo-{}", self.repos));
        let mut node = Node::init(self.target(side), repo, self.patience)?;
        node.start()?;
        Ok(node)
    }

    fn sample(
        &mut self,
        side: usize,
        work: &'static str,
        metric: &'static str,
        unit: Unit,
        value: f64,
    ) {
        self.samples.push(Sample {
            work,
            metric,
            unit,
            value,
            side,
        });
    }

    /// Records the cost of a work.
    fn cost(&mut self, side: usize, work: &'static str, cost: &Cost) {
        eprintln!("  {work}: {:.3} s, CPU {:.2} s", cost.wall, cost.cpu);
        for (metric, unit, value) in [
            ("wall", Unit::Seconds, Some(cost.wall)),
            ("cpu", Unit::Seconds, Some(cost.cpu)),
            ("peak memory", Unit::Bytes, Some(cost.peak as f64)),
            ("written", Unit::Bytes, Some(cost.written as f64)),
            ("write calls", Unit::Bytes, Some(cost.wchar as f64)),
            (
                "at rest",
                Unit::Bytes,
                cost.at_rest.map(|bytes| bytes as f64),
            ),
            ("client cpu", Unit::Seconds, Some(cost.client)),
        ] {
            if let Some(value) = value {
                self.sample(side, work, metric, unit, value);
            }
        }
    }

    /// Checks that both sides, in all rounds, gave the same root to the same data.
    fn agree(&mut self, work: &'static str, root: &str) -> Result<()> {
        let first = self.roots.entry(work).or_insert_with(|| root.to_owned());
        ensure!(
            first == root,
            "{work} gave {root}, and {first} before: this is not the same work"
        );
        Ok(())
    }
}

/// The values of `field` in an answer of one JSON object per line.
fn fields(answer: &[u8], field: &str) -> Result<Vec<String>> {
    answer
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let value: Value = serde_json::from_slice(line)
                .with_context(|| format!("not JSON: {:.200}", String::from_utf8_lossy(line)))?;
            let text = value[field]
                .as_str()
                .with_context(|| format!("no {field} in {value}"))?;
            Ok(text.to_owned())
        })
        .collect()
}

/// Counts lines as they come.
fn count_lines(count: &mut u64, piece: &[u8]) {
    *count += piece.iter().filter(|&&byte| byte == b'\n').count() as u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_the_list() {
        for (nth, work) in ALL.iter().enumerate() {
            assert!(work.name.len() < 18);
            assert!(ALL[nth + 1..].iter().all(|other| other.name != work.name));
        }
    }

    #[test]
    fn fields_of_lines() {
        assert_eq!(
            fields(b"{\"Hash\":\"a\"}\n{\"Hash\":\"b\"}\n", "Hash").unwrap(),
            ["a", "b"]
        );
        assert!(fields(b"{\"Hash\":1}\n", "Hash").is_err());
        assert!(fields(b"nonsense\n", "Hash").is_err());
        assert!(fields(b"", "Hash").unwrap().is_empty());
    }
}
