//! Reading CIDs where they stand in a block: with more bytes behind them, and fast.

use crate::varint::{Refused, read_minimal};
use crate::{Cid, Multihash};

/// Why bytes are no CID. The texts are those that Kubo's users see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid cid: {0}")]
pub struct CidRefused(String);

/// Reads the CID that begins `data`; returns it and its length in bytes.
///
/// A CIDv0 is a sha2-256 multihash; a CIDv1 has minimal varints and a digest of at most
/// [`crate::MAX_DIGEST`] bytes.
pub fn read_cid(data: &[u8]) -> Result<(Cid, usize), CidRefused> {
    if data.len() > 2 && data[..2] == [0x12, 0x20] {
        let digest = data
            .get(2..34)
            .ok_or_else(|| invalid("not enough bytes for cid v0"))?;
        return Ok((Cid::new_v0(multihash(0x12, digest)?).map_err(invalid)?, 34));
    }
    let (version, mut at) = read_minimal(data).map_err(varint)?;
    if version != 1 {
        return Err(invalid(format!(
            "expected 1 as the cid version number, got: {version}"
        )));
    }
    let next = |at: &mut usize| {
        let (value, len) = read_minimal(&data[*at..]).map_err(varint)?;
        *at += len;
        Ok::<u64, CidRefused>(value)
    };
    let codec = next(&mut at)?;
    if data.len() < at + 2 {
        return Err(invalid("multihash too short. must be >= 2 bytes"));
    }
    let code = next(&mut at)?;
    let len = next(&mut at)?;
    let digest = usize::try_from(len)
        .ok()
        .and_then(|len| data[at..].get(..len))
        .ok_or_else(|| invalid("length greater than remaining number of bytes in buffer"))?;
    Ok((
        Cid::new_v1(codec, multihash(code, digest)?),
        at + digest.len(),
    ))
}

/// Reads a CID that is all of `data`.
pub fn decode_cid(data: &[u8]) -> Result<Cid, CidRefused> {
    // The words are said twice, as Kubo says them.
    let (cid, len) = read_cid(data).map_err(invalid)?;
    if len != data.len() {
        return Err(invalid("trailing bytes in data buffer passed to cid Cast"));
    }
    Ok(cid)
}

fn multihash(code: u64, digest: &[u8]) -> Result<Multihash, CidRefused> {
    Multihash::wrap(code, digest).map_err(invalid)
}

fn varint(refused: Refused) -> CidRefused {
    invalid(refused)
}

fn invalid(why: impl ToString) -> CidRefused {
    CidRefused(why.to_string())
}
