//! Random trees of files with random options of `add`: what a binary prints, and so every CID, must be
//! what Kubo prints.
//!
//! A seed decides everything, on every machine: the names, bytes, modes and times of the tree, and the
//! options. So an answer can be recorded and a failure be run again.

mod answer;
mod names;
mod options;
mod plan;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::options::{TreeKind, TreeOptions};
use crate::places;
use crate::side::Side;

use self::answer::{Answer, Runner};
use self::plan::Plan;

/// Seeds recorded when nobody says how many.
const RECORDED_FROM: u64 = 1;

/// Compares, records or replays, and returns the number of seeds that differ.
pub(crate) fn run(options: &TreeOptions) -> Result<usize> {
    match options.kind {
        TreeKind::Compare => compare(options),
        TreeKind::Record => record(options),
        TreeKind::Replay => replay(options),
    }
}

fn compare(options: &TreeOptions) -> Result<usize> {
    let first = match options.seed {
        Some(seed) => seed,
        None => clock()?,
    };
    let mut seeds = kept_seeds()?;
    let kept = seeds.len();
    seeds.extend((0..options.rounds).map(|round| first.wrapping_add(round)));
    println!(
        "trees: {kept} kept seeds, then {} from {first}",
        options.rounds
    );
    let (left, right) = (
        Side::new(&options.left, None, &options.left)?,
        Side::new(&options.bin, None, &options.bin)?,
    );
    let mut left = Runner::new(&left)?;
    let mut right = Runner::new(&right)?;
    let (mut failed, mut lost) = (0, 0);
    for seed in &seeds {
        let plan = Plan::new(*seed);
        let expected = left.run(&plan)?;
        if expected.lost_itself() {
            lost += 1;
            continue;
        }
        let found = right.run(&plan)?;
        if !report(&plan, &expected, &found) {
            failed += 1;
            keep_seed(*seed)?;
        }
    }
    if lost > 0 {
        println!("{lost} trees that Kubo itself cannot hash without storing them are left out");
    }
    println!("{} passed, {failed} failed", seeds.len() - failed - lost);
    Ok(failed)
}

fn record(options: &TreeOptions) -> Result<usize> {
    let first = options.seed.unwrap_or(RECORDED_FROM);
    let mut seeds = kept_seeds()?;
    seeds.extend(first..first + options.rounds);
    let side = Side::new(&options.left, None, &options.left)?;
    let mut runner = Runner::new(&side)?;
    let mut recorded = Recorded::new();
    for seed in &seeds {
        let plan = Plan::new(*seed);
        let answer = runner.run(&plan)?;
        if !answer.lost_itself() {
            recorded.insert(*seed, answer.recorded(&plan));
        }
    }
    let text = serde_json::to_string_pretty(&recorded)? + "\n";
    fs::create_dir_all(places::recorded())?;
    fs::write(recorded_file(), text)?;
    println!("{} trees recorded", recorded.len());
    Ok(0)
}

fn replay(options: &TreeOptions) -> Result<usize> {
    let recorded = read_recorded()?;
    let side = Side::new(&options.bin, None, &options.bin)?;
    let mut runner = Runner::new(&side)?;
    let mut failed = 0;
    for (seed, expected) in &recorded {
        if options.seed.is_some_and(|only| only != *seed) {
            continue;
        }
        let plan = Plan::new(*seed);
        let found = runner.run(&plan)?;
        let lines = found.recorded(&plan);
        if *expected != lines {
            failed += 1;
            println!(
                "FAIL tree {seed}\n{}",
                crate::diff::unified(expected, &lines)
            );
        }
    }
    println!("{} passed, {failed} failed", recorded.len() - failed);
    Ok(failed)
}

fn report(plan: &Plan, expected: &Answer, found: &Answer) -> bool {
    if expected == found {
        return true;
    }
    println!("FAIL tree {}: {}", plan.seed, plan.shown());
    print!("{}", expected.diff(found));
    false
}

/// Answers by seed, as lines.
type Recorded = BTreeMap<u64, Vec<String>>;

fn recorded_file() -> PathBuf {
    places::recorded().join("trees.json")
}

fn read_recorded() -> Result<Recorded> {
    match fs::read_to_string(recorded_file()) {
        Ok(text) => serde_json::from_str(&text).context("testdata/recorded/trees.json"),
        Err(_) => Ok(Recorded::new()),
    }
}

fn seeds_file() -> PathBuf {
    places::root().join("testdata/tree-seeds.txt")
}

/// Seeds that failed once: one a line, `#` begins a remark.
fn kept_seeds() -> Result<Vec<u64>> {
    let text = fs::read_to_string(seeds_file()).unwrap_or_default();
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(|line| {
            line.parse()
                .with_context(|| format!("tree-seeds.txt: `{line}`"))
        })
        .collect()
}

fn keep_seed(seed: u64) -> Result<()> {
    if kept_seeds()?.contains(&seed) {
        return Ok(());
    }
    let mut text = fs::read_to_string(seeds_file()).unwrap_or_default();
    text += &format!("{seed}\n");
    fs::write(seeds_file(), text)?;
    Ok(())
}

fn clock() -> Result<u64> {
    Ok(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_seed_still_makes_the_same_command() {
        for (seed, lines) in read_recorded().unwrap() {
            let plan = Plan::new(seed);
            assert_eq!(lines[0], plan.shown(), "seed {seed} now makes another tree");
        }
    }
}
