//! What a run prints: failing cases with their diffs, totals by group, one last line.

use std::collections::{BTreeMap, BTreeSet};

use crate::diff;
use crate::known::{self, Known};
use crate::options::Options;

#[derive(Debug, Default)]
struct Totals {
    passed: usize,
    failed: usize,
    known: usize,
}

/// Counts runs as they are compared.
pub(crate) struct Report<'a> {
    known: &'a Known,
    quiet: bool,
    all_diffs: bool,
    /// Another command line answers, so entries may well not differ.
    client: bool,
    groups: BTreeMap<String, Totals>,
    /// Entries of the list of known differences that were met, and that did differ.
    met: BTreeSet<String>,
    differing: BTreeSet<String>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(known: &'a Known, options: &Options) -> Self {
        Self {
            known,
            quiet: options.quiet,
            all_diffs: options.all_diffs,
            client: options.client.is_some(),
            groups: BTreeMap::new(),
            met: BTreeSet::new(),
            differing: BTreeSet::new(),
        }
    }

    /// Compares what was expected of a run with what came.
    pub(crate) fn run(
        &mut self,
        group: &str,
        id: &str,
        expected: Option<&Vec<Vec<String>>>,
        found: Option<&Vec<Vec<String>>>,
    ) {
        let totals = self.groups.entry(group.to_owned()).or_default();
        let known = known::entry(self.known, id);
        if let Some((name, _)) = known {
            self.met.insert(name.to_owned());
        }
        let lines = |steps: Option<&Vec<Vec<String>>>, missing: &str| match steps {
            Some(steps) => steps.concat(),
            None => vec![missing.to_owned()],
        };
        let left = lines(
            expected,
            "(nothing is recorded: run `basalt-interop record`)",
        );
        let right = lines(found, "(was not run)");
        if left == right {
            totals.passed += 1;
            return;
        }
        match known {
            Some((name, reason)) => {
                totals.known += 1;
                self.differing.insert(name.to_owned());
                if self.all_diffs {
                    println!("known {id}: {reason}\n{}", diff::unified(&left, &right));
                }
            }
            None => {
                totals.failed += 1;
                println!("FAIL {id}");
                if !self.quiet {
                    print!("{}", diff::unified(&left, &right));
                }
            }
        }
    }

    /// Prints the totals and returns the number of failures; `whole`: every case was run.
    pub(crate) fn finish(self, whole: bool) -> usize {
        let mut sum = Totals::default();
        for (name, totals) in &self.groups {
            let all = totals.passed + totals.failed + totals.known;
            println!(
                "{name:<16} {:>4} of {all:>4}{}",
                totals.passed,
                match totals.known {
                    0 => String::new(),
                    known => format!(", {known} known differences"),
                }
            );
            sum.passed += totals.passed;
            sum.failed += totals.failed;
            sum.known += totals.known;
        }
        for name in self.known.keys() {
            let stale = match self.met.contains(name) {
                true => !self.differing.contains(name),
                false => whole,
            };
            if stale && !self.client {
                sum.failed += 1;
                println!("FAIL known difference `{name}` does not differ: take it off the list");
            }
        }
        let known = match sum.known {
            0 => String::new(),
            known => format!(", {known} known differences"),
        };
        println!("{} passed, {} failed{known}", sum.passed, sum.failed);
        sum.failed
    }
}
