use std::fmt::Write as _;

use basalt_block::Cid;

use super::{END_OF_SIGNATURE, SHA_LEN, person};
use crate::{Error, Text, Value};

const COMMIT: [&str; 9] = [
    "tree",
    "parents",
    "message",
    "author",
    "committer",
    "encoding",
    "signature",
    "mergetag",
    "other",
];

/// Writes a value as the object that it has the shape of: bytes as they are, for they have their
/// header; a map of entries with a mode and a hash as a tree; other maps by their first name.
pub(crate) fn encode(value: &Value) -> Result<Vec<u8>, Error> {
    match value {
        Value::Bytes(blob) => Ok(blob.clone()),
        Value::Map(entries) if entries.iter().all(|(_, entry)| is_tree_entry(entry)) => {
            tree(entries)
        }
        Value::Map(entries) => match entries.first().map(|(name, _)| name.as_bytes()) {
            Some(b"object" | b"type" | b"tag" | b"tagger" | b"text") => tag(value),
            _ => commit(value, entries).map_err(not_a_commit),
        },
        value => {
            let kind = value.kind();
            let (first, rest) = kind.split_at(1);
            let kind = format!("basicnode.Prototype__{}{rest}", first.to_uppercase());
            Err(Error::Misshapen(format!(
                "unrecognized object type: {kind}"
            )))
        }
    }
}

fn is_tree_entry(entry: &Value) -> bool {
    let Value::Map(fields) = entry else {
        return false;
    };
    let mode = matches!(entry.get("mode"), Some(Value::String(_)));
    let hash = matches!(entry.get("hash"), Some(Value::Link(_)));
    fields.len() == 2 && mode && hash
}

fn tree(entries: &[(Text, Value)]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for (name, entry) in entries {
        out.extend_from_slice(text(entry, "mode")?);
        out.push(b' ');
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.extend_from_slice(sha(link(entry, "hash")?)?);
    }
    Ok(object("tree", out))
}

fn tag(value: &Value) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    line(&mut out, "object ", hex(link(value, "object")?)?.as_bytes());
    line(&mut out, "type ", text(value, "type")?);
    line(&mut out, "tag ", text(value, "tag")?);
    let message = text(value, "message")?;
    match value.get("tagger") {
        None | Some(Value::Null) => {}
        Some(tagger) => a_person(&mut out, "tagger ", tagger)?,
    }
    if !message.is_empty() {
        out.push(b'\n');
        out.extend_from_slice(message);
    }
    Ok(object("tag", out))
}

fn commit(value: &Value, entries: &[(Text, Value)]) -> Result<Vec<u8>, Error> {
    for (name, _) in entries {
        if !COMMIT
            .iter()
            .any(|field| field.as_bytes() == name.as_bytes())
        {
            return Err(Error::NoSuchField {
                schema: "ipldgit.Commit.Repr",
                name: name.as_bytes().to_vec(),
            });
        }
    }
    let missing = ["tree", "parents", "message", "mergetag", "other"]
        .into_iter()
        .filter(|field| value.get(field).is_none());
    let missing = missing.collect::<Vec<_>>().join(",");
    if !missing.is_empty() {
        let reason = format!("missing required fields: {missing}");
        return Err(Error::Misshapen(reason));
    }
    let mut out = Vec::new();
    line(&mut out, "tree ", hex(link(value, "tree")?)?.as_bytes());
    for parent in list(value, "parents")? {
        line(&mut out, "parent ", hex(as_link(parent)?)?.as_bytes());
    }
    for who in ["author", "committer"] {
        let person = value.get(who).filter(|person| **person != Value::Null);
        let person = person.ok_or(Error::MissingField(who))?;
        a_person(&mut out, &format!("{who} "), person)?;
    }
    if let Some(encoding) = optional_text(value, "encoding")? {
        line(&mut out, "encoding ", encoding);
    }
    for tag in list(value, "mergetag")? {
        line(
            &mut out,
            "mergetag object ",
            hex(link(tag, "object")?)?.as_bytes(),
        );
        line(&mut out, " type ", text(tag, "type")?);
        line(&mut out, " tag ", text(tag, "tag")?);
        a_person(&mut out, " tagger ", field(tag, "tagger")?)?;
        out.extend_from_slice(b" \n");
        out.extend_from_slice(text(tag, "message")?);
    }
    if let Some(signature) = optional_text(value, "signature")? {
        out.extend_from_slice(b"gpgsig -----BEGIN PGP SIGNATURE-----\n");
        out.extend_from_slice(signature);
        out.extend_from_slice(END_OF_SIGNATURE);
        out.push(b'\n');
    }
    for other in list(value, "other")? {
        line(&mut out, "", as_text(other)?);
    }
    out.push(b'\n');
    out.extend_from_slice(text(value, "message")?);
    Ok(object("commit", out))
}

fn not_a_commit(error: Error) -> Error {
    Error::Misshapen(format!("not a Commit: *basicnode.plainMap {error}"))
}

fn object(kind: &str, content: Vec<u8>) -> Vec<u8> {
    let header = format!("{kind} {}\0", content.len());
    [header.into_bytes(), content].concat()
}

fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn a_person(out: &mut Vec<u8>, name: &str, person: &Value) -> Result<(), Error> {
    out.extend_from_slice(name.as_bytes());
    person::write(person, out).ok_or_else(|| {
        let name = name.trim();
        Error::Misshapen(format!(
            "{name}: a person has the texts date, timezone, email and name"
        ))
    })?;
    out.push(b'\n');
    Ok(())
}

fn field<'a>(value: &'a Value, name: &str) -> Result<&'a Value, Error> {
    match value {
        Value::Map(_) => value.child(name),
        value => Err(wrong_kind(value, "LookupByString", "map")),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a [u8], Error> {
    as_text(field(value, name)?)
}

fn optional_text<'a>(value: &'a Value, name: &str) -> Result<Option<&'a [u8]>, Error> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => as_text(value).map(Some),
    }
}

fn as_text(value: &Value) -> Result<&[u8], Error> {
    match value {
        Value::String(text) => Ok(text.as_bytes()),
        value => Err(wrong_kind(value, "AsString", "string")),
    }
}

fn link<'a>(value: &'a Value, name: &str) -> Result<&'a Cid, Error> {
    as_link(field(value, name)?)
}

fn as_link(value: &Value) -> Result<&Cid, Error> {
    match value {
        Value::Link(cid) => Ok(cid),
        value => Err(wrong_kind(value, "AsLink", "link")),
    }
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], Error> {
    match field(value, name)? {
        Value::List(list) => Ok(list),
        value => Err(wrong_kind(value, "BeginList", "list")),
    }
}

fn wrong_kind(value: &Value, method: &'static str, wanted: &'static str) -> Error {
    Error::WrongKind {
        method,
        node: value.kind().to_owned(),
        kind: value.kind(),
        wanted,
    }
}

/// The end of the link's hash, whatever function it is of.
fn sha(cid: &Cid) -> Result<&[u8], Error> {
    let digest = cid.hash().digest();
    let start = digest.len().checked_sub(SHA_LEN);
    start
        .map(|start| &digest[start..])
        .ok_or_else(|| Error::Misshapen(format!("{cid} has less than {SHA_LEN} bytes of hash")))
}

fn hex(cid: &Cid) -> Result<String, Error> {
    let mut hex = String::with_capacity(2 * SHA_LEN);
    for byte in sha(cid)? {
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}
