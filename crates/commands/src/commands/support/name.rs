//! Names of files: bytes, which need not be UTF-8.

use std::borrow::Cow;

use basalt::repo::{go_is_print, go_json, go_quote};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A name as it is. In JSON, where only Unicode can stand, each byte that is not UTF-8 becomes
/// U+FFFD, written as Go's encoder does.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(pub(crate) Vec<u8>);

impl Name {
    /// The name as a terminal shows it.
    pub(crate) fn shown(&self) -> Cow<'_, [u8]> {
        escape(&self.0)
    }
}

impl From<&[u8]> for Name {
    fn from(name: &[u8]) -> Self {
        Self(name.to_vec())
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        if let Ok(text) = std::str::from_utf8(&self.0) {
            return serializer.serialize_str(text);
        }
        let mut json = "\"".to_owned();
        for chunk in self.0.utf8_chunks() {
            let valid = go_json::to_string(chunk.valid()).map_err(S::Error::custom)?;
            json.push_str(&valid[1..valid.len() - 1]);
            json.push_str(&"\\ufffd".repeat(chunk.invalid().len()));
        }
        json.push('"');
        RawValue::from_string(json)
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into_bytes()))
    }
}

/// A name with what cannot be printed, and backslashes, as Go's escapes. A name without such stays
/// as it is, even where its bytes are not UTF-8.
fn escape(name: &[u8]) -> Cow<'_, [u8]> {
    let plain = |c: char| c != '\\' && go_is_print(c);
    if name
        .utf8_chunks()
        .all(|chunk| chunk.valid().chars().all(plain))
    {
        return name.into();
    }
    let quoted = go_quote(name);
    let inner = &quoted[1..quoted.len() - 1];
    inner.replace("\\\"", "\"").into_bytes().into()
}

/// As [`Name::shown`], of text.
pub(crate) fn escape_name(name: &str) -> String {
    String::from_utf8_lossy(&escape(name.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_printed_is_escaped() {
        let shown = |name: &[u8]| String::from_utf8_lossy(&escape(name)).into_owned();
        assert_eq!(shown("a \"b\" é".as_bytes()), "a \"b\" é");
        assert_eq!(shown(b"a\nb\\"), "a\\nb\\\\");
        assert_eq!(&*escape(b"a\xff"), b"a\xff");
        assert_eq!(shown(b"a\xff\n"), "a\\xff\\n");
    }

    #[test]
    fn json_has_a_replacement_for_each_byte() {
        let json = |name: &[u8]| go_json::to_string(&Name::from(name)).unwrap();
        assert_eq!(json(b"a<\xe2\x82\""), "\"a\\u003c\\ufffd\\ufffd\\\"\"");
        assert_eq!(json("é\u{fffd}".as_bytes()), "\"é\u{fffd}\"");
        let read: Name = serde_json::from_str(r#""a\ufffd""#).unwrap();
        assert_eq!(read.0, "a\u{fffd}".as_bytes());
    }
}
