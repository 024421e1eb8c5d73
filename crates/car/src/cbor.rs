//! The little of CBOR that a header is made of. Nothing in it may be nested deeper than a list in a
//! map, so nothing here recurses.

use crate::Reason;

/// A data item, or the head of one that has items inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    Uint(u64),
    Nint(u64),
    Bytes(&'a [u8]),
    Text(&'a [u8]),
    List(u64),
    Map(u64),
    Null,
    /// A truth value, a float or something else that no header has.
    Other(u8),
}

impl Item<'_> {
    /// What it is, where something else was expected in its place.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Uint(_) => "uint",
            Self::Nint(_) => "int",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "string",
            Self::List(_) => "array open",
            Self::Map(_) => "map open",
            Self::Null => "null",
            Self::Other(0xf4 | 0xf5) => "bool",
            Self::Other(_) => "float64",
        }
    }

    /// What it is, where it cannot be assigned.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Uint(value) => format!("<u:{value}>"),
            Self::Nint(value) => format!("<i:{}>", -1 - i128::from(*value)),
            Self::Bytes(bytes) => format!("<b:{} bytes>", bytes.len()),
            Self::Text(text) => {
                let text: String = String::from_utf8_lossy(text).chars().take(64).collect();
                format!("<s:{text:?}>")
            }
            Self::List(len) => format!("<[:{len}>"),
            Self::Map(len) => format!("<{{:{len}>"),
            Self::Null => "<0>".to_owned(),
            Self::Other(0xf4) => "<t:false>".to_owned(),
            Self::Other(0xf5) => "<t:true>".to_owned(),
            Self::Other(_) => "<f>".to_owned(),
        }
    }
}

/// Takes a header apart, item by item. Tags are passed over.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// How far it has come, in bytes.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn item(&mut self) -> Result<Item<'a>, Reason> {
        let mut head = self.take(1)?[0];
        if head >> 5 == 6 {
            self.argument(head)?;
            head = self.take(1)?[0];
            if head >> 5 == 6 {
                return Err(bad("unsupported multiple tags on a single data item"));
            }
        }
        Ok(match head >> 5 {
            0 => Item::Uint(self.argument(head)?),
            1 => Item::Nint(self.argument(head)?),
            2 => Item::Bytes(self.string(head)?),
            3 => Item::Text(self.string(head)?),
            4 => Item::List(self.argument(head)?),
            5 => Item::Map(self.argument(head)?),
            _ => match head {
                0xf4 | 0xf5 => Item::Other(head),
                0xf6 | 0xf7 => Item::Null,
                0xf9..=0xfb => {
                    self.take(1 << (head - 0xf8))?;
                    Item::Other(head)
                }
                _ => return Err(bad(format!("invalid majorByte: 0x{head:x}"))),
            },
        })
    }

    fn argument(&mut self, head: u8) -> Result<u64, Reason> {
        let len = match head & 0x1f {
            value @ ..24 => return Ok(value.into()),
            short @ 24..=27 => 1 << (short - 24),
            31 if (2..6).contains(&(head >> 5)) => {
                return Err(bad("cbor: indefinite-length encoding rejected"));
            }
            _ => return Err(bad(format!("decodeUint: Invalid descriptor: {head}"))),
        };
        let bytes = self.take(len)?;
        Ok(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    fn string(&mut self, head: u8) -> Result<&'a [u8], Reason> {
        let len = self.argument(head)?;
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Reason> {
        let bytes = self.data[self.at..].get(..len).ok_or_else(|| bad("EOF"))?;
        self.at += len;
        Ok(bytes)
    }
}

pub(crate) fn bad(why: impl Into<String>) -> Reason {
    Reason::Header(why.into())
}

/// Writes the head of an item of major type `major`.
pub(crate) fn write_head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..24 => out.push(major | argument as u8),
        24..0x100 => out.extend([major | 24, bytes[7]]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend(&bytes[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend(bytes);
        }
    }
}
