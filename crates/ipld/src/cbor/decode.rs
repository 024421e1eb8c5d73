use std::collections::HashSet;

use basalt_block::{Cid, decode_cid};

use super::{
    Dialect, LINK_TAG,
    read::{Item, Reader},
};
use crate::{Error, Text, Value};

/// A list or map whose end is still to come. Kept in a vector, not on the stack: a block may be a
/// thousand levels deep.
struct Open<'a> {
    left: u64,
    inside: Inside<'a>,
}

enum Inside<'a> {
    List(Vec<Value>),
    Map {
        entries: Vec<(Text, Value)>,
        seen: HashSet<&'a [u8]>,
        name: &'a [u8],
    },
}

pub(crate) fn decode(data: &[u8], dialect: Dialect) -> Result<Value, Error> {
    let mut reader = Reader::new(data);
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut item = reader.item(0)?;
    loop {
        let mut value = match item {
            Item::Null => Value::Null,
            Item::Bool(value) => Value::Bool(value),
            Item::Uint(value) => Value::Int(value.into()),
            Item::Nint(value) => Value::Int(value.into()),
            Item::Float(value) => Value::Float(value),
            Item::Text(text) => Value::String(text.into()),
            Item::Bytes(bytes) => Value::Bytes(bytes.into()),
            Item::Tagged(tag, bytes) => Value::Link(link(&reader, tag, bytes, dialect)?.into()),
            Item::List(0) => Value::List(Vec::new()),
            Item::Map(0) => Value::Map(Vec::new()),
            Item::List(left) => {
                let inside = Inside::List(Vec::with_capacity(reader.capacity(left, open.len())));
                open.push(Open { left, inside });
                item = reader.entry(open.len())?;
                continue;
            }
            Item::Map(left) => {
                let name = reader.name()?;
                let inside = Inside::Map {
                    entries: Vec::with_capacity(reader.capacity(left, open.len())),
                    seen: HashSet::from([name]),
                    name,
                };
                open.push(Open { left, inside });
                item = reader.item(open.len())?;
                continue;
            }
        };
        // Put the value where it belongs, and with it whatever it completes.
        loop {
            let depth = open.len();
            let Some(Open { left, inside }) = open.last_mut() else {
                reader.end()?;
                return Ok(value);
            };
            *left -= 1;
            match inside {
                Inside::List(list) => {
                    list.push(value);
                    if *left > 0 {
                        item = reader.entry(depth)?;
                        break;
                    }
                    value = Value::List(std::mem::take(list));
                }
                Inside::Map {
                    entries,
                    seen,
                    name,
                } => {
                    entries.push(((*name).into(), value));
                    if *left > 0 {
                        *name = reader.name()?;
                        if !seen.insert(name) {
                            let name = crate::quote::go_quote(name);
                            return Err(reader.bad(format!("duplicate map key {name}")));
                        }
                        item = reader.item(depth)?;
                        break;
                    }
                    value = Value::Map(std::mem::take(entries));
                }
            }
            open.pop();
        }
    }
}

fn link(reader: &Reader<'_>, tag: u64, bytes: &[u8], dialect: Dialect) -> Result<Cid, Error> {
    if tag != LINK_TAG || dialect == Dialect::Cbor {
        return Err(reader.bad(format!("unhandled cbor tag {tag}")));
    }
    // A link is the binary multibase prefix and the CID.
    let Some((0, cid)) = bytes.split_first().map(|(first, rest)| (*first, rest)) else {
        return Err(reader.bad("invalid multibase on IPLD link"));
    };
    decode_cid(cid).map_err(|e| reader.bad(e.to_string()))
}

/// Visits the links without building the value. Refuses what `decode` refuses, except for names
/// that stand twice in a map.
pub(crate) fn for_each_link(
    data: &[u8],
    dialect: Dialect,
    visit: &mut impl FnMut(&Cid),
) -> Result<(), Error> {
    let mut reader = Reader::new(data);
    let mut open: Vec<(u64, bool)> = Vec::new();
    let mut item = reader.item(0)?;
    loop {
        match item {
            Item::Tagged(tag, bytes) => visit(&link(&reader, tag, bytes, dialect)?),
            Item::List(len) => open.push((len, false)),
            Item::Map(len) => open.push((len, true)),
            _ => {}
        }
        while open.pop_if(|(left, _)| *left == 0).is_some() {}
        let depth = open.len();
        let Some((left, is_map)) = open.last_mut() else {
            return reader.end();
        };
        *left -= 1;
        item = if *is_map {
            reader.name()?;
            reader.item(depth)?
        } else {
            reader.entry(depth)?
        };
    }
}
