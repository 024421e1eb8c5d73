//! What passed, what failed, and the figures.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::settings::Settings;

/// The outcome of a proof so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    passed: usize,
    failures: Vec<String>,
    figures: Map<String, Value>,
}

impl Tally {
    /// Counts one check, and says at once why it failed.
    pub(crate) fn check(&mut self, name: &str, outcome: Result<()>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(error) => {
                println!("FAILED {name}: {error:#}");
                self.failures.push(format!("{name}: {error:#}"));
            }
        }
    }

    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Prints the totals and returns how many checks failed.
    pub(crate) fn finish(self, verb: &str, settings: &Settings) -> Result<usize> {
        for (name, value) in &self.figures {
            if !value.is_array() {
                println!("{name}: {value}");
            }
        }
        let failed = self.failures.len();
        println!("{} passed, {failed} failed", self.passed);
        if let Some(path) = &settings.json {
            let report = json!({
                "proof": verb,
                "seed": settings.seed,
                "whole": settings.whole,
                "passed": self.passed,
                "failed": failed,
                "failures": self.failures,
                "figures": self.figures,
            });
            let text = serde_json::to_string_pretty(&report)? + "\n";
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(failed)
    }
}
