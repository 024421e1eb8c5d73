//! The protobuf message of a record.

use basalt_block::varint;

use crate::{Error, Result};

/// The fields of a record in the order of their numbers, 1 to 9. Those that are absent differ from
/// those that are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) signature_v1: Option<Vec<u8>>,
    pub(crate) validity_type: Option<i32>,
    pub(crate) validity: Option<Vec<u8>>,
    pub(crate) sequence: Option<u64>,
    pub(crate) ttl: Option<u64>,
    pub(crate) public_key: Option<Vec<u8>>,
    pub(crate) signature_v2: Option<Vec<u8>>,
    pub(crate) data: Option<Vec<u8>>,
    /// Fields that nobody here knows, as they stand.
    pub(crate) unknown: Vec<u8>,
}

const VARINT: u64 = 0;
const BYTES: u64 = 2;

impl Fields {
    /// Reads a message; of a field that stands there twice, the last counts.
    pub(crate) fn decode(message: &[u8]) -> Result<Self> {
        read(message).ok_or_else(|| {
            Error::Malformed("proto: cannot parse invalid wire-format data".to_owned())
        })
    }

    /// Writes the message as Go does.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let number = |out: &mut Vec<u8>, field: u64, number: Option<u64>| {
            if let Some(number) = number {
                varint::write(field << 3 | VARINT, out);
                varint::write(number, out);
            }
        };
        let bytes = |out: &mut Vec<u8>, field: u64, bytes: &Option<Vec<u8>>| {
            if let Some(bytes) = bytes {
                varint::write(field << 3 | BYTES, out);
                varint::write(bytes.len() as u64, out);
                out.extend_from_slice(bytes);
            }
        };
        bytes(&mut out, 1, &self.value);
        bytes(&mut out, 2, &self.signature_v1);
        // Negative numbers are extended to 64 bits.
        let validity_type = self.validity_type.map(|number| i64::from(number) as u64);
        number(&mut out, 3, validity_type);
        bytes(&mut out, 4, &self.validity);
        number(&mut out, 5, self.sequence);
        number(&mut out, 6, self.ttl);
        bytes(&mut out, 7, &self.public_key);
        bytes(&mut out, 8, &self.signature_v2);
        bytes(&mut out, 9, &self.data);
        out.extend_from_slice(&self.unknown);
        out
    }
}

fn read(message: &[u8]) -> Option<Fields> {
    let mut fields = Fields::default();
    let mut rest = message;
    while !rest.is_empty() {
        let before = rest;
        let tag = varint::take(&mut rest).ok()?;
        match (tag >> 3, tag & 7) {
            (1, BYTES) => fields.value = Some(take_bytes(&mut rest)?),
            (2, BYTES) => fields.signature_v1 = Some(take_bytes(&mut rest)?),
            (3, VARINT) => fields.validity_type = Some(varint::take(&mut rest).ok()? as i32),
            (4, BYTES) => fields.validity = Some(take_bytes(&mut rest)?),
            (5, VARINT) => fields.sequence = Some(varint::take(&mut rest).ok()?),
            (6, VARINT) => fields.ttl = Some(varint::take(&mut rest).ok()?),
            (7, BYTES) => fields.public_key = Some(take_bytes(&mut rest)?),
            (8, BYTES) => fields.signature_v2 = Some(take_bytes(&mut rest)?),
            (9, BYTES) => fields.data = Some(take_bytes(&mut rest)?),
            _ => {
                skip(tag, &mut rest)?;
                let end = before.len() - rest.len();
                fields.unknown.extend_from_slice(&before[..end]);
            }
        }
    }
    Some(fields)
}

/// Passes over a field, and over everything in it if it is a group.
fn skip(tag: u64, rest: &mut &[u8]) -> Option<()> {
    const GROUP: u64 = 3;
    const END_GROUP: u64 = 4;
    let mut tag = tag;
    // The groups that are open. As many as the message has bytes, which are few.
    let mut open = Vec::new();
    loop {
        let number = tag >> 3;
        if number == 0 || number >= 1 << 29 {
            return None;
        }
        match tag & 7 {
            VARINT => drop(varint::take(rest).ok()?),
            1 => drop(take(rest, 8)?),
            BYTES => {
                let length = varint::take(rest).ok()?;
                take(rest, usize::try_from(length).ok()?)?;
            }
            GROUP => open.push(number),
            END_GROUP if open.pop() == Some(number) => {}
            5 => drop(take(rest, 4)?),
            _ => return None,
        }
        if open.is_empty() {
            return Some(());
        }
        tag = varint::take(rest).ok()?;
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn take_bytes(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = usize::try_from(varint::take(rest).ok()?).ok()?;
    take(rest, length).map(<[u8]>::to_vec)
}
