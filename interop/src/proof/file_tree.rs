//! Random walks over the file tree: the same `files` commands on Basalt and on real Kubo, wrong ones
//! among them. After each the answer must be the same, and the CID of the root.
//!
//! A seed decides a walk. Each begins at an empty directory, so that it can be made again alone, and
//! one that differs is told with the steps only that it takes.

mod both;
mod meant;
mod plan;
mod shrink;

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use serde_json::json;

use super::settings::Settings;
use super::side::Config;
use super::tally::Tally;
use both::{Both, End};
use plan::Plan;

/// Walks where nobody says how many, in the short form and in the whole one.
const SHORT: u64 = 60;
const WHOLE: u64 = 3000;

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("basalt-files-")
        .tempdir_in(&settings.dir)?;
    // In every other walk a directory of three entries is a HAMT.
    let small = [
        ("Import.UnixFSHAMTDirectorySizeThreshold", json!("100B")),
        ("Import.UnixFSHAMTDirectoryMaxFanout", json!(8)),
    ];
    let small = small.map(|(key, value)| (key.to_owned(), value)).into();
    let bin = &settings.bin;
    let mut usual = Both::start(bin, &folder.path().join("usual"), Config::new())?;
    let mut sharded = Both::start(bin, &folder.path().join("sharded"), small)?;
    let rounds = settings
        .rounds
        .unwrap_or(if settings.whole { WHOLE } else { SHORT });
    let (mut steps, mut refused) = (0, 0);
    let mut meant: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in (0..rounds).map(|round| settings.seed.wrapping_add(round)) {
        let both = match seed % 2 {
            0 => &mut usual,
            _ => &mut sharded,
        };
        let plan = Plan::new(seed, &both.stored);
        let walk = both
            .walk(&plan.steps)
            .with_context(|| format!("walk {seed}"))?;
        steps += walk.steps;
        refused += walk.refused;
        let outcome = match walk.end {
            End::Same => Ok(()),
            End::Meant(why) => {
                *meant.entry(why).or_default() += 1;
                Ok(())
            }
            End::Differs(_) => {
                let (steps, difference) = shrink::shrink(both, plan.steps)?;
                let shown: Vec<String> = steps.iter().map(|step| format!("  {step}")).collect();
                Err(anyhow!("they differ\n{}\n{difference}", shown.join("\n")))
            }
        };
        tally.check(&format!("walk {seed}"), outcome);
    }
    usual.stop()?;
    sharded.stop()?;
    tally.figure("steps", steps);
    tally.figure("refused", refused);
    for (why, times) in meant {
        println!("note: {times} walks ended where Basalt means to differ: {why}");
    }
    Ok(())
}
