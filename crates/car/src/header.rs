use std::ops::Range;

use basalt_block::{Cid, decode_cid};
use bytes::Bytes;

use crate::Reason;
use crate::cbor::{Item, Reader, bad};

/// The header of a CARv1, or of the one inside a CARv2.
///
/// The roots stay in the bytes they came in: a hundred thousand of them take four megabytes.
#[derive(Debug, Clone)]
pub struct Header {
    pub(crate) version: u64,
    data: Bytes,
    roots: Range<usize>,
    count: usize,
}

/// The roots in a header, one after the other.
#[derive(Debug, Clone)]
pub struct Roots<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl Header {
    /// Reads a header, every root in it included.
    pub(crate) fn read(data: Bytes) -> Result<Self, Reason> {
        let mut reader = Reader::new(&data);
        let fields = match reader.item()? {
            Item::Map(fields) => fields,
            other => {
                return Err(bad(format!(
                    "malformed stream: invalid appearance of {} token; expected start of map",
                    other.name()
                )));
            }
        };
        let (mut version, mut roots, mut count) = (0, 0..0, 0);
        // As in Kubo, of a field that is there twice the last one counts, and what follows the map
        // is passed over.
        for _ in 0..fields {
            match reader.item()? {
                Item::Text(b"version") => match reader.item()? {
                    Item::Uint(value) => version = value,
                    other => {
                        return Err(bad(format!(
                            "unmarshal error: cannot assign {} to uint64 field",
                            other.shown()
                        )));
                    }
                },
                Item::Text(b"roots") => (roots, count) = read_roots(&mut reader)?,
                Item::Text(name) => {
                    let name: String = String::from_utf8_lossy(name).chars().take(64).collect();
                    return Err(bad(format!(
                        "unmarshal error: stream contains key {name:?}, but there's no such field in structs of type carv1.CarHeader"
                    )));
                }
                other => {
                    return Err(bad(format!(
                        "malformed stream: invalid appearance of {} token; expected map key",
                        other.name()
                    )));
                }
            }
        }
        Ok(Self {
            version,
            roots,
            count,
            data,
        })
    }

    /// The roots in their order, repetitions included. There may be none.
    pub fn roots(&self) -> Roots<'_> {
        Roots {
            reader: Reader::new(&self.data[self.roots.clone()]),
            left: self.count,
        }
    }
}

fn read_roots(reader: &mut Reader<'_>) -> Result<(Range<usize>, usize), Reason> {
    let count = match reader.item()? {
        Item::List(count) => count,
        Item::Null => return Ok((0..0, 0)),
        other => {
            return Err(bad(format!(
                "unmarshal error: cannot assign {} to slice field",
                other.shown()
            )));
        }
    };
    let begin = reader.position();
    for _ in 0..count {
        read_root(reader)?;
    }
    // No more than there are bytes.
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok((begin..reader.position(), count))
}

fn read_root(reader: &mut Reader<'_>) -> Result<Cid, Reason> {
    match reader.item()? {
        Item::Bytes([0, cid @ ..]) => {
            decode_cid(cid).map_err(|_| bad("link value should have been bytes"))
        }
        Item::Bytes([]) | Item::Null => Err(bad("link value was empty")),
        Item::Bytes(_) => Err(bad("invalid multibase on IPLD link")),
        other => Err(bad(format!(
            "unmarshal error: cannot assign {} to slice field",
            other.shown()
        ))),
    }
}

impl Iterator for Roots<'_> {
    type Item = Cid;

    fn next(&mut self) -> Option<Cid> {
        self.left = self.left.checked_sub(1)?;
        // Every one of them was read before.
        read_root(&mut self.reader).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Roots<'_> {}
