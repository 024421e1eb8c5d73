//! `ipfs commands`: what there is.

pub(crate) mod completion;

use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::options::Globals;
use crate::{About, Call, OptionSet, Output, Result, View, table};

crate::options! {
    /// Options of `commands`.
    pub(crate) struct Options {
        /// Show the options too
        flags: bool = ["flags", "f"],
    }
}

/// A command or group with all that is below it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tree {
    name: String,
    subcommands: Vec<Tree>,
    options: Vec<Flag>,
}

/// The names of an option.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Flag {
    names: Vec<String>,
}

/// `ipfs commands`.
pub(crate) struct Commands;

#[async_trait]
impl crate::Command for Commands {
    type Options = Options;
    type Event = Tree;
    type State = ();

    const PATH: &'static str = "commands";
    const ABOUT: About = About::new("List all commands.")
        .text("Lists every command and group, one a line.")
        .no_repo();

    async fn run(_: Call<Options>, out: Output<Tree>) -> Result<()> {
        out.once(tree("ipfs", "")).await
    }

    fn text(view: &View<Options>, _: &mut (), tree: Tree, w: &mut dyn Write) -> Result<()> {
        let mut lines = Vec::new();
        write_lines(&tree, "", view.options.flags, &mut lines);
        lines.sort_unstable();
        for line in lines {
            writeln!(w, "{line}")?;
        }
        Ok(())
    }
}

fn tree(name: &str, path: &str) -> Tree {
    let options = match table::find(path) {
        Some(place) => place.options(),
        None => Globals::SPEC,
    };
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    let below = table::children(path).into_iter().map(|child| {
        let path = if path.is_empty() {
            child.to_owned()
        } else {
            format!("{path}/{child}")
        };
        tree(child, &path)
    });
    Tree {
        name: name.to_owned(),
        subcommands: below.collect(),
        options: options
            .iter()
            .map(|opt| Flag {
                names: names(opt.names),
            })
            .collect(),
    }
}

fn write_lines(tree: &Tree, before: &str, flags: bool, lines: &mut Vec<String>) {
    let full = format!("{before}{}", tree.name);
    // The options of every command are not repeated.
    if flags && !before.is_empty() {
        for flag in &tree.options {
            let dashed = flag.names.iter().map(|name| {
                let dashes = if name.len() == 1 { "-" } else { "--" };
                format!("{full} {dashes}{name}")
            });
            lines.push(dashed.collect::<Vec<_>>().join(" / "));
        }
    }
    let before = format!("{full} ");
    lines.push(full);
    for below in &tree.subcommands {
        write_lines(below, &before, flags, lines);
    }
}
