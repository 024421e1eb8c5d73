//! Help, in the layout that Kubo's users know.

use crate::options::{Globals, OptionSet};
use crate::spec::{About, Arg, Kind, Opt, Status};
use crate::table::{self, Place};

/// The name that help gives the program, whatever it was called as.
const PROGRAM: &str = "ipfs";
const INDENT: &str = "  ";

/// What `--help` (`long`) or `-h` prints for the command or group at `path`; an empty path is the
/// program. `width` is the terminal's.
pub fn text(path: &[String], long: bool, width: usize) -> String {
    let width = width.saturating_sub(INDENT.len());
    if path.is_empty() {
        return root(long);
    }
    let joined = path.join("/");
    let place = table::find(&joined);
    let about = place.map_or(About::new(""), |p| p.about());
    let (args, options): (&[Arg], &[Opt]) = match place {
        Some(Place::Command(entry)) => (entry.spec().args, entry.spec().options),
        Some(Place::Group(group)) => (&[], group.options),
        None => (&[], &[]),
    };
    let full = format!("{PROGRAM} {}", path.join(" "));
    let usage_args = usage(args);
    let head = if usage_args.is_empty() {
        full.clone()
    } else {
        format!("{full} {usage_args}")
    };
    let mut out = String::new();
    let warning = match about.status {
        Status::Active => "",
        Status::Experimental => "EXPERIMENTAL, command may change in future releases",
        Status::Deprecated => "DEPRECATED, command will be removed in the future",
        Status::Removed => "REMOVED, command is no longer available",
    };
    if !warning.is_empty() {
        out.push_str(&format!("WARNING: {INDENT}{warning}\n\n"));
    }
    let usage_line = wrapped(&format!("{head} - "), about.tagline, width);
    out.push_str(&format!("USAGE\n{}\n", indent(&usage_line)));
    let synopsis = synopsis(&full, args, options, width);
    if long {
        out.push_str(&format!("\nSYNOPSIS\n{}\n\n", indent(&synopsis)));
        section(&mut out, "ARGUMENTS\n", &arguments(args, width));
        section(&mut out, "OPTIONS\n", &option_lines(options, width));
        section(&mut out, "DESCRIPTION\n", &lines(about.text));
    } else {
        out.push_str(&format!("\n{}\n", indent(&synopsis)));
        if !about.text.is_empty() {
            out.push_str(&format!("\n{}\n", indent(about.text.trim())));
        }
    }
    subcommands(&mut out, &joined, &full, long, width);
    out.push('\n');
    out
}

fn section(out: &mut String, title: &str, body: &[String]) {
    if !body.is_empty() {
        out.push_str(&format!("{title}\n{}\n\n", indent(&body.join("\n"))));
    }
}

fn subcommands(out: &mut String, path: &str, full: &str, long: bool, width: usize) {
    let of = |status| {
        let names = table::children(path).into_iter();
        let rows = names.filter_map(move |name| {
            let place = table::find(&format!("{path}/{name}"))?;
            let args: &[Arg] = match place {
                Place::Command(entry) => entry.spec().args,
                Place::Group(_) => &[],
            };
            let about = place.about();
            let usage = usage(args);
            let gap = if usage.is_empty() { "" } else { " " };
            (about.status == status).then(|| (format!("{full} {name}{gap}{usage}"), about.tagline))
        });
        let rows: Vec<_> = rows.collect();
        let heads = align(rows.iter().map(|(head, _)| head.clone()).collect());
        let text = heads.iter().zip(&rows);
        text.map(|(head, (_, tag))| wrapped(&format!("{head} - "), tag, width))
            .collect::<Vec<_>>()
    };
    let active = of(Status::Active);
    if !active.is_empty() {
        let gap = if long { "" } else { "\n" };
        let end = if long { "\n\n" } else { "\n" };
        out.push_str(&format!(
            "{gap}SUBCOMMANDS\n{}{end}",
            indent(&active.join("\n"))
        ));
    }
    if !active.is_empty() || !long {
        let gap = if long { "" } else { "\n" };
        out.push_str(&format!(
            "{gap}{INDENT}For more information about each command, use:\n{INDENT}'{full} <subcmd> --help'\n\n"
        ));
    }
    for (status, title) in [
        (Status::Experimental, "EXPERIMENTAL SUBCOMMANDS"),
        (Status::Deprecated, "DEPRECATED SUBCOMMANDS"),
        (Status::Removed, "REMOVED SUBCOMMANDS"),
    ] {
        let rows = of(status);
        if !rows.is_empty() {
            out.push_str(&format!("{title}\n{}\n\n", indent(&rows.join("\n"))));
        }
    }
}

fn root(long: bool) -> String {
    let tagline = "Content-addressed storage node";
    let mut out = format!("USAGE\n{INDENT}{PROGRAM}  - {tagline}.\n\n");
    out.push_str("SYNOPSIS\n");
    // One line, however long: scripts look for `ipfs .* <command>`.
    out.push_str(
        "  ipfs [--config=<config> | -c] [--debug | -D] [--help] [-h] [--api=<api>] [--offline] [--cid-base=<base>] [--upgrade-cidv0-in-output] [--encoding=<encoding> | --enc] [--timeout=<timeout>] <command> ...\n\n",
    );
    if long {
        section(&mut out, "OPTIONS\n", &option_lines(Globals::SPEC, 78));
    }
    out.push_str("SUBCOMMANDS\n");
    let names = table::children("");
    let heads = align(names.iter().map(|n| (*n).to_owned()).collect());
    for (head, name) in heads.iter().zip(&names) {
        let tagline = table::find(name).map_or("", |p| p.about().tagline);
        out.push_str(&indent(&wrapped(&format!("{head}  "), tagline, 78)));
        out.push('\n');
    }
    out.push_str(
        "\n  Use 'ipfs <command> --help' to learn more about each command.\n\n  The repository lies in ~/.ipfs, or where the environment variable\n  IPFS_PATH says:\n\n    export IPFS_PATH=/path/to/repo\n\n  EXIT STATUS\n\n  0     The command did what was asked.\n  1     It did not.\n\n",
    );
    out
}

/// Arguments in a usage line.
pub(crate) fn usage(args: &[Arg]) -> String {
    args.iter().map(usage_of).collect::<Vec<_>>().join(" ")
}

fn usage_of(arg: &Arg) -> String {
    let name = if arg.required {
        format!("<{}>", arg.name)
    } else {
        format!("[<{}>]", arg.name)
    };
    if arg.variadic { name + "..." } else { name }
}

fn dashed(name: &str) -> String {
    if name.chars().count() == 1 {
        format!("-{name}")
    } else {
        format!("--{name}")
    }
}

fn synopsis(full: &str, args: &[Arg], options: &[Opt], width: usize) -> String {
    let mut parts = Vec::new();
    for opt in options {
        let mut words = Vec::new();
        for (i, name) in opt.names.iter().enumerate() {
            if opt.kind == Kind::Bool && opt.default == Some("true") {
                words = vec![format!("--{name}=false")];
                break;
            }
            words.push(match (i, opt.kind) {
                (0, kind) if kind != Kind::Bool => format!("{}=<{}>", dashed(name), opt.name()),
                _ => dashed(name),
            });
        }
        let dots = if opt.kind == Kind::Strings { "..." } else { "" };
        parts.push(format!("[{}]{dots}", words.join(" | ")));
    }
    if !args.is_empty() {
        parts.push("[--]".to_owned());
    }
    for arg in args {
        let dots = if arg.variadic { "..." } else { "" };
        let name = format!("<{}>{dots}", arg.name);
        parts.push(if arg.required {
            name
        } else {
            format!("[{name}]")
        });
    }
    let (mut out, mut column) = (full.to_owned(), full.len());
    for part in parts {
        if column + part.len() + 1 > width {
            out.push_str(&format!("\n{}", " ".repeat(full.len())));
            column = full.len();
        }
        column += part.len() + 1;
        out.push(' ');
        out.push_str(&part);
    }
    out
}

fn arguments(args: &[Arg], width: usize) -> Vec<String> {
    let heads = align(args.iter().map(usage_of).collect());
    heads
        .iter()
        .zip(args)
        .map(|(head, arg)| wrapped(&format!("{head} - "), arg.about, width))
        .collect()
}

fn option_lines(options: &[Opt], width: usize) -> Vec<String> {
    let names = options.iter().map(|opt| {
        let mut names = opt.names.to_vec();
        names.sort_by_key(|n| n.len());
        names
            .iter()
            .map(|n| dashed(n))
            .collect::<Vec<_>>()
            .join(", ")
    });
    let named = align(names.collect());
    let typed = named
        .iter()
        .zip(options)
        .map(|(n, opt)| format!("{n}  {}", opt.kind.name()))
        .collect();
    let describe = |opt: &Opt| {
        let about = opt.about.trim();
        let stop = if about.ends_with('.') { "" } else { "." };
        match opt.default {
            Some(default) if default != "false" => format!("{about}{stop} Default: {default}."),
            _ => format!("{about}{stop}"),
        }
    };
    let rows = align(typed);
    rows.iter()
        .zip(options)
        .map(|(row, opt)| wrapped(&format!("{row} - "), &describe(opt), width))
        .collect()
}

fn align(mut rows: Vec<String>) -> Vec<String> {
    let longest = rows.iter().map(String::len).max().unwrap_or(0);
    for row in &mut rows {
        row.push_str(&" ".repeat(longest - row.len()));
    }
    rows
}

fn lines(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        Vec::new()
    } else {
        vec![text.trim().to_owned()]
    }
}

fn indent(text: &str) -> String {
    format!("{INDENT}{}", text.replace('\n', &format!("\n{INDENT}")))
}

/// `text` behind `head`, broken into lines that begin below its first letter. Where fewer than 30
/// columns are left it is not broken.
fn wrapped(head: &str, text: &str, width: usize) -> String {
    let room = width.saturating_sub(head.len());
    if room < 30 {
        return format!("{head}{}", text.trim());
    }
    let mut out = head.to_owned();
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.len() > room {
            out.push_str(&format!("\n{}", " ".repeat(head.len())));
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}
