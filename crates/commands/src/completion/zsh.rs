//! A script for zsh.

use super::{forms, nodes};
use crate::options::{Globals, OptionSet};

const HEAD: &str = r#"#compdef ipfs basalt
# Completion of ipfs for zsh; made by 'ipfs commands completion zsh'.

_ipfs() {
    local at="" i=2
    local -a below options
    while (( i < CURRENT )); do
        case "$at ${words[i]}" in
            *" -"*) ;;
"#;

const MIDDLE: &str = r#"                at="$at ${words[i]}" ;;
            *) break ;;
        esac
        (( i++ ))
    done
    case "$at" in
"#;

const TAIL: &str = r#"    if [[ "${words[CURRENT]}" == -* ]]; then
        local -a valued plain
        valued=(${(M)options:#*=:*})
        plain=(${options:#*=:*})
        _describe -o 'option' plain -- valued -S ''
    elif (( i == CURRENT && $#below )); then
        _describe 'command' below
    else
        _files
    fi
}

# Sourced rather than found in $fpath, the script announces itself.
if [ "$funcstack[1]" = "_ipfs" ]; then
    _ipfs "$@"
else
    autoload -Uz compinit
    (( $+functions[compdef] )) || compinit
    compdef _ipfs ipfs basalt
fi
"#;

/// The script.
pub(crate) fn script() -> String {
    let nodes = nodes();
    let mut out = HEAD.to_owned();
    let commands: Vec<_> = nodes
        .iter()
        .filter(|n| !n.words.is_empty())
        .map(|n| format!("\" {}\"", n.words))
        .collect();
    out.push_str(&format!("            {})\n", commands.join("|")));
    out.push_str(MIDDLE);
    for node in &nodes {
        let at = if node.words.is_empty() {
            String::new()
        } else {
            format!(" {}", node.words)
        };
        out.push_str(&format!("        \"{at}\")\n"));
        let below = node.below.iter().map(|(name, about)| quoted(name, about));
        list(&mut out, "below=", below);
        let options = node
            .options
            .iter()
            .flat_map(|opt| forms(opt).map(|form| quoted(&form, opt.about)));
        list(&mut out, "options=", options);
        out.push_str("            ;;\n");
    }
    out.push_str("    esac\n");
    let everywhere = Globals::SPEC
        .iter()
        .flat_map(|opt| forms(opt).map(|form| quoted(&form, opt.about)));
    list(&mut out, "options+=", everywhere);
    out.push_str(TAIL);
    out
}

fn list(out: &mut String, name: &str, items: impl Iterator<Item = String>) {
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        return;
    }
    out.push_str(&format!("            {name}(\n"));
    for item in items {
        out.push_str(&format!("                {item}\n"));
    }
    out.push_str("            )\n");
}

/// A word and its help as `_describe` wants them.
fn quoted(word: &str, about: &str) -> String {
    let about = about.trim().trim_end_matches('.');
    format!(
        "'{}:{}'",
        word.replace(':', "\\:"),
        about.replace('\'', "'\\''")
    )
}
