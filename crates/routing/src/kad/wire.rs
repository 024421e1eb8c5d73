//! Protobuf, as far as the messages need it.

use basalt_block::varint;

use crate::{Error, Result};

const MALFORMED: Error = Error::Malformed("not a protobuf message");

/// What a field holds.
pub(crate) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A number of fixed length, which no message has.
    Other,
}

/// The fields of a message, one after the other.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next field and its number.
    pub(crate) fn take(&mut self) -> Result<Option<(u64, Field<'a>)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number >= 1 << 29 {
            return Err(MALFORMED);
        }
        let field = match tag & 7 {
            0 => Field::Number(self.varint()?),
            1 => self.bytes(8).map(|_| Field::Other)?,
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| Field::Other)?,
            _ => return Err(MALFORMED),
        };
        Ok(Some((number, field)))
    }

    fn varint(&mut self) -> Result<u64> {
        varint::take(&mut self.0).map_err(|_| MALFORMED)
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| MALFORMED)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(MALFORMED)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Writes a number, unless it is the default.
pub(crate) fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    if value != 0 {
        varint::write(field << 3, out);
        varint::write(value, out);
    }
}

/// Writes bytes, unless there are none.
pub(crate) fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    if !value.is_empty() {
        message(out, field, value);
    }
}

/// Writes bytes, even if there are none.
pub(crate) fn message(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint::write(field << 3 | 2, out);
    varint::write(value.len() as u64, out);
    out.extend_from_slice(value);
}
