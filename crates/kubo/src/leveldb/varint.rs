//! The integers of leveldb's files.

use basalt_block::varint;

/// Takes an unsigned LEB128 integer from the front.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    varint::take(bytes).ok()
}

/// Takes bytes whose number goes before them.
pub(super) fn take_slice<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take(bytes)?).ok()?;
    take_bytes(bytes, len)
}

/// Takes `len` bytes.
pub(super) fn take_bytes<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (slice, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(slice)
}

/// Four bytes, little endian, at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let slice = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(slice.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        let mut bytes = &[0xac, 0x02, 0x00, 0x80][..];
        assert_eq!(take(&mut bytes), Some(300));
        assert_eq!(take(&mut bytes), Some(0));
        assert_eq!(take(&mut bytes), None);
        assert_eq!(take(&mut &[0xff; 11][..]), None);
        let mut most = &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1][..];
        assert_eq!(take(&mut most), Some(u64::MAX));
        assert_eq!(take_slice(&mut &[5, 1, 2][..]), None);
    }
}
