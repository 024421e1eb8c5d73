//! The command line.

use std::ffi::OsString;

use basalt::repo::go_quote as quote;

use crate::options::{Globals, OptionSet, Parsed, Value};
use crate::parse::find;
use crate::spec::{Kind, Opt};
use crate::table::{self, Place};

/// A command line, taken apart. File arguments are still names.
#[derive(Default)]
pub struct Line {
    /// The words of the command.
    pub path: Vec<String>,
    /// The command or group at that path; `None` for the root.
    pub place: Option<Place>,
    /// The command's options.
    pub parsed: Parsed,
    /// Options of every command.
    pub globals: Parsed,
    /// What is neither command nor option; names of files need not be UTF-8.
    pub args: Vec<OsString>,
}

impl Line {
    fn find(&self, name: &str) -> Option<(&'static Opt, bool)> {
        find(&self.path.join("/"), name)
    }

    fn set(&mut self, name: &str, value: Value) -> Result<(), String> {
        match self.find(name) {
            Some((opt, true)) => {
                self.parsed.note_online(opt, &value);
                self.globals.insert(opt, value)
            }
            Some((opt, false)) => self.parsed.insert(opt, value),
            None => Err(format!("unknown option {}", quote(name))),
        }
    }

    /// The options of every command, read.
    pub fn globals(&self) -> Globals {
        Globals::read(&self.globals)
    }
}

/// Takes a command line apart, the program's name left out. What was understood before an error is
/// given back with it.
pub fn command_line(words: &[OsString]) -> (Line, Result<(), String>) {
    let mut line = Line::default();
    let done = read(&mut line, words);
    (line, done)
}

fn read(line: &mut Line, words: &[OsString]) -> Result<(), String> {
    let mut at = 0;
    while at < words.len() {
        let word = words[at].to_string_lossy().into_owned();
        at += 1;
        if word == "--" {
            line.args.extend_from_slice(&words[at..]);
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            read_long(line, long, words, &mut at)?;
        } else if let Some(short) = word.strip_prefix('-').filter(|s| !s.is_empty()) {
            read_short(line, short, words, &mut at)?;
        } else {
            let mut path = line.path.clone();
            path.push(word.clone());
            if let Some(place) = table::find(&path.join("/")) {
                line.path = path;
                line.place = Some(place);
                continue;
            }
            line.args.push(words[at - 1].clone());
            if line.path.is_empty() {
                return Err(crate::suggest::unknown_command(&word));
            }
        }
    }
    Ok(())
}

fn take_value(words: &[OsString], at: &mut usize, name: &str) -> Result<String, String> {
    let value = words
        .get(*at)
        .ok_or_else(|| format!("missing argument for option {}", quote(name)))?;
    *at += 1;
    Ok(value.to_string_lossy().into_owned())
}

fn read_long(
    line: &mut Line,
    word: &str,
    words: &[OsString],
    at: &mut usize,
) -> Result<(), String> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    let Some((opt, _)) = line.find(name) else {
        return Err(format!("unknown option {}", quote(name)));
    };
    let value = match value {
        Some(value) => Value::parse(opt.kind, &value)?,
        // Kubo takes `--q` and forgets it: only the first name counts here, or a value.
        None if opt.kind == Kind::Bool && opt.name() != name => return Ok(()),
        None if opt.kind == Kind::Bool => Value::Bool(true),
        None => Value::parse(opt.kind, &take_value(words, at, name)?)?,
    };
    line.set(opt.name(), value)
}

fn read_short(
    line: &mut Line,
    word: &str,
    words: &[OsString],
    at: &mut usize,
) -> Result<(), String> {
    if let Some((name, value)) = word.split_once('=') {
        let Some((opt, _)) = line.find(name) else {
            return Err(format!("unknown option {}", quote(name)));
        };
        let value = Value::parse(opt.kind, value)?;
        return line.set(opt.name(), value);
    }
    for (i, letter) in word.char_indices() {
        let flag = letter.to_string();
        let Some((opt, _)) = line.find(&flag) else {
            return Err(format!("unknown option {}", quote(word)));
        };
        if opt.kind == Kind::Bool {
            line.set(opt.name(), Value::Bool(true))?;
            continue;
        }
        let rest = &word[i + letter.len_utf8()..];
        let value = if rest.is_empty() {
            take_value(words, at, word)?
        } else {
            rest.to_owned()
        };
        let value = Value::parse(opt.kind, &value)?;
        return line.set(opt.name(), value);
    }
    Ok(())
}
