//! Arguments: which words are strings, which name files, and where standard input stands in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use basalt_commands::files::Files;
use basalt_commands::parse::Line;
use basalt_commands::{Arg, Error, Result, Spec, Value};

use crate::disk::{self, Disk, Filter, Named, Walk};
use crate::in_turn::InTurn;
use crate::stdin::Stdin;

/// The arguments of a command line.
pub(crate) struct Inputs {
    /// Strings.
    pub(crate) args: Vec<String>,
    /// Files, or standard input.
    pub(crate) files: Option<Box<dyn Files>>,
}

struct Reader<'a> {
    line: &'a Line,
    args: Vec<String>,
    named: Vec<Named>,
    stdin: Option<Stdin>,
    walk: Walk,
}

/// Reads the arguments of `line` as `spec` says.
pub(crate) fn read(line: &Line, spec: &Spec) -> Result<Inputs> {
    let defs = spec.args;
    let many = defs.last().is_some_and(|d| d.variadic);
    if !many && line.args.len() > defs.len() {
        return Err(Error::new(format!(
            "expected {} argument(s), got {}",
            defs.len(),
            line.args.len()
        )));
    }
    let mut reader = Reader {
        line,
        args: Vec::new(),
        named: Vec::new(),
        stdin: None,
        walk: walk(line)?,
    };
    let mut words = line.args.iter();
    let mut left_required = defs.iter().filter(|d| d.required).count();
    let from_stdin = defs.last().is_some_and(|d| d.stdin);
    let total = line.args.len() + usize::from(from_stdin);
    let mut at = 0;
    for input in 0..total {
        let left = total - input;
        while at < defs.len() && left <= left_required && !defs[at].required {
            at += 1;
        }
        let Some(def) = defs.get(at).or(defs.last()) else {
            break;
        };
        if def.required {
            left_required = left_required.saturating_sub(1);
        }
        let filling = at >= defs.len();
        match words.next() {
            Some(word) if def.file => reader.file(word, def)?,
            Some(word) => reader.args.push(word.to_string_lossy().into_owned()),
            None if def.stdin && !filling && (!def.file || def.required) => {
                reader.stdin = Some(Stdin::new(reader.stdin_name().into()));
            }
            None if def.required && !filling => {
                return Err(Error::new(format!("argument {:?} is required", def.name)));
            }
            None => {}
        }
        at += 1;
    }
    // Standard input stands in for a file, never for the words before it.
    let mut strings = defs.iter().filter(|d| d.required && !d.file && !d.stdin);
    if let Some(def) = strings.nth(reader.args.len()) {
        return Err(Error::new(format!("argument {:?} is required", def.name)));
    }
    if let Some(def) = defs.iter().skip(at).find(|d| d.required) {
        return Err(Error::new(format!("argument {:?} is required", def.name)));
    }
    Ok(reader.finish())
}

impl Reader<'_> {
    fn flag(&self, name: &str) -> bool {
        self.line
            .parsed
            .given()
            .any(|(n, v)| n == name && *v == Value::Bool(true))
    }

    fn stdin_name(&self) -> String {
        text(self.line, "stdin-name").unwrap_or_default()
    }

    fn file(&mut self, word: &OsString, def: &Arg) -> Result<()> {
        if word == "-" {
            self.stdin = Some(Stdin::new(self.stdin_name().into()));
            return Ok(());
        }
        if let Some(named) = disk::named_url(word) {
            self.named.push(named);
            return Ok(());
        }
        let follow = self.flag("dereference-args") || self.walk.follow_links;
        let named = disk::name(word, follow)?;
        let stat = std::fs::symlink_metadata(&named.path)
            .map_err(|e| disk::failed("lstat", &named.path, &e))?;
        if stat.is_dir() && !def.recursive {
            return Err(Error::new(format!(
                "invalid path '{}', argument '{}' does not support directories",
                named.path.display(),
                def.name
            )));
        }
        if stat.is_dir() && !self.flag("recursive") {
            return Err(Error::new(format!(
                "'{}' is a directory, use the '-r' flag to specify directories",
                named.path.display()
            )));
        }
        // The same file named twice is one file; two of one name would be one entry.
        if let Some(other) = self.named.iter().find(|n| n.name == named.name) {
            let folder = |n: &Named| {
                n.path
                    .parent()
                    .filter(|p| !p.as_os_str().is_empty())
                    .map_or_else(|| ".".to_owned(), |p| p.display().to_string())
            };
            let (this, that) = (folder(&named), folder(other));
            if this == that {
                return Ok(());
            }
            return Err(Error::new(format!(
                "file name {} repeated under different import directories: {this} and {that}",
                String::from_utf8_lossy(&named.name)
            )));
        }
        self.named.push(named);
        Ok(())
    }

    fn finish(self) -> Inputs {
        let disk = |named: Vec<Named>, total| -> Box<dyn Files> {
            Box::new(Disk::new(named, self.walk.clone(), total))
        };
        let files: Option<Box<dyn Files>> = match (self.stdin, self.named.is_empty()) {
            (stdin, true) => stdin.map(|stdin| Box::new(stdin) as Box<dyn Files>),
            (None, false) => {
                let total = disk::total_size(&self.named, &self.walk);
                Some(disk(self.named, Some(total)))
            }
            // In the order of their names, as Kubo has them.
            (Some(stdin), false) => {
                let (before, after): (Vec<_>, Vec<_>) = self
                    .named
                    .into_iter()
                    .partition(|named| named.name < *stdin.name());
                let (before, after) = (disk(before, None), disk(after, None));
                Some(Box::new(InTurn::new([before, Box::new(stdin), after])))
            }
        };
        Inputs {
            args: self.args,
            files,
        }
    }
}

fn text(line: &Line, name: &str) -> Option<String> {
    line.parsed.given().find_map(|(n, v)| match v {
        Value::String(text) if n == name => Some(text.clone()),
        _ => None,
    })
}

fn walk(line: &Line) -> Result<Walk> {
    let given: BTreeMap<_, _> = line.parsed.given().collect();
    let flag = |name| given.get(name) == Some(&&Value::Bool(true));
    let rules = match given.get("ignore") {
        Some(Value::Strings(rules)) => rules.as_slice(),
        _ => &[],
    };
    let rules_file = text(line, "ignore-rules-path").map(PathBuf::from);
    // Rules that nothing is held against are not read: standard input has no names.
    let filter = if line.args.iter().any(|word| word != "-") {
        Filter::new(flag("hidden"), rules_file.as_deref(), rules)?
    } else {
        Filter::new(flag("hidden"), None, &[])?
    };
    Ok(Walk {
        filter: Arc::new(filter),
        follow_links: flag("dereference-symlinks"),
    })
}
