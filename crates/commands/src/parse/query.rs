//! The RPC's path and query string.

use std::sync::Arc;

use basalt::repo::go_quote as quote;

use crate::files::Files;
use crate::options::{Globals, OptionSet, Parsed, Value};
use crate::parse::{Request, find};
use crate::spec::Kind;
use crate::table::{self, Place};
use crate::{Entry, Meta};

/// Why a request is not a command's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is no such command: HTTP 404.
    NotFound,
    /// The request is wrong: HTTP 400 with this text.
    Bad(String),
}

/// Reads a request: `path` is what follows `/api/v0/`, `query` the decoded pairs in order. Options
/// that are not known are ignored, as Kubo does.
pub fn rpc(
    path: &str,
    query: &[(String, String)],
    files: Option<Box<dyn Files>>,
) -> Result<Request, Refused> {
    let (entry, mut args) = command_of(path).ok_or(Refused::NotFound)?;
    let spec = entry.spec();
    let (mut parsed, mut globals) = (Parsed::default(), Parsed::default());
    let mut seen: Vec<&str> = Vec::new();
    for (name, text) in query {
        if name == "arg" {
            args.push(text.clone());
            continue;
        }
        let Some((opt, global)) = find(spec.path, name) else {
            continue;
        };
        if opt.kind != Kind::Strings && seen.contains(&name.as_str()) {
            let all = query.iter().filter(|(n, _)| n == name);
            let all: Vec<&str> = all.map(|(_, text)| text.as_str()).collect();
            return Err(Refused::Bad(format!(
                "expected key {} to have only a single value, received [{}]",
                opt.name(),
                all.join(" ")
            )));
        }
        seen.push(name);
        let value = Value::parse(opt.kind, text).map_err(|_| {
            let value = if text.is_empty() {
                "empty value".to_owned()
            } else {
                format!("value {}", quote(text))
            };
            Refused::Bad(format!(
                "could not convert {value} to type {} (for option {})",
                quote(opt.kind.name()),
                quote(format!("-{}", opt.name())),
            ))
        })?;
        // Two names of one option may both be given; then the later one counts.
        let set = if global { &mut globals } else { &mut parsed };
        set.replace(opt, value.clone());
        if global {
            parsed.note_online(opt, &value);
        }
    }
    let mut globals = Globals::read(&globals);
    if !query
        .iter()
        .any(|(name, _)| name == "encoding" || name == "enc")
    {
        globals.encoding = Some("json".to_owned());
    }
    let missing = spec
        .args
        .iter()
        .filter(|a| !a.file)
        .take_while(|a| a.required)
        .nth(args.len());
    if let Some(arg) = missing
        && !(arg.stdin && files.is_some())
    {
        return Err(Refused::Bad(format!(
            "argument {} is required",
            quote(arg.name)
        )));
    }
    if let Some(file) = spec.args.iter().find(|a| a.file && a.required)
        && files.is_none()
    {
        return Err(Refused::Bad(format!(
            "file argument '{}' is required",
            file.name
        )));
    }
    if let Some(Err(error)) = globals.timeout.as_deref().map(crate::parse::duration) {
        return Err(Refused::Bad(error));
    }
    Ok(Request {
        entry,
        meta: Arc::new(Meta {
            args,
            parsed,
            globals,
            waits: basalt::Waits::default(),
        }),
        files,
    })
}

/// The command at `path`; a last part that is no command is its first argument.
fn command_of(path: &str) -> Option<(&'static dyn Entry, Vec<String>)> {
    let offered = |place| match place {
        Some(Place::Command(entry)) if entry.spec().about.rpc => Some(entry),
        _ => None,
    };
    if let Some(place) = table::find(path) {
        return Some((offered(Some(place))?, Vec::new()));
    }
    let (parent, last) = path.rsplit_once('/')?;
    Some((offered(table::find(parent))?, vec![last.to_owned()]))
}
