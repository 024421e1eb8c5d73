use serde_json::{Map, Value};

use super::Check;
use crate::config::schema::{CONFIG, Kind, Struct};

/// So many unknown keys are told, and no more.
const LIMIT: usize = 20;

impl Check<'_> {
    /// Keys that nobody knows are kept and have no effect; most are misspelt.
    pub(super) fn unknown(&mut self) {
        let mut keys = Vec::new();
        collect(&CONFIG, &self.config.document, "", &mut keys);
        for key in keys {
            let message =
                format!("{key} is not a known key: it is kept in the file and has no effect");
            self.hint(key, message);
        }
    }
}

fn collect(of: &'static Struct, map: &Map<String, Value>, before: &str, keys: &mut Vec<String>) {
    for (name, value) in map {
        if keys.len() >= LIMIT {
            return;
        }
        let key = format!("{before}{name}");
        match of.position(name).map(|at| &of.fields[at].kind) {
            None => keys.push(key),
            Some(kind) => below(kind, value, &key, keys),
        }
    }
}

fn below(kind: &'static Kind, value: &Value, key: &str, keys: &mut Vec<String>) {
    let Value::Object(map) = value else { return };
    match kind {
        Kind::Struct(of) => collect(of, map, &format!("{key}."), keys),
        Kind::Map(_, of) => {
            for (name, value) in map {
                below(of, value, &format!("{key}.{name}"), keys);
            }
        }
        _ => {}
    }
}
