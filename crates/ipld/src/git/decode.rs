use std::collections::HashSet;
use std::io::Read as _;

use basalt_block::{Cid, Multihash};

use super::lines::Lines;
use super::{END_OF_SIGNATURE, SHA_LEN, SHA1, person};
use crate::{Error, Text, Value, codec, quote::go_quote};

/// What a compressed object may have, in bytes.
const MOST_INFLATED: u64 = 32 << 20;

/// Reads an object. Commits and tags are maps in the order of their schema, trees maps of their
/// entries, blobs bytes with their header.
pub(crate) fn decode(data: &[u8]) -> Result<Value, Error> {
    let Some(space) = find(data, b' ') else {
        return Err(bad(data.len(), "unexpected EOF"));
    };
    let Some(nul) = find(&data[space + 1..], 0) else {
        return Err(bad(data.len(), "EOF"));
    };
    let size = &data[space + 1..][..nul];
    let content = space + 1 + nul + 1;
    match &data[..space] {
        b"blob" => blob(number(size, space + 1)?, data, content),
        b"tree" => {
            number(size, space + 1)?;
            tree(data, content)
        }
        b"commit" => {
            number(size, space + 1)?;
            commit(Lines::new(data, content))
        }
        b"tag" => tag(Lines::new(data, content)),
        other => Err(bad(
            0,
            format!("unrecognized object type: {}", go_quote(other)),
        )),
    }
}

/// Reads a compressed object.
pub(crate) fn decode_zlib(data: &[u8]) -> Result<Value, Error> {
    let mut object = Vec::new();
    let inflated = flate2::read::ZlibDecoder::new(data)
        .take(MOST_INFLATED + 1)
        .read_to_end(&mut object);
    match inflated {
        Ok(len) if len as u64 > MOST_INFLATED => Err(bad(0, "git object is too large")),
        Ok(_) => decode(&object),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(bad(0, "unexpected EOF")),
        Err(_) => Err(bad(0, "zlib: invalid header")),
    }
}

fn blob(size: i64, data: &[u8], content: usize) -> Result<Value, Error> {
    let Ok(len) = usize::try_from(size) else {
        return Err(bad(content, format!("invalid blob size: {size}")));
    };
    let Some(bytes) = data[content..].get(..len) else {
        let reason = match data.len() == content {
            true => "EOF",
            false => "unexpected EOF",
        };
        return Err(bad(data.len(), reason));
    };
    Ok(Value::Bytes(
        [format!("blob {size}\0").as_bytes(), bytes].concat(),
    ))
}

fn tree(data: &[u8], mut at: usize) -> Result<Value, Error> {
    let mut entries = Vec::new();
    let mut names = HashSet::new();
    // An entry that is cut before its hash is the end, as in Kubo.
    while let Some(space) = find(&data[at..], b' ') {
        let (mode, rest) = (&data[at..at + space], at + space + 1);
        let Some(nul) = find(&data[rest..], 0) else {
            break;
        };
        let (name, hash) = (&data[rest..rest + nul], rest + nul + 1);
        let Some(sha) = data[hash..].get(..SHA_LEN) else {
            if data.len() == hash {
                break;
            }
            return Err(bad(data.len(), "unexpected EOF"));
        };
        if !names.insert(name) {
            let reason = format!("cannot repeat map key {}", go_quote(name));
            return Err(bad(rest, reason));
        }
        let entry = vec![
            ("mode".into(), Value::String(mode.into())),
            ("hash".into(), link(sha, hash)?),
        ];
        entries.push((name.into(), Value::Map(entry)));
        at = hash + SHA_LEN;
    }
    Ok(Value::Map(entries))
}

/// The fields of a commit as they come.
#[derive(Default)]
struct Commit {
    tree: Option<Value>,
    parents: Vec<Value>,
    message: Vec<u8>,
    author: Option<Value>,
    committer: Option<Value>,
    encoding: Option<Value>,
    signature: Option<Value>,
    mergetag: Vec<Value>,
    other: Vec<Value>,
}

fn commit(mut lines: Lines<'_>) -> Result<Value, Error> {
    let mut commit = Commit::default();
    // The line that ended a merged tag is the next of the commit.
    let mut pending = None;
    while let Some(line) = pending.take().or_else(|| lines.next()) {
        let at = lines.at();
        if let Some(hex) = line.strip_prefix(b"tree ") {
            commit.tree = Some(hex_link(hex, at)?);
        } else if let Some(hex) = line.strip_prefix(b"parent ") {
            commit.parents.push(hex_link(hex, at)?);
        } else if line.starts_with(b"author ") {
            commit.author = Some(a_person(line, at)?);
        } else if line.starts_with(b"committer ") {
            commit.committer = Some(a_person(line, at)?);
        } else if let Some(encoding) = line.strip_prefix(b"encoding ") {
            commit.encoding = Some(Value::String(encoding.into()));
        } else if let Some(hex) = line.strip_prefix(b"mergetag object ") {
            let object = hex_link(hex, at)?;
            let (tag, next) = merged_tag(object, &mut lines)?;
            commit.mergetag.push(tag);
            pending = next;
        } else if line.starts_with(b"gpgsig ") {
            commit.signature = Some(Value::String(signature(&mut lines)?.into()));
        } else if line.is_empty() {
            commit.message = lines.rest().to_vec();
        } else {
            commit.other.push(Value::String(line.into()));
        }
    }
    let tree = commit.tree.ok_or_else(|| no_link("tree"))?;
    let or_null = |value: Option<Value>| value.unwrap_or(Value::Null);
    Ok(map([
        ("tree", tree),
        ("parents", Value::List(commit.parents)),
        ("message", Value::String(commit.message.into())),
        ("author", or_null(commit.author)),
        ("committer", or_null(commit.committer)),
        ("encoding", or_null(commit.encoding)),
        ("signature", or_null(commit.signature)),
        ("mergetag", Value::List(commit.mergetag)),
        ("other", Value::List(commit.other)),
    ]))
}

/// A signature without its first and last line.
fn signature(lines: &mut Lines<'_>) -> Result<Vec<u8>, Error> {
    let at = lines.at();
    let first = lines.next().ok_or_else(|| bad(at, "EOF"))?;
    let is_header = first.starts_with(b" Version: ") || first.starts_with(b" Comment: ");
    if first != b" " && !is_header {
        return Err(bad(
            at,
            "expected first line of sig to be a single space or version",
        ));
    }
    let mut signature = [first, b"\n"].concat();
    loop {
        match lines.next() {
            None => return Err(bad(lines.at(), "EOF")),
            Some(line) if line == END_OF_SIGNATURE => return Ok(signature),
            Some(line) => {
                signature.extend_from_slice(line);
                signature.push(b'\n');
            }
        }
    }
}

/// A tag inside of a commit, whose lines are indented, and the line behind it.
fn merged_tag<'a>(
    object: Value,
    lines: &mut Lines<'a>,
) -> Result<(Value, Option<&'a [u8]>), Error> {
    let mut tag = Tag::new(Some(object));
    while let Some(line) = lines.next() {
        if line == b" " {
            loop {
                match lines.next() {
                    None => return Err(bad(lines.at(), "EOF")),
                    Some(line) if line.starts_with(b" ") => {
                        tag.message.extend_from_slice(line);
                        tag.message.push(b'\n');
                    }
                    Some(line) => return Ok((tag.value()?, Some(line))),
                }
            }
        }
        if let Some(kind) = line.strip_prefix(b" type ") {
            tag.kind = kind.to_vec();
        } else if let Some(name) = line.strip_prefix(b" tag ") {
            tag.name = name.to_vec();
        } else if line.starts_with(b" tagger ") {
            tag.tagger = Some(a_person(&line[1..], lines.at())?);
        }
    }
    Ok((tag.value()?, None))
}

/// The fields of a tag as they come.
struct Tag {
    object: Option<Value>,
    kind: Vec<u8>,
    name: Vec<u8>,
    tagger: Option<Value>,
    message: Vec<u8>,
}

impl Tag {
    fn new(object: Option<Value>) -> Self {
        Self {
            object,
            kind: Vec::new(),
            name: Vec::new(),
            tagger: None,
            message: Vec::new(),
        }
    }

    fn value(self) -> Result<Value, Error> {
        let nobody =
            || map(["date", "timezone", "email", "name"].map(|f| (f, Value::String("".into()))));
        Ok(map([
            ("object", self.object.ok_or_else(|| no_link("object"))?),
            ("type", Value::String(self.kind.into())),
            ("tag", Value::String(self.name.into())),
            ("tagger", self.tagger.unwrap_or_else(nobody)),
            ("message", Value::String(self.message.into())),
        ]))
    }
}

fn tag(mut lines: Lines<'_>) -> Result<Value, Error> {
    let mut tag = Tag::new(None);
    while let Some(line) = lines.next() {
        let at = lines.at();
        if let Some(hex) = line.strip_prefix(b"object ") {
            tag.object = Some(hex_link(hex, at)?);
        } else if let Some(name) = line.strip_prefix(b"tag ") {
            tag.name = name.to_vec();
        } else if line.starts_with(b"tagger ") {
            tag.tagger = Some(a_person(line, at)?);
        } else if let Some(kind) = line.strip_prefix(b"type ") {
            tag.kind = kind.to_vec();
        } else if line.is_empty() {
            tag.message = lines.rest().to_vec();
        }
    }
    tag.value()
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.map(|(name, value)| (Text::from(name), value));
    Value::Map(entries.into())
}

fn a_person(line: &[u8], at: usize) -> Result<Value, Error> {
    person::read(line).ok_or_else(|| {
        let what = match line.iter().filter(|byte| **byte == b' ').count() < 2 {
            true => "incorrectly formatted person info line",
            false => "invalid personInfo",
        };
        bad(at, format!("{what}: {}", go_quote(line)))
    })
}

fn hex_link(hex: &[u8], at: usize) -> Result<Value, Error> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(bad(
            at,
            format!(
                "encoding/hex: invalid byte: U+{byte:04X} '{}'",
                char::from(byte).escape_default()
            ),
        )),
    };
    let mut sha = Vec::with_capacity(hex.len() / 2);
    for pair in hex.chunks(2) {
        match *pair {
            [high, low] => sha.push(digit(high)? << 4 | digit(low)?),
            [odd] => {
                digit(odd)?;
                return Err(bad(at, "encoding/hex: odd length hex string"));
            }
            _ => {}
        }
    }
    link(&sha, at)
}

fn link(sha: &[u8], at: usize) -> Result<Value, Error> {
    if sha.len() != SHA_LEN {
        let len = sha.len();
        let reason = format!("invalid git sha of {len} bytes, expected {SHA_LEN}");
        return Err(bad(at, reason));
    }
    let hash = Multihash::wrap(SHA1, sha).map_err(|e| bad(at, e.to_string()))?;
    Ok(Value::Link(Cid::new_v1(codec::GIT_RAW, hash).into()))
}

/// Kubo reads such an object, and then cannot do anything with it.
fn no_link(field: &str) -> Error {
    Error::Misshapen(format!("git object has no {field}"))
}

fn number(text: &[u8], at: usize) -> Result<i64, Error> {
    let refused = |why: &str| {
        let text = go_quote(text);
        bad(at, format!("strconv.Atoi: parsing {text}: {why}"))
    };
    let number = std::str::from_utf8(text).map_err(|_| refused("invalid syntax"))?;
    number.parse().map_err(|e: std::num::ParseIntError| {
        use std::num::IntErrorKind::{NegOverflow, PosOverflow};
        match e.kind() {
            PosOverflow | NegOverflow => refused("value out of range"),
            _ => refused("invalid syntax"),
        }
    })
}

fn find(data: &[u8], byte: u8) -> Option<usize> {
    data.iter().position(|b| *b == byte)
}

#[cold]
fn bad(offset: usize, reason: impl Into<String>) -> Error {
    Error::Malformed {
        offset,
        reason: reason.into(),
    }
}
