//! dag-pb as a value of the data model, under the names of its schema.

use basalt_block::Cid;
use bytes::Bytes;

use super::{Field, Link, Node, fields};
use crate::{Error, Text, Value};

/// Reads a node as a value: `{"Links": [{"Hash": …, "Name": …, "Tsize": …}], "Data": …}`, without
/// the fields that are absent, links and data in the order of the block.
pub(crate) fn decode(block: &[u8]) -> Result<Value, Error> {
    read(block, false)
}

/// Reads a node as its schema has it: in the schema's order, what is absent is null.
pub(crate) fn decode_by_schema(block: &[u8]) -> Result<Value, Error> {
    read(block, true)
}

fn read(block: &[u8], by_schema: bool) -> Result<Value, Error> {
    let entry = |name: &str, value: Option<Value>| {
        let value = value.or(by_schema.then_some(Value::Null))?;
        Some((Text::from(name), value))
    };
    let mut links = Vec::new();
    let mut data = None;
    let mut data_first = false;
    for field in fields(block) {
        match field? {
            Field::Data(bytes) => {
                data_first = links.is_empty();
                data = Some(Value::Bytes(bytes.into()));
            }
            Field::Link(link) => {
                let hash = Value::Link(link.cid.into());
                let name = link.name.map(|name| Value::String(name.into()));
                // Sizes over 63 bits turn negative, as in Kubo.
                let tsize = link.tsize.map(|tsize| Value::Int((tsize as i64).into()));
                let entries = [
                    entry("Hash", Some(hash)),
                    entry("Name", name),
                    entry("Tsize", tsize),
                ];
                links.push(Value::Map(entries.into_iter().flatten().collect()));
            }
        }
    }
    let mut entries = [
        entry("Links", Some(Value::List(links))),
        entry("Data", data),
    ];
    if data_first && !by_schema {
        entries.reverse();
    }
    Ok(Value::Map(entries.into_iter().flatten().collect()))
}

/// Writes a value of that shape as a node.
pub(crate) fn encode(value: &Value) -> Result<Vec<u8>, Error> {
    let entries = map(value, "PBNode")?;
    let mut links = None;
    let mut data = None;
    for (name, value) in entries {
        match name.as_bytes() {
            b"Links" => links = Some(list(value)?),
            b"Data" => data = Some(bytes(value)?),
            _ => return Err(no_field("dagpb.PBNode", name)),
        }
    }
    let node = Node {
        links: links.ok_or(Error::MissingField("Links"))?,
        data,
    };
    Ok(node.encode())
}

fn list(value: &Value) -> Result<Vec<Link>, Error> {
    match value {
        Value::List(links) => links.iter().map(link).collect(),
        value => Err(wrong_kind(value, "AssignNode", "PBLinks", "list", "list")),
    }
}

fn link(value: &Value) -> Result<Link, Error> {
    let mut hash = None;
    let mut name = None;
    let mut tsize = None;
    for (key, value) in map(value, "PBLink")? {
        match key.as_bytes() {
            b"Hash" => hash = Some(cid(value)?),
            b"Name" => name = Some(text(value)?),
            b"Tsize" => tsize = Some(size(value)?),
            _ => return Err(no_field("dagpb.PBLink", key)),
        }
    }
    Ok(Link {
        cid: hash.ok_or(Error::MissingField("Hash"))?,
        name,
        tsize,
    })
}

fn map<'a>(value: &'a Value, schema: &'static str) -> Result<&'a [(Text, Value)], Error> {
    match value {
        Value::Map(entries) => Ok(entries),
        value => Err(wrong_kind(value, "AssignNode", schema, "map", "map")),
    }
}

fn cid(value: &Value) -> Result<Cid, Error> {
    match value {
        Value::Link(cid) => Ok(**cid),
        value => Err(wrong_kind(value, "AsLink", "Link", "link", "link")),
    }
}

fn text(value: &Value) -> Result<Bytes, Error> {
    match value {
        Value::String(text) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        value => Err(wrong_kind(value, "AsString", "String", "string", "string")),
    }
}

fn bytes(value: &Value) -> Result<Bytes, Error> {
    match value {
        Value::Bytes(bytes) => Ok(Bytes::copy_from_slice(bytes)),
        value => Err(wrong_kind(value, "AsBytes", "Bytes", "bytes", "bytes")),
    }
}

fn size(value: &Value) -> Result<u64, Error> {
    match value {
        Value::Int(size) if i64::try_from(*size).is_err() => Err(Error::IntOutOfRange(*size)),
        Value::Int(size) => u64::try_from(*size).map_err(|_| Error::NegativeSize(*size)),
        value => Err(wrong_kind(value, "AsInt", "Int", "int", "int")),
    }
}

fn no_field(schema: &'static str, name: &Text) -> Error {
    Error::NoSuchField {
        schema,
        name: name.clone().into_bytes(),
    }
}

/// Kubo's words for a value of the wrong kind depend on who noticed.
fn wrong_kind(
    value: &Value,
    method: &'static str,
    schema: &'static str,
    schema_kind: &'static str,
    wanted: &'static str,
) -> Error {
    let (method, node, kind, wanted) = match (value, method) {
        (Value::Null, _) => ("AssignNull", format!("dagpb.{schema}"), schema_kind, "null"),
        (_, "AssignNode") => (method, format!("dagpb.{schema}"), value.kind(), wanted),
        _ => (method, value.kind().to_owned(), value.kind(), wanted),
    };
    Error::WrongKind {
        method,
        node,
        kind,
        wanted,
    }
}
