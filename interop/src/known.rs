//! Differences that are meant, each with its reason: `interop/known-differences.toml`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::places;

const BEGIN: &str = "<!-- known differences: begin (basalt-interop compat-table) -->";
const END: &str = "<!-- known differences: end -->";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    difference: Vec<Difference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// Names of cases, `group: name`, or of single runs, `group: name [mode]`.
    cases: Vec<String>,
    reason: String,
}

/// Names of cases or runs to reasons.
pub(crate) type Known = BTreeMap<String, String>;

fn read() -> Result<File> {
    let path = places::root().join("interop/known-differences.toml");
    if !path.exists() {
        return Ok(File::default());
    }
    Ok(toml::from_str(&fs::read_to_string(path)?)?)
}

/// Reads the list.
pub(crate) fn load() -> Result<Known> {
    let mut known = Known::new();
    for difference in read()?.difference {
        for case in difference.cases {
            known.insert(case, difference.reason.clone());
        }
    }
    Ok(known)
}

/// The entry that covers a run, by the run's own name or the case's.
pub(crate) fn entry<'a>(known: &'a Known, id: &str) -> Option<(&'a str, &'a str)> {
    let case = id.rsplit_once(" [").map_or(id, |(case, _)| case);
    let found = known
        .get_key_value(id)
        .or_else(|| known.get_key_value(case));
    found.map(|(name, reason)| (name.as_str(), reason.as_str()))
}

/// Writes the list as a table into `docs/compat.md`, between its two marks.
pub(crate) fn write_table() -> Result<()> {
    let mut table = "| what differs | why |\n|---|---|\n".to_owned();
    for difference in read()?.difference {
        let cases: Vec<String> = difference
            .cases
            .iter()
            .map(|case| format!("`{}`", case.replace('|', "\\|")))
            .collect();
        let reason = difference.reason.trim().replace('\n', " ");
        table += &format!("| {} | {reason} |\n", cases.join("<br>"));
    }
    let path = places::root().join("docs/compat.md");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    fs::write(&path, between(&text, &table))?;
    Ok(())
}

fn between(text: &str, table: &str) -> String {
    let block = format!("{BEGIN}\n\n{table}\n{END}");
    match (text.find(BEGIN), text.find(END)) {
        (Some(begin), Some(end)) if begin < end => {
            format!("{}{block}{}", &text[..begin], &text[end + END.len()..])
        }
        _ => format!("{}\n\n## Known differences\n\n{block}\n", text.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_put_between_its_marks() {
        let first = between("# Compat\n", "old\n");
        let second = between(&first, "new\n");
        assert!(second.contains("new") && !second.contains("old"));
        assert_eq!(between(&second, "new\n"), second);
    }

    #[test]
    fn an_entry_covers_a_run_or_all_runs_of_a_case() {
        let known = Known::from([("a: b".to_owned(), "x".to_owned())]);
        assert!(entry(&known, "a: b [offline]").is_some());
        assert!(entry(&known, "a: bc [offline]").is_none());
    }

    #[test]
    fn the_list_parses() {
        load().unwrap();
    }
}
