//! The fixed header of a CARv2.

use crate::Reason;

/// Bytes of a CARv2 before its own header: a CARv1 header that says version 2.
const PRAGMA: u64 = 11;
/// Bytes of the header.
pub(crate) const LEN: usize = 40;

/// Where the CARv1 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Bytes between this header and the CARv1.
    pub(crate) skip: u64,
    /// Bytes of the CARv1.
    pub(crate) size: u64,
}

/// Reads [`LEN`] bytes. The characteristics say what only those need to know who use the index.
pub(crate) fn read(header: &[u8]) -> Result<Place, Reason> {
    let field = |at: usize| {
        let bytes = header.get(at..at + 8).and_then(|b| b.try_into().ok());
        bytes.map(u64::from_le_bytes).ok_or(Reason::Torn)
    };
    let (offset, size, index) = (field(16)?, field(24)?, field(32)?);
    let skip = match offset.checked_sub(PRAGMA + LEN as u64) {
        Some(skip) if i64::try_from(offset).is_ok() => skip,
        _ => return Err(Reason::DataOffset(offset)),
    };
    if size == 0 || i64::try_from(size).is_err() {
        return Err(Reason::DataSize(size));
    }
    if i64::try_from(index).is_err() {
        return Err(Reason::IndexOffset(index));
    }
    Ok(Place { skip, size })
}
