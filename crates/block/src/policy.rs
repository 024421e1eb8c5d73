//! Which CIDs are trusted: the hash functions and digest lengths that Kubo accepts.

use crate::{Cid, Error, MAX_IDENTITY_DIGEST, hash_codes::IDENTITY, names::*};

const MIN_DIGEST: usize = 20;
const MAX_DIGEST: usize = 128;

/// Whether CIDs with this hash function are accepted at all.
pub fn is_allowed(code: u64) -> bool {
    match code {
        0x00 | 0x11..=0x17 | 0x19..=0x1e | 0x56 => true,
        // Under 160 bits a BLAKE2 digest is too short to be trusted.
        _ => {
            (BLAKE2B.contains(&code) && code >= BLAKE2B.start() + 19)
                || (BLAKE2S.contains(&code) && code >= BLAKE2S.start() + 19)
        }
    }
}

/// Refuses a CID whose hash function is weak or whose digest is too short or too long.
pub fn validate(cid: &Cid) -> Result<(), Error> {
    let code = cid.hash().code();
    let got = cid.hash().digest().len();
    if !is_allowed(code) {
        return Err(Error::InsecureHash);
    }
    let (min, max) = if code == IDENTITY {
        (0, MAX_IDENTITY_DIGEST)
    } else {
        (MIN_DIGEST, MAX_DIGEST)
    };
    if got < min {
        return Err(Error::DigestTooSmall { code, got, min });
    }
    if got > max {
        return Err(Error::DigestTooLarge { code, got, max });
    }
    Ok(())
}
