//! The difference of two configs, as `ipfs config profile apply` prints it.

use serde_json::{Map, Value};

use crate::go_json;

const YELLOW: &str = "\u{1b}[33m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const RESET: &str = "\u{1b}[0m";

/// One entry of an object or array, compared.
enum Entry<'a> {
    Same(&'a Value),
    Changed(&'a Value, &'a Value),
    Added(&'a Value),
    Removed(&'a Value),
    Inside(Vec<(&'a str, Entry<'a>)>),
}

/// The whole of `new`, in colours and with what it replaces in `old`: `<>` and `**` before the
/// old and the new form of a changed value, `<<` before what is added, `>>` before what is gone.
/// No newline at the end.
pub fn diff_text(old: &Value, new: &Value) -> String {
    let empty = Map::new();
    let entries = compare_objects(
        old.as_object().unwrap_or(&empty),
        new.as_object().unwrap_or(&empty),
    );
    let mut out = String::new();
    write_entries(&mut out, "", &entries);
    out
}

fn compare<'a>(old: &'a Value, new: &'a Value) -> Entry<'a> {
    match (old, new) {
        (old, new) if old == new => Entry::Same(old),
        (Value::Object(old), Value::Object(new)) => Entry::Inside(compare_objects(old, new)),
        (Value::Array(old), Value::Array(new)) => Entry::Inside(compare_arrays(old, new)),
        (old, new) => Entry::Changed(old, new),
    }
}

fn compare_objects<'a>(
    old: &'a Map<String, Value>,
    new: &'a Map<String, Value>,
) -> Vec<(&'a str, Entry<'a>)> {
    let mut entries: Vec<(&str, Entry<'_>)> = old
        .iter()
        .map(|(key, old)| {
            let entry = match new.get(key) {
                None => Entry::Removed(old),
                Some(new) => compare(old, new),
            };
            (key.as_str(), entry)
        })
        .collect();
    let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
    entries.extend(added.map(|(key, new)| (key.as_str(), Entry::Added(new))));
    entries.sort_by_key(|(key, _)| *key);
    entries
}

fn compare_arrays<'a>(old: &'a [Value], new: &'a [Value]) -> Vec<(&'a str, Entry<'a>)> {
    let common = old.len().min(new.len());
    let both = old.iter().zip(new).map(|(old, new)| compare(old, new));
    let removed = old[common..].iter().map(Entry::Removed);
    let added = new[common..].iter().map(Entry::Added);
    both.chain(removed).chain(added).map(|e| ("", e)).collect()
}

fn write_entries(out: &mut String, prefix: &str, entries: &[(&str, Entry<'_>)]) {
    out.push('{');
    for (i, (key, entry)) in entries.iter().enumerate() {
        let comma = if i + 1 < entries.len() { "," } else { "" };
        out.push('\n');
        let line = |mark: &str, value: &Value| {
            let value = go_json::to_string(value).unwrap_or_default();
            format!("{prefix}{mark}\"{key}\": {value}{comma}")
        };
        match entry {
            Entry::Same(value) => out.push_str(&line("", value)),
            Entry::Changed(old, new) => {
                let (old, new) = (line("<> ", old), line("** ", new));
                out.push_str(&format!("{YELLOW}{old}\n{new}{RESET}"));
            }
            Entry::Added(new) => out.push_str(&format!("{GREEN}{}{RESET}", line("<< ", new))),
            Entry::Removed(old) => out.push_str(&format!("{RED}{}{RESET}", line(">> ", old))),
            Entry::Inside(entries) => {
                out.push_str(&format!("{prefix}\"{key}\": "));
                write_entries(out, &format!("{prefix}    "), entries);
                out.push_str(comma);
            }
        }
    }
    out.push_str(&format!("\n{prefix}}}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The lines are from `ipfs config profile apply --dry-run test` of Kubo 0.43.0.
    #[test]
    fn shows_changes_as_kubo_does() {
        let old = json!({
            "API": {"HTTPHeaders": {}},
            "Addresses": {"API": "/a", "Swarm": ["/b", "/c"]},
            "AutoConf": {},
            "Discovery": {"MDNS": {"Enabled": true}},
            "Version": {},
        });
        let new = json!({
            "API": {"HTTPHeaders": {}},
            "Addresses": {"API": "/z", "Swarm": ["/y"]},
            "AutoConf": {"Enabled": false},
            "Discovery": {"MDNS": {"Enabled": false}},
            "Version": {},
        });
        let expected = "{\n\"API\": {\"HTTPHeaders\":{}},\n\"Addresses\": {\n\u{1b}[33m    <> \"API\": \"/a\",\n    ** \"API\": \"/z\",\u{1b}[0m\n    \"Swarm\": {\n\u{1b}[33m        <> \"\": \"/b\",\n        ** \"\": \"/y\",\u{1b}[0m\n\u{1b}[31m        >> \"\": \"/c\"\u{1b}[0m\n        }\n    },\n\"AutoConf\": {\n\u{1b}[32m    << \"Enabled\": false\u{1b}[0m\n    },\n\"Discovery\": {\n    \"MDNS\": {\n\u{1b}[33m        <> \"Enabled\": true\n        ** \"Enabled\": false\u{1b}[0m\n        }\n    },\n\"Version\": {}\n}";
        assert_eq!(diff_text(&old, &new), expected);
    }
}
