//! What `pin ls` answers: one object for all pins, or one for each.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(super) cid: String,
    pub(super) how: How,
    pub(super) name: String,
}

/// How a block is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    Recursive,
    Direct,
    Indirect,
    /// By this CID, under which it is; the text is made once, as it is sent.
    Through(String),
}

/// What the command sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Every row, in the order of the CIDs' texts, each CID once.
    All(Vec<Row>),
    /// One row.
    One(Row),
}

const THROUGH: &str = "indirect through ";

impl How {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Recursive => "recursive",
            Self::Direct => "direct",
            Self::Indirect => "indirect",
            Self::Through(text) => text,
        }
    }

    pub(super) fn through(root: &str) -> Self {
        Self::Through(format!("{THROUGH}{root}"))
    }

    fn read(text: String) -> Self {
        match text.as_str() {
            "recursive" => Self::Recursive,
            "direct" => Self::Direct,
            "indirect" => Self::Indirect,
            _ => Self::Through(text),
        }
    }
}

impl Listed {
    pub(super) fn all(mut rows: Vec<Row>) -> Self {
        rows.sort_unstable_by(|a, b| a.cid.cmp(&b.cid));
        rows.dedup_by(|a, b| a.cid == b.cid);
        Self::All(rows)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pinned<'a> {
    r#type: &'a str,
    name: &'a str,
}

/// All rows as one map, without another copy of them.
struct Keys<'a>(&'a [Row]);

impl Serialize for Keys<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|row| {
            (
                &row.cid,
                Pinned {
                    r#type: row.how.as_str(),
                    name: &row.name,
                },
            )
        }))
    }
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::All(rows) if rows.is_empty() => {}
            Self::All(rows) => map.serialize_entry("Keys", &Keys(rows))?,
            Self::One(row) => {
                map.serialize_entry("Cid", &row.cid)?;
                if !row.name.is_empty() {
                    map.serialize_entry("Name", &row.name)?;
                }
                map.serialize_entry("Type", row.how.as_str())?;
            }
        }
        map.end()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Wire {
    keys: BTreeMap<String, OwnedPinned>,
    cid: String,
    name: String,
    r#type: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct OwnedPinned {
    r#type: String,
    name: String,
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        if !wire.cid.is_empty() {
            return Ok(Self::One(Row {
                cid: wire.cid,
                how: How::read(wire.r#type),
                name: wire.name,
            }));
        }
        let row = |(cid, pinned): (String, OwnedPinned)| Row {
            cid,
            how: How::read(pinned.r#type),
            name: pinned.name,
        };
        Ok(Self::All(wire.keys.into_iter().map(row).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cid: &str, how: How, name: &str) -> Row {
        Row {
            cid: cid.to_owned(),
            how,
            name: name.to_owned(),
        }
    }

    fn there_and_back(listed: &Listed) -> String {
        let json = serde_json::to_string(listed).unwrap();
        assert_eq!(&serde_json::from_str::<Listed>(&json).unwrap(), listed);
        json
    }

    #[test]
    fn all_rows_are_one_sorted_object_and_each_comes_back() {
        let rows = vec![
            row("b", How::Direct, ""),
            row("a", How::Recursive, "n"),
            row("b", How::Direct, ""),
            row("c", How::through("a"), ""),
        ];
        assert_eq!(
            there_and_back(&Listed::all(rows)),
            r#"{"Keys":{"a":{"Type":"recursive","Name":"n"},"b":{"Type":"direct","Name":""},"c":{"Type":"indirect through a","Name":""}}}"#
        );
        assert_eq!(there_and_back(&Listed::all(Vec::new())), "{}");
    }

    #[test]
    fn a_row_alone_leaves_out_an_empty_name() {
        let named = Listed::One(row("a", How::Indirect, "n"));
        assert_eq!(
            there_and_back(&named),
            r#"{"Cid":"a","Name":"n","Type":"indirect"}"#
        );
        let unnamed = Listed::One(row("a", How::Recursive, ""));
        assert_eq!(
            there_and_back(&unnamed),
            r#"{"Cid":"a","Type":"recursive"}"#
        );
    }
}
