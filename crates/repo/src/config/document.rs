//! Dotted keys in a JSON document.

use serde_json::{Map, Value};

use crate::Error;

/// The value at the dotted key.
pub(super) fn get<'a>(document: &'a Map<String, Value>, key: &str) -> Result<&'a Value, Error> {
    let mut cursor: Option<&Value> = None;
    for (at, part) in parts(key) {
        let map = match cursor {
            None => document,
            Some(Value::Object(map)) => map,
            Some(_) => return Err(Error::KeyNotMap(before(key, at).to_owned())),
        };
        let end = at + part.len();
        cursor = Some(
            map.get(part)
                .ok_or_else(|| Error::KeyNotFound(key[..end].to_owned()))?,
        );
    }
    cursor.ok_or_else(|| Error::KeyNotFound(key.to_owned()))
}

/// Puts `value` at the dotted key; objects that are missing on the way are made.
pub(super) fn set(document: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), Error> {
    let mut map = document;
    for (at, part) in parts(key) {
        let end = at + part.len();
        if end == key.len() {
            map.insert(part.to_owned(), value);
            return Ok(());
        }
        let next = map.entry(part).or_insert(Value::Null);
        if next.is_null() {
            *next = Value::Object(Map::new());
        }
        map = next
            .as_object_mut()
            .ok_or_else(|| Error::KeyNotMap(key[..end].to_owned()))?;
    }
    Ok(())
}

/// Removes the value at the dotted key, where there is one.
pub(super) fn remove(document: &mut Map<String, Value>, key: &str) {
    match key.split_once('.') {
        None => {
            document.shift_remove(key);
        }
        Some((first, rest)) => {
            if let Some(Value::Object(map)) = document.get_mut(first) {
                remove(map, rest);
            }
        }
    }
}

/// Lays `over` on `under`, object by object; what is not an object is replaced.
pub(super) fn merge(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            (Some(under), _) => *under = value.clone(),
            (None, _) => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The parts of a dotted key with their offsets.
pub(super) fn parts(key: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    key.split('.').map(move |part| {
        let at = start;
        start += part.len() + 1;
        (at, part)
    })
}

/// The key up to the dot before offset `at`.
pub(super) fn before(key: &str, at: usize) -> &str {
    &key[..at.saturating_sub(1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn keys_are_found_set_and_removed() {
        let mut m = map(json!({"a": {"b": 1, "": 2}, "c": null}));
        assert_eq!(get(&m, "a.b").unwrap(), &json!(1));
        assert_eq!(get(&m, "a.").unwrap(), &json!(2));
        assert_eq!(get(&m, "a.x.y").unwrap_err().to_string(), "a.x not found");
        assert_eq!(
            get(&m, "a.b.c").unwrap_err().to_string(),
            "a.b key is not a map"
        );
        assert_eq!(get(&m, "").unwrap_err().to_string(), " not found");
        set(&mut m, "c.d.e", json!(3)).unwrap();
        assert_eq!(m["c"], json!({"d": {"e": 3}}));
        let error = set(&mut m, "a.b.c", json!(3)).unwrap_err();
        assert_eq!(error.to_string(), "a.b key is not a map");
        remove(&mut m, "c.d.e");
        remove(&mut m, "x.y");
        remove(&mut m, "a");
        assert_eq!(Value::Object(m), json!({"c": {"d": {}}}));
    }

    #[test]
    fn merging_keeps_what_is_not_named() {
        let mut under = map(json!({"a": {"x": 1, "y": 2}, "b": [1]}));
        merge(
            &mut under,
            &map(json!({"a": {"y": 3, "z": {}}, "b": [], "c": null})),
        );
        assert_eq!(
            Value::Object(under),
            json!({"a": {"x": 1, "y": 3, "z": {}}, "b": [], "c": null})
        );
    }
}
