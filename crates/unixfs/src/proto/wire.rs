//! Protobuf's wire format, as much of it as UnixFS meets.

use basalt_block::varint;

use super::DecodeError;

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
    /// Of a kind that no field here has.
    Other,
}

pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        varint::take(&mut self.0).map_err(|_| DecodeError::Wire)
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], DecodeError> {
        let len = usize::try_from(len).map_err(|_| DecodeError::Wire)?;
        let (taken, rest) = self.0.split_at_checked(len).ok_or(DecodeError::Wire)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next field's number and value; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, DecodeError> {
        if self.is_empty() {
            return Ok(None);
        }
        let (number, kind) = self.tag()?;
        let value = match kind {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let len = self.varint()?;
                Value::Bytes(self.take(len)?)
            }
            3 => {
                self.skip_group(number)?;
                Value::Other
            }
            5 => {
                let bytes = self.take(4)?;
                let bytes = bytes.try_into().map_err(|_| DecodeError::Wire)?;
                Value::Fixed32(u32::from_le_bytes(bytes))
            }
            _ => return Err(DecodeError::Wire),
        };
        Ok(Some((number, value)))
    }

    fn tag(&mut self) -> Result<(u64, u64), DecodeError> {
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > (1 << 29) - 1 {
            return Err(DecodeError::Wire);
        }
        Ok((number, tag & 7))
    }

    /// Passes over an obsolete group, whatever is nested in it.
    fn skip_group(&mut self, number: u64) -> Result<(), DecodeError> {
        let mut open = vec![number];
        while let Some(current) = open.last() {
            let (number, kind) = self.tag()?;
            match kind {
                0 => drop(self.varint()?),
                1 => drop(self.take(8)?),
                2 => {
                    let len = self.varint()?;
                    self.take(len)?;
                }
                3 => open.push(number),
                4 if *current == number => drop(open.pop()),
                5 => drop(self.take(4)?),
                _ => return Err(DecodeError::Wire),
            }
        }
        Ok(())
    }
}

pub(super) fn varint_field(number: u8, value: u64, out: &mut Vec<u8>) {
    out.push(number << 3);
    varint::write(value, out);
}

pub(super) fn bytes_field(number: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint::write(value.len() as u64, out);
    out.extend_from_slice(value);
}
