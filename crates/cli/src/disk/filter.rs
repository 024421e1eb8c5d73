use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use basalt_commands::{Error, Result, go_error};
use regex::Regex;

/// What of a tree is left out: hidden files, and names that rules in the manner of `.gitignore`
/// match.
///
/// The manner is that of the library that Kubo uses, which differs from Git's and decides CIDs: a
/// rule becomes a regular expression and is held against the name alone. So `data/` matches
/// nothing, since no name has a slash, and `?` is a question mark.
pub(crate) struct Filter {
    hidden: bool,
    rules: Vec<Rule>,
}

struct Rule {
    names: Regex,
    takes_in_again: bool,
}

impl Filter {
    /// `hidden` takes hidden files in; `rules_file` holds a rule a line.
    pub(crate) fn new(hidden: bool, rules_file: Option<&Path>, rules: &[String]) -> Result<Self> {
        let mut all = Vec::new();
        if let Some(file) = rules_file {
            let failed = |call, e| Error::new(go_error(call, file, &e));
            let mut opened = fs::File::open(file).map_err(|e| failed("open", e))?;
            let mut text = Vec::new();
            let read = opened.read_to_end(&mut text);
            read.map_err(|e| failed("read", e))?;
            let text = String::from_utf8_lossy(&text);
            all.extend(text.split('\n').filter_map(Rule::new));
        }
        all.extend(rules.iter().filter_map(|rule| Rule::new(rule)));
        Ok(Self { hidden, rules: all })
    }

    /// Whether an entry of this name is left out.
    pub(crate) fn leaves_out(&self, name: &OsStr) -> bool {
        if !self.hidden && name.as_bytes().starts_with(b".") {
            return true;
        }
        let name = name.to_string_lossy();
        let hit = self.rules.iter().rev().find(|r| r.names.is_match(&name));
        hit.is_some_and(|rule| !rule.takes_in_again)
    }
}

impl Rule {
    /// Reads a line. One that is empty, a comment, or makes no expression is no rule.
    fn new(line: &str) -> Option<Self> {
        let line = line.trim_end_matches('\r');
        if line.starts_with('#') {
            return None;
        }
        let line = line.trim_matches(' ');
        if line.is_empty() {
            return None;
        }
        let (takes_in_again, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let line = line.strip_prefix(['#', '!']).unwrap_or(line);
        let names = Regex::new(&expression(line)).ok()?;
        Some(Self {
            names,
            takes_in_again,
        })
    }
}

/// Stands for a star of the expression, so that it is not taken for one of the rule.
const STAR: &str = "#$~";

/// The expression of a rule.
fn expression(rule: &str) -> String {
    let mut text = rule.to_owned();
    if has_suffix_below(&text) && !text.starts_with('/') {
        text.insert(0, '/');
    }
    let mut text = text.replace('.', "\\.");
    if text.starts_with("/**/") {
        text.remove(0);
    }
    for (from, to) in [
        ("/**/", "(/|/.+/)".to_owned()),
        ("**/", format!("(|.{STAR}/)")),
        ("/**", format!("(|/.{STAR})")),
        ("\\*", format!("\\{STAR}")),
        ("*", "([^/]*)".to_owned()),
        ("?", "\\?".to_owned()),
        (STAR, "*".to_owned()),
    ] {
        text = text.replace(from, &to);
    }
    let end = if text.ends_with('/') {
        "(|.*)$"
    } else {
        "(|/.*)$"
    };
    match text.strip_prefix('/') {
        Some(rest) => format!("^(|/){rest}{end}"),
        None => format!("^(|.*/){text}{end}"),
    }
}

/// Whether the rule has a folder and, somewhere below it, `*.`: it then begins at the top.
fn has_suffix_below(rule: &str) -> bool {
    let bytes = rule.as_bytes();
    let slash = bytes
        .windows(2)
        .position(|pair| pair[1] == b'/' && !b"/+".contains(&pair[0]));
    slash.is_some_and(|at| rule[at + 2..].contains("*."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(rules: &[&str], name: &str) -> bool {
        let rules: Vec<String> = rules.iter().map(|&r| r.into()).collect();
        let filter = Filter::new(false, None, &rules).unwrap();
        filter.leaves_out(OsStr::new(name))
    }

    #[test]
    fn hidden_and_ruled_out_names_are_left_out() {
        let rules = ["*.tmp", "!keep.tmp", "# *", " a\r", "x?"];
        for (name, out) in [
            (".git", true),
            ("b.tmp", true),
            ("keep.tmp", false),
            ("b.txt", false),
            ("a", true),
            ("xy", false),
            ("x?", true),
            ("b_tmp", false),
        ] {
            assert_eq!(left_out(&rules, name), out, "{name}");
        }
    }

    // Each was tried with Kubo.
    #[test]
    fn rules_match_names_as_in_kubo() {
        assert!(!left_out(&["b/"], "b"));
        assert!(left_out(&["/b"], "b"));
        assert!(left_out(&["**/b"], "b"));
        assert!(!left_out(&["b/**/c"], "c"));
        assert!(left_out(&["b/**"], "b"));
        assert!(left_out(&["[ab]"], "a"));
        assert!(!left_out(&["(", "[z-a]"], "("));
        assert!(!left_out(&["d/*.log"], "x.log"));
        assert!(!left_out(&["b", "!!b"], "b") && left_out(&["b", "!b", "b"], "b"));
    }
}
