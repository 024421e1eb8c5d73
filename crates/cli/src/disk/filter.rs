use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use basalt_commands::{Error, Result};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// What of a tree is left out: hidden files, and names that rules in the manner of `.gitignore`
/// match. Rules are held against the name alone, as in Kubo.
pub(crate) struct Filter {
    hidden: bool,
    rules: Gitignore,
}

impl Filter {
    /// `hidden` takes hidden files in; `rules_file` holds a rule a line.
    pub(crate) fn new(hidden: bool, rules_file: Option<&Path>, rules: &[String]) -> Result<Self> {
        let mut builder = GitignoreBuilder::new("");
        if let Some(file) = rules_file {
            let text =
                std::fs::read_to_string(file).map_err(|e| super::go_error("open", file, &e))?;
            add(&mut builder, text.lines())?;
        }
        add(&mut builder, rules.iter().map(String::as_str))?;
        let rules = builder.build().map_err(|e| Error::new(e.to_string()))?;
        Ok(Self { hidden, rules })
    }

    /// Whether an entry of this name is left out.
    pub(crate) fn leaves_out(&self, name: &OsStr, is_dir: bool) -> bool {
        (!self.hidden && name.as_bytes().starts_with(b"."))
            || self.rules.matched(Path::new(name), is_dir).is_ignore()
    }
}

fn add<'a>(builder: &mut GitignoreBuilder, rules: impl Iterator<Item = &'a str>) -> Result<()> {
    for rule in rules {
        builder
            .add_line(None, rule)
            .map_err(|e| Error::new(e.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_ruled_out_names_are_left_out() {
        let filter = Filter::new(false, None, &["*.tmp".into(), "!keep.tmp".into()]).unwrap();
        let out = |name: &str| filter.leaves_out(OsStr::new(name), false);
        assert!(out(".git") && out("a.tmp"));
        assert!(!out("keep.tmp") && !out("a.txt"));
    }
}
