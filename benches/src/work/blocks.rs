//! A repo of many blocks, a third of them pinned, which is kept for all rounds.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Run, count_lines, fields};
use crate::data::append_block;
use crate::http::{Body, Form};
use crate::meter::{self, Files};
use crate::node::Node;
use crate::process;
use crate::sample::{Unit, median};

const BLOCK: usize = 4096;
const GARBAGE_SEED: u64 = 4;
const PINNED_SEED: u64 = 5;
/// Blocks in one request.
const BATCH: u64 = 5000;
/// How often a short call is repeated in a round.
const REPEATS: u32 = 5;

/// The repo and what is in it.
#[derive(Debug)]
pub(super) struct Repo {
    pub(super) node: Node,
    /// CIDs of some pinned blocks.
    pub(super) pinned: Vec<String>,
    pub(super) pins: u64,
    pub(super) garbage: u64,
    /// Whether the unpinned blocks are there.
    pub(super) littered: bool,
    /// How often garbage was collected.
    pub(super) collections: u64,
}

impl Run<'_> {
    pub(super) fn blocks(&mut self, side: usize) -> Result<()> {
        let mut repo = match self.blocks[side].take() {
            Some(repo) => repo,
            None => self.fill(side)?,
        };
        if !repo.littered {
            put(&repo.node, GARBAGE_SEED, repo.garbage, false)?;
            repo.littered = true;
        }
        // What filling the repo left to do is no part of what follows.
        meter::settle(repo.node.pid()?, self.quiet)?;
        nix::unistd::syncfs(std::fs::File::open(&self.dir)?)?;

        if self.wants("pin-ls-100k") {
            self.list_pins(side, &repo)?;
        }
        if self.wants("repo-stat-300k") {
            self.stat(side, &repo.node)?;
        }
        if self.wants("repo-verify") {
            self.verify(side, &repo)?;
        }
        if self.wants("start-ready") {
            self.restart(side, &mut repo.node)?;
        }
        if self.wants("repo-gc") {
            self.collect(side, &mut repo)?;
        }
        self.blocks[side] = Some(repo);
        Ok(())
    }

    fn fill(&mut self, side: usize) -> Result<Repo> {
        let pins = self.scaled(100_000, 200);
        let garbage = 2 * pins;
        let node = self.fresh(side)?;
        let began = Instant::now();
        let mut pinned = put(&node, PINNED_SEED, pins, true)?;
        pinned.truncate(10_000);
        put(&node, GARBAGE_SEED, garbage, false)?;
        eprintln!(
            "  filled with {} blocks in {:.1} s",
            pins + garbage,
            began.elapsed().as_secs_f64()
        );
        Ok(Repo {
            node,
            pinned,
            pins,
            garbage,
            littered: true,
            collections: 0,
        })
    }

    fn list_pins(&mut self, side: usize, repo: &Repo) -> Result<()> {
        let work = "pin-ls-100k";
        let ((rows, first), cost) = meter::measure(&repo.node, self.quiet, Files::Left, || {
            let (mut rows, mut first) = (0, None);
            let mut connection = repo.node.connect()?;
            let began = Instant::now();
            connection.call("pin/ls?type=recursive&stream=true", &mut |piece| {
                first.get_or_insert_with(|| began.elapsed());
                count_lines(&mut rows, piece);
            })?;
            Ok((rows, first.unwrap_or_default()))
        })?;
        ensure!(
            rows >= repo.pins,
            "pin ls returned {rows} rows of {}",
            repo.pins
        );
        self.cost(side, work, &cost);
        self.sample(side, work, "first row", Unit::Seconds, first.as_secs_f64());
        Ok(())
    }

    fn stat(&mut self, side: usize, node: &Node) -> Result<()> {
        let work = "repo-stat-300k";
        let (times, cost) = meter::measure(node, self.quiet, Files::Left, || {
            let mut connection = node.connect()?;
            let mut times = Vec::new();
            for _ in 0..REPEATS {
                let began = Instant::now();
                connection.text("repo/stat")?;
                times.push(began.elapsed().as_secs_f64());
            }
            Ok(times)
        })?;
        let wall = median(&times).unwrap_or_default();
        eprintln!("  {work}: {wall:.4} s");
        self.sample(side, work, "wall", Unit::Seconds, wall);
        self.sample(
            side,
            work,
            "cpu",
            Unit::Seconds,
            cost.cpu / f64::from(REPEATS),
        );
        self.sample(side, work, "peak memory", Unit::Bytes, cost.peak as f64);
        Ok(())
    }

    fn verify(&mut self, side: usize, repo: &Repo) -> Result<()> {
        let work = "repo-verify";
        let ((), cost) = meter::measure(&repo.node, self.quiet, Files::Left, || {
            repo.node.connect()?.call("repo/verify", &mut |_| {})
        })?;
        self.cost(side, work, &cost);
        let blocks = (repo.pins + repo.garbage) as f64;
        self.sample(side, work, "blocks", Unit::PerSecond, blocks / cost.wall);
        Ok(())
    }

    fn restart(&mut self, side: usize, node: &mut Node) -> Result<()> {
        let work = "start-ready";
        let (mut ready, mut stop, mut cpu, mut memory) = (vec![], vec![], vec![], vec![]);
        for _ in 0..REPEATS {
            stop.push(node.stop()?.as_secs_f64());
            ready.push(node.start()?.as_secs_f64());
            // Something is often begun only after the line was printed.
            std::thread::sleep(Duration::from_millis(100));
            cpu.push(process::usage(node.pid()?)?.cpu);
            memory.push(process::memory(node.pid()?)?.peak as f64);
        }
        for (metric, unit, values) in [
            ("ready", Unit::Seconds, &ready),
            ("stopped", Unit::Seconds, &stop),
            ("cpu", Unit::Seconds, &cpu),
            ("peak memory", Unit::Bytes, &memory),
        ] {
            self.sample(side, work, metric, unit, median(values).unwrap_or_default());
        }
        eprintln!("  {work}: {:.4} s", median(&ready).unwrap_or_default());
        Ok(())
    }
}

/// Puts `count` blocks of the series `seed`; returns their CIDs.
pub(super) fn put(node: &Node, seed: u64, count: u64, pin: bool) -> Result<Vec<String>> {
    let mut connection = node.connect()?;
    let mut cids = Vec::new();
    let path = format!("block/put?cid-codec=raw&pin={pin}");
    for start in (0..count).step_by(BATCH as usize) {
        let mut form = Form::default();
        for number in start..count.min(start + BATCH) {
            form.file("block", |bytes| append_block(bytes, seed, number, BLOCK));
        }
        let mut answer = Vec::new();
        connection.upload(&path, Body::from(form), &mut |piece| {
            answer.extend_from_slice(piece)
        })?;
        cids.extend(fields(&answer, "Key").context("block put")?);
    }
    ensure!(
        cids.len() as u64 == count,
        "block put returned {} rows for {count} blocks",
        cids.len()
    );
    Ok(cids)
}
