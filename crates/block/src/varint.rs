//! Unsigned LEB128 in the two flavours of this field: protobuf's and multiformats'.

/// Why a varint was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The bytes end before it does.
    #[error("varints malformed, could not reach the end")]
    Truncated,
    /// It is longer than it may be.
    #[error("varints larger than uint63 not supported")]
    Overflow,
    /// It could be written with fewer bytes.
    #[error("varint not minimally encoded")]
    NotMinimal,
}

/// Reads a varint of at most 64 bits; returns it and its length. Needless bytes are let pass.
#[inline]
pub fn read(data: &[u8]) -> Result<(u64, usize), Refused> {
    let mut value = 0;
    for (i, byte) in data.iter().enumerate().take(10) {
        if i == 9 && *byte > 1 {
            return Err(Refused::Overflow);
        }
        value |= u64::from(byte & 0x7f) << (7 * i);
        if *byte < 0x80 {
            return Ok((value, i + 1));
        }
    }
    Err(if data.len() < 10 {
        Refused::Truncated
    } else {
        Refused::Overflow
    })
}

/// Reads a varint as multiformats want it: at most nine bytes, none of them needless.
#[inline]
pub fn read_minimal(data: &[u8]) -> Result<(u64, usize), Refused> {
    let (value, len) = read(&data[..data.len().min(10)])?;
    if len > 9 {
        return Err(Refused::Overflow);
    }
    if len > 1 && data[len - 1] == 0 {
        return Err(Refused::NotMinimal);
    }
    Ok((value, len))
}

/// As [`read`], from the front of `data`, which is left behind it; of what is refused nothing is taken.
#[inline]
pub fn take(data: &mut &[u8]) -> Result<u64, Refused> {
    let (value, len) = read(data)?;
    *data = &data[len..];
    Ok(value)
}

/// How many bytes `value` takes.
pub fn len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Appends `value` to `out`.
pub fn write(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for value in [
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            u64::MAX >> 1,
            u64::MAX,
        ] {
            let mut out = Vec::new();
            write(value, &mut out);
            assert_eq!(len(value), out.len());
            assert_eq!(read(&out), Ok((value, out.len())));
            let minimal = read_minimal(&out);
            assert_eq!(minimal.is_ok(), out.len() <= 9);
            assert_eq!(read(&out[..out.len() - 1]), Err(Refused::Truncated));
        }
        assert_eq!(read_minimal(&[0x80, 0]), Err(Refused::NotMinimal));
        assert_eq!(read(&[0xff; 20]), Err(Refused::Overflow));
    }
}
