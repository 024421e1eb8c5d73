//! Shell completion, written from the table: what may follow each command.

mod bash;
mod fish;
mod zsh;

pub(crate) use bash::script as bash;
pub(crate) use fish::script as fish;
pub(crate) use zsh::script as zsh;

use crate::spec::{Kind, Opt};
use crate::table::{self, Place};

/// A command or group with what may follow it.
struct Node {
    /// The words, separated by spaces; empty for the program.
    words: String,
    /// What stands right below: a word and its help.
    below: Vec<(&'static str, &'static str)>,
    /// Its options and those of the groups above, not those of every command.
    options: Vec<&'static Opt>,
    /// Whether arguments may be files.
    files: bool,
}

/// The program and every command and group, depth first.
fn nodes() -> Vec<Node> {
    let mut nodes = Vec::new();
    visit("", &[], &mut nodes);
    nodes
}

fn visit(path: &str, above: &[&'static Opt], nodes: &mut Vec<Node>) {
    let place = table::find(path);
    let names = table::children(path);
    let full = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}/{name}")
        }
    };
    let below = names.iter().map(|name| {
        let about = table::find(&full(name)).map_or("", |place| place.about().tagline);
        (*name, about)
    });
    let mut options: Vec<_> = place.map_or(&[][..], |p| p.options()).iter().collect();
    options.extend_from_slice(above);
    let files = match place {
        Some(Place::Command(entry)) => entry.spec().args.iter().any(|arg| arg.file),
        _ => false,
    };
    let words = path.replace('/', " ");
    nodes.push(Node {
        words,
        below: below.collect(),
        options: options.clone(),
        files,
    });
    for name in names {
        visit(&full(name), &options, nodes);
    }
}

fn dashed(name: &str) -> String {
    if name.chars().count() == 1 {
        format!("-{name}")
    } else {
        format!("--{name}")
    }
}

/// The forms of an option as they are typed: `--name`, or `--name=` before a value.
fn forms(opt: &Opt) -> impl Iterator<Item = String> {
    let valued = opt.kind != Kind::Bool;
    opt.names.iter().map(move |name| {
        let equals = if valued && name.chars().count() > 1 {
            "="
        } else {
            ""
        };
        format!("{}{equals}", dashed(name))
    })
}
