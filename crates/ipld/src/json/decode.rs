use std::collections::HashSet;

use basalt_block::parse_cid;

use super::{
    Dialect,
    lex::{Lexer, Number},
};
use crate::{Error, Text, Value, base64};

const MAX_DEPTH: usize = 1024;
const NO_COLON: &str = "expected colon after map key; got ";

/// A list or map whose end is still to come. Kept in a vector, not on the stack: a block may be a
/// thousand levels deep.
enum Open {
    List(Vec<Value>),
    Map {
        entries: Vec<(Text, Value)>,
        seen: HashSet<Text>,
        name: Text,
    },
}

pub(crate) fn decode(data: &[u8], dialect: Dialect) -> Result<Value, Error> {
    let mut lexer = Lexer::new(data);
    let first = lexer.token()?;
    let value = value(&mut lexer, first, dialect)?;
    if matches!(first, b'-' | b'0'..=b'9') {
        lexer.skip_one();
    }
    lexer.end()?;
    Ok(value)
}

fn value(lexer: &mut Lexer<'_>, first: u8, dialect: Dialect) -> Result<Value, Error> {
    let mut open: Vec<Open> = Vec::new();
    let mut byte = first;
    loop {
        let mut complete = match byte {
            b'{' | b'[' if open.len() >= MAX_DEPTH => {
                return Err(lexer.bad("message structure exceeded maximum nesting depth"));
            }
            b'{' => {
                open.push(Open::Map {
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    name: Text::default(),
                });
                None
            }
            b'[' => {
                open.push(Open::List(Vec::new()));
                None
            }
            _ => Some(scalar(lexer, byte)?),
        };
        // Put the value where it belongs, and with it whatever it completes.
        loop {
            lexer.inside = !open.is_empty();
            let Some(parent) = open.last_mut() else {
                match complete {
                    Some(value) => return Ok(value),
                    None => return Err(lexer.bad("unexpected EOF")),
                }
            };
            if let Some(next) = parent.advance(lexer, complete)? {
                byte = next;
                break;
            }
            complete = match open.pop() {
                Some(Open::List(list)) => Some(Value::List(list)),
                Some(Open::Map { entries, .. }) => Some(whole_map(lexer, entries, dialect)?),
                None => None,
            };
        }
    }
}

impl Open {
    /// Takes in what was completed; returns the first byte of the next value inside, or `None`
    /// behind the closing bracket.
    fn advance(
        &mut self,
        lexer: &mut Lexer<'_>,
        complete: Option<Value>,
    ) -> Result<Option<u8>, Error> {
        match self {
            Self::List(list) => {
                list.extend(complete);
                let expected = "expected comma or array close after array value; got ";
                Self::next(lexer, list.is_empty(), b']', expected)
            }
            Self::Map {
                entries,
                seen,
                name,
            } => {
                entries.extend(complete.map(|value| (std::mem::take(name), value)));
                let expected = "expected comma or map close after map value; got ";
                let Some(byte) = Self::next(lexer, entries.is_empty(), b'}', expected)? else {
                    return Ok(None);
                };
                if byte != b'"' {
                    return Err(no_name(lexer, byte));
                }
                *name = lexer.string()?.into();
                let colon = lexer.token()?;
                if colon != b':' {
                    return Err(unexpected(lexer, NO_COLON, colon));
                }
                // Most maps of one name are links, which need no set.
                if let [(only, _)] = entries.as_slice() {
                    seen.insert(only.clone());
                }
                if !entries.is_empty() && !seen.insert(name.clone()) {
                    return Err(lexer.bad(format!("cannot repeat map key {name:?}")));
                }
                lexer.token().map(Some)
            }
        }
    }

    fn next(
        lexer: &mut Lexer<'_>,
        is_first: bool,
        close: u8,
        expected: &str,
    ) -> Result<Option<u8>, Error> {
        let mut byte = lexer.token()?;
        if !is_first && byte == b',' {
            byte = lexer.token()?;
        } else if !is_first && byte != close {
            return Err(unexpected(lexer, expected, byte));
        }
        Ok((byte != close).then_some(byte))
    }
}

fn scalar(lexer: &mut Lexer<'_>, first: u8) -> Result<Value, Error> {
    match first {
        b'n' => lexer.literal("ull").map(|()| Value::Null),
        b'f' => lexer.literal("alse").map(|()| Value::Bool(false)),
        b't' => lexer.literal("rue").map(|()| Value::Bool(true)),
        b'"' => Ok(Value::String(lexer.string()?.into())),
        b'-' | b'0'..=b'9' => Ok(match lexer.number()? {
            Number::Int(int) => Value::Int(int.into()),
            Number::Float(float) => Value::Float(float),
        }),
        _ => Err(unexpected(
            lexer,
            "invalid char while expecting start of value: ",
            first,
        )),
    }
}

fn whole_map(
    lexer: &Lexer<'_>,
    entries: Vec<(Text, Value)>,
    dialect: Dialect,
) -> Result<Value, Error> {
    match dialect {
        Dialect::DagJson => match link_or_bytes(&entries) {
            Some(special) => special.map_err(|e| lexer.bad(e)),
            None => Ok(Value::Map(entries)),
        },
        Dialect::Json => Ok(Value::Map(entries)),
    }
}

/// What `{"/": "<cid>"}` and `{"/": {"bytes": "<base64>"}}` stand for.
fn link_or_bytes(map: &[(Text, Value)]) -> Option<Result<Value, String>> {
    match only(map, "/")? {
        Value::String(text) => {
            Some(parse_cid(&text.to_string()).map(|(cid, _)| Value::Link(cid.into())))
        }
        Value::Map(inner) => match only(inner, "bytes")? {
            Value::String(text) => Some(base64::decode(text.as_bytes()).map(Value::Bytes)),
            _ => None,
        },
        _ => None,
    }
}

/// The value of a map that has this name and no other.
fn only<'a>(map: &'a [(Text, Value)], wanted: &str) -> Option<&'a Value> {
    match map {
        [(name, value)] if name.as_bytes() == wanted.as_bytes() => Some(value),
        _ => None,
    }
}

/// Something other than a string where a name should be: Kubo notices only behind the colon.
fn no_name(lexer: &mut Lexer<'_>, first: u8) -> Error {
    let token = match first {
        b'{' => Ok("map open"),
        b'[' => Ok("array open"),
        b'n' => lexer.literal("ull").map(|()| "null"),
        b't' => lexer.literal("rue").map(|()| "bool"),
        b'f' => lexer.literal("alse").map(|()| "bool"),
        b'-' | b'0'..=b'9' => lexer.number().map(|number| match number {
            Number::Int(_) => "int",
            Number::Float(_) => "float",
        }),
        _ => return unexpected(lexer, "invalid char while expecting start of key: ", first),
    };
    match token.and_then(|token| Ok((token, lexer.token()?))) {
        Ok((token, b':')) => lexer.bad(format!("unexpected {token} token while expecting map key")),
        Ok((_, other)) => unexpected(lexer, NO_COLON, other),
        Err(e) => e,
    }
}

#[cold]
fn unexpected(lexer: &Lexer<'_>, expected: &str, byte: u8) -> Error {
    let found = match byte {
        b',' => "comma",
        b':' => "colon",
        b'{' => "map open",
        b'}' => "map close",
        b'[' => "array open",
        b']' => "array close",
        b'"' => "quote",
        _ => return lexer.bad(format!("{expected}0x{byte:x}")),
    };
    lexer.bad(format!("{expected}{found}"))
}
