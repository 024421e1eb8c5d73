//! A script for fish.

use super::nodes;
use crate::options::{Globals, OptionSet};
use crate::spec::{Kind, Opt};

const HEAD: &str = r#"# Completion of ipfs for fish; made by 'ipfs commands completion fish'.

# The command that the words before the cursor name.
function __ipfs_command
    set -l at
    for word in (commandline -poc)[2..]
        string match -q -- '-*' $word; and continue
        set -l next (string join ' ' $at $word)
        contains -- $next $__ipfs_commands; or break
        set at $next
    end
    echo "$at"
end

function __ipfs_at
    test (__ipfs_command) = "$argv"
end

# Words that are neither the command nor options.
function __ipfs_no_arguments
    set -l words (string match -v -- '-*' (commandline -poc)[2..])
    set -l at (string split -n ' ' (__ipfs_command))
    test (count $words) -eq (count $at)
end

"#;

/// The script.
pub(crate) fn script() -> String {
    let nodes = nodes();
    let mut out = HEAD.to_owned();
    let commands: Vec<_> = nodes
        .iter()
        .filter(|n| !n.words.is_empty())
        .map(|n| quoted(&n.words))
        .collect();
    out.push_str(&format!(
        "set -g __ipfs_commands {}\n\n",
        commands.join(" ")
    ));
    out.push_str("complete -c ipfs --keep-order --no-files\n");
    for opt in Globals::SPEC {
        option(&mut out, "", opt);
    }
    for node in &nodes {
        let at = format!("__ipfs_at {}", node.words);
        out.push('\n');
        if node.files {
            out.push_str(&format!("complete -c ipfs -n {} -F\n", quoted(&at)));
        }
        for (name, about) in &node.below {
            let when = quoted(&format!("{at}; and __ipfs_no_arguments"));
            out.push_str(&format!(
                "complete -c ipfs -n {when} -a {name} -d {}\n",
                quoted(about.trim())
            ));
        }
        for opt in &node.options {
            option(&mut out, &at, opt);
        }
    }
    out
}

fn option(out: &mut String, when: &str, opt: &Opt) {
    out.push_str("complete -c ipfs");
    if !when.is_empty() {
        out.push_str(&format!(" -n {}", quoted(when)));
    }
    if opt.kind != Kind::Bool {
        out.push_str(" -r");
    }
    for name in opt.names {
        let flag = if name.chars().count() == 1 {
            "-s"
        } else {
            "-l"
        };
        out.push_str(&format!(" {flag} {name}"));
    }
    out.push_str(&format!(" -d {}\n", quoted(opt.about.trim())));
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
