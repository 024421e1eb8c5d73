//! `docs/commands.md`: the reference of the command line, from the command table.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use basalt_commands::table::{self, Place};
use basalt_commands::{Arg, Globals, Opt, OptionSet, Status};

const FILE: &str = "docs/commands.md";

/// Writes the file.
pub(crate) fn write(root: &Path) -> Result<()> {
    fs::write(root.join(FILE), text()).with_context(|| FILE.to_owned())
}

/// Tells whether the file is as [`write()`] would make it.
pub(crate) fn check(root: &Path) -> Result<()> {
    let found = fs::read_to_string(root.join(FILE)).unwrap_or_default();
    ensure!(
        found == text(),
        "{FILE} is out of date: cargo run -p basalt-xtask -- docs"
    );
    Ok(())
}

fn text() -> String {
    let mut out = "# Commands\n\nMade from the command table by `cargo run -p basalt-xtask -- docs`; do not edit. `ipfs` stands for the\nbinary under either name. Each command but those of the command line alone is an RPC too: `POST` to the\npath that is given, arguments as `arg=`, options under their long names.\n\n## Options of every command\n\n".to_owned();
    options(&mut out, Globals::SPEC);
    out.push_str("\n## Contents\n\n");
    contents(&mut out, "", 0);
    for path in paths("") {
        if let Some(place) = table::find(&path) {
            section(&mut out, &path, place);
        }
    }
    out
}

/// Every path below `path`, depth first.
fn paths(path: &str) -> Vec<String> {
    let mut all = Vec::new();
    for name in table::children(path) {
        let full = below(path, name);
        all.push(full.clone());
        all.extend(paths(&full));
    }
    all
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}

fn words(path: &str) -> String {
    format!("ipfs {}", path.replace('/', " "))
}

fn contents(out: &mut String, path: &str, depth: usize) {
    for name in table::children(path) {
        let full = below(path, name);
        let tagline = table::find(&full).map_or("", |place| place.about().tagline);
        let anchor = words(&full).replace(' ', "-");
        let _ = writeln!(
            out,
            "{}- [{name}](#{anchor}) - {tagline}",
            "  ".repeat(depth)
        );
        contents(out, &full, depth + 1);
    }
}

fn section(out: &mut String, path: &str, place: Place) {
    let about = place.about();
    let _ = write!(out, "\n## {}\n\n{}", words(path), about.tagline);
    out.push_str(match about.status {
        Status::Active => "\n",
        Status::Experimental => " Experimental: it may change.\n",
        Status::Deprecated => " Deprecated: it will go.\n",
        Status::Removed => " Removed: it only says so.\n",
    });
    if let Place::Command(entry) = place {
        let args = entry.spec().args;
        let _ = writeln!(out, "\n```\n{}\n```", usage(path, args, place.options()));
        let place = match (about.rpc, about.local) {
            (false, _) => "On the command line alone.".to_owned(),
            (true, true) => format!("RPC: `/api/v0/{path}`"),
            (true, false) => format!("RPC: `/api/v0/{path}`; needs a daemon."),
        };
        let _ = writeln!(out, "\n{place}");
        if !args.is_empty() {
            out.push('\n');
        }
        for arg in args {
            let _ = writeln!(out, "- `{}`: {}", arg.name, arg.about.trim());
        }
    }
    if !place.options().is_empty() {
        out.push('\n');
        options(out, place.options());
    }
    if !about.text.is_empty() {
        let _ = writeln!(out, "\n```text\n{}\n```", about.text.trim());
    }
}

fn usage(path: &str, args: &[Arg], options: &[Opt]) -> String {
    let mut out = words(path);
    if !options.is_empty() {
        out.push_str(" [options]");
    }
    for arg in args {
        let dots = if arg.variadic { "..." } else { "" };
        let _ = match arg.required {
            true => write!(out, " <{}>{dots}", arg.name),
            false => write!(out, " [<{}>]{dots}", arg.name),
        };
    }
    out
}

fn options(out: &mut String, options: &[Opt]) {
    out.push_str("| option | type | default | |\n|-|-|-|-|\n");
    for opt in options {
        let names = opt.names.iter().map(|name| {
            let dashes = if name.len() == 1 { "-" } else { "--" };
            format!("`{dashes}{name}`")
        });
        let names = names.collect::<Vec<_>>().join(", ");
        let default = match opt.default {
            Some(default) if !default.is_empty() => format!("`{}`", cell(default)),
            _ => String::new(),
        };
        let _ = writeln!(
            out,
            "| {names} | {} | {default} | {} |",
            opt.kind.name(),
            cell(opt.about)
        );
    }
}

/// Text that a table's cell can hold.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('<', "&lt;")
}
