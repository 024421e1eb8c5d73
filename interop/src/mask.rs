//! Takes out of an answer what legitimately differs, and writes it as lines.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::rules::{Rules, Stdout};

const MAX_LINES: usize = 300;
const MAX_BYTES: usize = 24 << 10;

/// Paths and ports of one run, each with the word that stands for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(pub(crate) Vec<(String, String)>);

/// The agent of a derivative of Kubo, which names itself behind Kubo's version.
static AGENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"kubo/0\.43\.0/basalt-[0-9A-Za-z.-]+").ok());

impl Places {
    fn apply(&self, text: &str) -> String {
        let mut text = match &*AGENT {
            Some(agent) => agent.replace_all(text, "kubo/0.43.0").into_owned(),
            None => text.to_owned(),
        };
        for (found, word) in &self.0 {
            text = text.replace(found, word);
        }
        text
    }
}

/// The output as it is compared: lines, or digests where it is long or not text.
pub(crate) fn output(bytes: &[u8], rules: &Rules, places: &Places) -> Vec<String> {
    match rules.stdout {
        Stdout::Ignore => return Vec::new(),
        Stdout::Class => {
            return vec![if bytes.is_empty() { "(none)" } else { "(some)" }.to_owned()];
        }
        Stdout::Tar => return crate::tar::list(bytes),
        Stdout::Page => return page(&String::from_utf8_lossy(bytes), places),
        _ => {}
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![digest(bytes)];
    };
    let text = apply_masks(&places.apply(text), &rules.masks);
    let text = match rules.stdout {
        Stdout::Help => help(&text),
        // A command that only holds others answers with its help.
        Stdout::Exact if text.starts_with("USAGE\n") => help(&text),
        Stdout::Json => json_lines(&text, |value| value),
        Stdout::Shape => json_lines(&text, shape),
        _ => text,
    };
    if text.is_empty() {
        return Vec::new();
    }
    let whole = text.strip_suffix('\n');
    let mut lines: Vec<String> = whole.unwrap_or(&text).split('\n').map(escape).collect();
    if rules.sort {
        lines.sort();
    }
    if lines.len() > MAX_LINES || text.len() > MAX_BYTES {
        let sum = digest(lines.join("\n").as_bytes());
        lines.truncate(10);
        for line in &mut lines {
            if let Some((cut, _)) = line.char_indices().nth(200) {
                line.truncate(cut);
            }
        }
        lines.push(format!("... {sum}"));
    }
    if whole.is_none() {
        lines.push("\\ no newline at end".to_owned());
    }
    lines
}

/// A page, by its links.
fn page(text: &str, places: &Places) -> Vec<String> {
    let start = text.trim_start();
    let is_page = start
        .get(..15)
        .is_some_and(|start| start.eq_ignore_ascii_case("<!doctype html>"));
    if !is_page {
        return vec![format!("no page: {}", digest(text.as_bytes()))];
    }
    let entities = [
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&#43;", "+"),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ];
    let mut links: Vec<String> = text
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.starts_with('/'))
        .map(|link| {
            let plain = entities
                .iter()
                .fold(link.to_owned(), |link, (from, to)| link.replace(from, to));
            escape(&places.apply(&plain.replace("&amp;", "&")))
        })
        .collect();
    links.sort();
    links.dedup();
    let mut lines = vec!["a page".to_owned()];
    if links.len() > MAX_LINES {
        let sum = digest(links.join("\n").as_bytes());
        links.truncate(10);
        links.push(format!("... {sum}"));
    }
    lines.extend(links);
    lines
}

/// A line of an error or a header.
pub(crate) fn line(text: &str, rules: &Rules, places: &Places) -> String {
    escape(&apply_masks(&places.apply(text), &rules.masks))
}

/// Length and SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    let hex: String = sum[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} bytes, sha256 {hex}", bytes.len())
}

fn apply_masks(text: &str, masks: &[Regex]) -> String {
    let mut text = text.to_owned();
    for mask in masks {
        text = mask
            .replace_all(&text, |found: &regex::Captures<'_>| {
                let whole = &found[0];
                if found.len() == 1 {
                    return "*".to_owned();
                }
                // Only the groups are masked, the rest of the match stays.
                let start = found.get(0).map_or(0, |all| all.start());
                let mut out = String::new();
                let mut at = 0;
                for group in found.iter().skip(1).flatten() {
                    out.push_str(&whole[at..group.start() - start]);
                    out.push('*');
                    at = group.end() - start;
                }
                out.push_str(&whole[at..]);
                out
            })
            .into_owned();
    }
    text
}

fn escape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' => out.push(c),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Headings, usage lines, names of options, arguments and subcommands.
fn help(text: &str) -> String {
    let mut out = String::new();
    let mut section = "";
    for line in text.lines() {
        let heading = !line.is_empty()
            && line.chars().all(|c| c.is_ascii_uppercase() || c == ' ')
            && !line.starts_with(' ');
        if heading {
            section = line;
        }
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        let keep = match section {
            "DESCRIPTION" => false,
            _ if heading => true,
            "SYNOPSIS" => !trimmed.is_empty(),
            // A short help has its prose here too, of which some begins with the program's name.
            "USAGE" if trimmed.starts_with("ipfs ") => {
                out.ends_with("USAGE\n") || trimmed.contains('[') || words(trimmed) <= 4
            }
            "USAGE" => indent > 4 && trimmed.starts_with(['[', '<']),
            "ARGUMENTS" | "OPTIONS" | "SUBCOMMANDS" => {
                indent == 2 && trimmed.starts_with(['-', '<', '[', 'i'])
            }
            _ => false,
        };
        if !keep {
            continue;
        }
        let bones = line.split_once(" - ").map_or(line, |(bones, _)| bones);
        out.push_str(&bones.split_whitespace().collect::<Vec<_>>().join(" "));
        out.push('\n');
    }
    out
}

fn words(line: &str) -> usize {
    line.split_whitespace().count()
}

/// Every JSON document of the text, one a line (or indented, when it is the only one).
fn json_lines(text: &str, change: impl Fn(Value) -> Value) -> String {
    let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .collect();
    let Ok(documents) = documents else {
        return text.to_owned();
    };
    documents
        .into_iter()
        .map(|document| format!("{:#}\n", change(document)))
        .collect()
}

fn shape(value: Value) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(values) => Value::Array(values.into_iter().take(1).map(shape).collect()),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, shape(value)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(stdout: Stdout, mask: &str) -> Rules {
        let masks = Some(vec![mask.to_owned()]);
        Rules::default()
            .with(Some(stdout), None, None, masks)
            .unwrap()
    }

    #[test]
    fn a_mask_hides_its_groups_or_the_whole_match() {
        let all = rules(Stdout::Exact, "[0-9]+");
        let places = Places(vec![("/tmp/x".into(), "{work}".into())]);
        assert_eq!(output(b"a 12 /tmp/x\n", &all, &places), ["a * {work}"]);
        let group = rules(Stdout::Exact, "size ([0-9]+)");
        assert_eq!(output(b"1 size 2", &group, &places)[0], "1 size *");
    }

    #[test]
    fn a_missing_newline_and_control_characters_show() {
        let rules = rules(Stdout::Exact, "zzz");
        let places = Places::default();
        assert_eq!(
            output(b"a\x1b\nb", &rules, &places),
            ["a\\x1b", "b", "\\ no newline at end"]
        );
        assert!(output(b"", &rules, &places).is_empty());
        assert!(output(b"\xff", &rules, &places)[0].starts_with("1 bytes, sha256 "));
    }

    #[test]
    fn long_output_is_cut_but_its_end_still_counts() {
        let rules = rules(Stdout::Exact, "zzz");
        let places = Places::default();
        let long: String = (0..1000).map(|n| format!("{n}\n")).collect();
        let other = long.replace("999", "998");
        let lines = output(long.as_bytes(), &rules, &places);
        assert_eq!(lines.len(), 11);
        assert_ne!(lines, output(other.as_bytes(), &rules, &places));
    }

    #[test]
    fn of_a_help_text_the_bones_stay() {
        let text = "USAGE\n  ipfs cat <p>... - Show it.\n\nOPTIONS\n\n  -o, --offset  int64 - Where\n                        to begin.\n\nDESCRIPTION\n\n  Prose.\n";
        assert_eq!(
            help(text),
            "USAGE\nipfs cat <p>...\nOPTIONS\n-o, --offset int64\n"
        );
    }

    #[test]
    fn a_shape_has_names_and_kinds() {
        let shaped = json_lines(r#"{"a":[1,2],"b":"x"}"#, shape);
        assert!(shaped.contains("\"number\"") && shaped.contains("\"string\""));
    }
}
