//! A script for bash.

use super::{forms, nodes};
use crate::options::{Globals, OptionSet};

const HEAD: &str = r#"# Completion of ipfs for bash; made by 'ipfs commands completion bash'.

_ipfs() {
    local word="${COMP_WORDS[COMP_CWORD]}" at="" i=1 below="" options="" only
    COMPREPLY=()
    while [ "$i" -lt "$COMP_CWORD" ]; do
        case "$at ${COMP_WORDS[i]}" in
            *" -"*) ;;
"#;

const MIDDLE: &str = r#"                at="$at ${COMP_WORDS[i]}" ;;
            *) break ;;
        esac
        i=$((i + 1))
    done
    case "$at" in
"#;

const TAIL: &str = r#"    esac
    if [[ "$word" == -* ]]; then
        COMPREPLY=($(compgen -W "$options $_ipfs_everywhere" -- "$word"))
        only="${COMPREPLY[0]}"
        if [ "${#COMPREPLY[@]}" -eq 1 ] && [[ "$only" == *= ]]; then
            compopt -o nospace
        fi
    elif [ "$i" -eq "$COMP_CWORD" ]; then
        COMPREPLY=($(compgen -W "$below" -- "$word"))
    fi
}
complete -o default -F _ipfs ipfs basalt
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
        let below: Vec<_> = node.below.iter().map(|(name, _)| *name).collect();
        let options: Vec<_> = node.options.iter().flat_map(|opt| forms(opt)).collect();
        out.push_str(&format!(
            "        \"{at}\") below=\"{}\" options=\"{}\" ;;\n",
            below.join(" "),
            options.join(" ")
        ));
    }
    out.push_str(TAIL);
    let everywhere: Vec<_> = Globals::SPEC.iter().flat_map(forms).collect();
    out.push_str(&format!("_ipfs_everywhere=\"{}\"\n", everywhere.join(" ")));
    out
}
