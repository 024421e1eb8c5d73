//! How exactly the answers of a step are compared.

use anyhow::{Context, Result};
use regex::Regex;
use serde::Deserialize;

/// What of stdout, or of an HTTP body, is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stdout {
    /// Every byte.
    #[default]
    Exact,
    /// The bones of a help text: headings, usage, names of options and subcommands; no prose.
    Help,
    /// The values of a JSON document, whatever its spaces.
    Json,
    /// Only the names and the kinds of values of a JSON document.
    Shape,
    /// The entries of a tar archive, without their times.
    Tar,
    /// That it is a page of HTML, and where its links on the same site and to other roots lead.
    Page,
    /// Only whether there is any.
    Class,
    /// Nothing.
    Ignore,
}

/// What of stderr is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stderr {
    /// The first line that begins with `Error:`.
    #[default]
    Error,
    /// Every byte.
    Full,
    /// Only whether there is such a line.
    Class,
    /// Nothing.
    Ignore,
}

/// The rules of one step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) stdout: Stdout,
    pub(crate) stderr: Stderr,
    /// Lines come in any order.
    pub(crate) sort: bool,
    /// What legitimately differs: each match becomes `*`, or its groups do.
    pub(crate) masks: Vec<Regex>,
}

impl Rules {
    /// These rules with what an inner level of a case file says about them; masks add up.
    pub(crate) fn with(
        &self,
        stdout: Option<Stdout>,
        stderr: Option<Stderr>,
        sort: Option<bool>,
        masks: Option<Vec<String>>,
    ) -> Result<Self> {
        let mut rules = self.clone();
        rules.stdout = stdout.unwrap_or(rules.stdout);
        rules.stderr = stderr.unwrap_or(rules.stderr);
        rules.sort = sort.unwrap_or(rules.sort);
        for mask in masks.unwrap_or_default() {
            let pattern = match mask.as_str() {
                "numbers" => "[0-9]+",
                "times" => r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)",
                other => other,
            };
            rules
                .masks
                .push(Regex::new(pattern).with_context(|| format!("mask `{mask}`"))?);
        }
        Ok(rules)
    }
}
