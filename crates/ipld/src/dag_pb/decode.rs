use basalt_block::{Cid, read_cid, varint};

use crate::Error;

const BYTES: u64 = 2;
const VARINT: u64 = 0;
const NO_HASH: &str = "invalid Hash field found in link, expected CID";

/// A field of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// The node's data; at most one.
    Data(&'a [u8]),
    /// The next link.
    Link(LinkRef<'a>),
}

/// A link that borrows its name from the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkRef<'a> {
    /// The block that is linked to.
    pub cid: Cid,
    /// The name; most writers use UTF-8, none has to. Absent and empty are different bytes.
    pub name: Option<&'a [u8]>,
    /// The size in bytes of all that the link leads to, as its writer counted.
    pub tsize: Option<u64>,
}

/// Reads the fields of a node in the order of the block.
///
/// Data may stand before or after all links but not among them. A link has the fields hash, name
/// and size in this order, each at most once, the hash always. Nothing else may stand in a block.
pub fn fields(block: &[u8]) -> Fields<'_> {
    Fields {
        cursor: Cursor { block, at: 0 },
        seen: Seen::default(),
    }
}

/// The iterator of [`fields`]; ends after its first error.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    cursor: Cursor<'a>,
    seen: Seen,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    data: bool,
    links: bool,
    data_after_links: bool,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.cursor.at = self.cursor.block.len();
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    /// Where in the block the next field begins.
    pub fn offset(&self) -> usize {
        self.cursor.at
    }

    fn field(&mut self) -> Result<Field<'a>, Error> {
        let start = self.cursor.at;
        let (number, wire) = self.cursor.tag()?;
        if wire != BYTES {
            return Err(bad(
                start,
                format!("(PBNode) invalid wireType, expected 2, got {wire}"),
            ));
        }
        match number {
            1 => {
                if self.seen.data {
                    return Err(bad(start, "(PBNode) duplicate Data section"));
                }
                let data = self.cursor.bytes()?;
                self.seen.data = true;
                self.seen.data_after_links = self.seen.links;
                Ok(Field::Data(data))
            }
            2 => {
                let link = self.cursor.bytes()?;
                if self.seen.data_after_links {
                    return Err(bad(start, "(PBNode) duplicate Links section"));
                }
                self.seen.links = true;
                // Offsets in errors count from the start of the block.
                let end = self.cursor.at;
                link_fields(Cursor {
                    block: &self.cursor.block[..end],
                    at: end - link.len(),
                })
                .map(Field::Link)
            }
            _ => Err(bad(
                start,
                format!("(PBNode) invalid fieldNumber, expected 1 or 2, got {number}"),
            )),
        }
    }
}

#[inline]
fn link_fields(mut cursor: Cursor<'_>) -> Result<LinkRef<'_>, Error> {
    let mut cid = None;
    let mut name = None;
    let mut tsize = None;
    while !cursor.is_empty() {
        let start = cursor.at;
        let (number, wire) = cursor.tag()?;
        let (field, expected, seen) = match number {
            1 => ("Hash", BYTES, cid.is_some()),
            2 => ("Name", BYTES, name.is_some()),
            3 => ("Tsize", VARINT, tsize.is_some()),
            _ => {
                let why = format!("(PBLink) invalid fieldNumber, expected 1, 2 or 3, got {number}");
                return Err(bad(start, why));
            }
        };
        if seen {
            return Err(bad(start, format!("(PBLink) duplicate {field} section")));
        }
        let late = match number {
            1 if name.is_some() => Some("Name"),
            1 | 2 if tsize.is_some() => Some("Tsize"),
            _ => None,
        };
        if let Some(late) = late {
            let why = format!("(PBLink) invalid order, found {late} before {field}");
            return Err(bad(start, why));
        }
        if wire != expected {
            let why = format!("(PBLink) wrong wireType ({wire}) for {field}");
            return Err(bad(start, why));
        }
        match number {
            1 => {
                let hash = cursor.bytes()?;
                // Bytes behind the CID are let pass, as Kubo does.
                let (read, _) = read_cid(hash).map_err(|e| Error::Malformed {
                    offset: start,
                    reason: format!("{NO_HASH} ({e})"),
                })?;
                cid = Some(read);
            }
            2 => name = Some(cursor.bytes()?),
            _ => tsize = Some(cursor.varint()?),
        }
    }
    Ok(LinkRef {
        cid: cid.ok_or_else(|| Error::Malformed {
            offset: cursor.at,
            reason: NO_HASH.into(),
        })?,
        name,
        tsize,
    })
}

#[derive(Debug, Clone, Copy)]
struct Cursor<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn is_empty(&self) -> bool {
        self.at == self.block.len()
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Error> {
        let (value, len) = varint::read(&self.block[self.at..]).map_err(|e| Error::Malformed {
            offset: self.at,
            reason: match e {
                varint::Refused::Truncated => "unexpected EOF".into(),
                _ => "proto: variable length integer overflow".into(),
            },
        })?;
        self.at += len;
        Ok(value)
    }

    #[inline]
    fn tag(&mut self) -> Result<(u64, u64), Error> {
        let start = self.at;
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > i32::MAX as u64 {
            return Err(Error::Malformed {
                offset: start,
                reason: "proto: invalid field number".into(),
            });
        }
        Ok((number, tag & 7))
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let start = self.at;
        let len = self.varint()?;
        let bytes = usize::try_from(len)
            .ok()
            .and_then(|len| self.block[self.at..].get(..len))
            .ok_or_else(|| Error::Malformed {
                offset: start,
                reason: "unexpected EOF".into(),
            })?;
        self.at += bytes.len();
        Ok(bytes)
    }
}

#[cold]
fn bad(offset: usize, reason: impl std::fmt::Display) -> Error {
    Error::Malformed {
        offset,
        reason: format!("protobuf: {reason}"),
    }
}
