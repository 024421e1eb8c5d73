//! The fields of a protobuf.

use basalt_block::varint;

use super::Malformed;

/// What stands in a field.
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(super) fn number(self) -> Result<u64, Malformed> {
        match self {
            Self::Number(n) => Ok(n),
            Self::Bytes(_) => Err(Malformed("bytes where a number belongs".into())),
        }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(Malformed("a number where bytes belong".into())),
        }
    }
}

/// Gives every field's number and value to `each`. Fields of fixed width, of which Bitswap has
/// none, are passed over.
pub(super) fn each<'a>(
    mut data: &'a [u8],
    mut each: impl FnMut(u64, Value<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    while !data.is_empty() {
        let tag = take(&mut data)?;
        let value = match tag & 7 {
            0 => Value::Number(take(&mut data)?),
            1 => {
                cut(&mut data, 8)?;
                continue;
            }
            2 => {
                let len = take(&mut data)?;
                Value::Bytes(cut(&mut data, len)?)
            }
            5 => {
                cut(&mut data, 4)?;
                continue;
            }
            kind => return Err(Malformed(format!("field of kind {kind}"))),
        };
        if tag >> 3 == 0 {
            return Err(Malformed("field 0".into()));
        }
        each(tag >> 3, value)?;
    }
    Ok(())
}

fn take(data: &mut &[u8]) -> Result<u64, Malformed> {
    varint::take(data).map_err(|e| Malformed(e.to_string()))
}

fn cut<'a>(data: &mut &'a [u8], len: u64) -> Result<&'a [u8], Malformed> {
    let len = usize::try_from(len)
        .ok()
        .filter(|len| *len <= data.len())
        .ok_or_else(|| Malformed("a field is longer than the message".into()))?;
    let (head, tail) = data.split_at(len);
    *data = tail;
    Ok(head)
}
