//! Computing multihashes.

use blake2::digest::{Digest, ExtendableOutput, Update, VariableOutput, XofReader};

use crate::{Error, MAX_DIGEST, Multihash, hash_codes::*, names::BLAKE2B};

/// A hash function and the digest length wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hasher {
    /// The multicodec code of the function.
    pub code: u64,
    /// Digest length in bytes; `None` is the function's own.
    pub len: Option<usize>,
}

impl Hasher {
    /// SHA2-256 with its whole digest.
    pub const SHA2_256: Self = Self {
        code: SHA2_256,
        len: None,
    };
    /// The identity "hash".
    pub const IDENTITY: Self = Self {
        code: IDENTITY,
        len: None,
    };

    /// The hash function `code` with its whole digest.
    pub fn new(code: u64) -> Self {
        Self { code, len: None }
    }

    /// The multihash of `data`.
    pub fn digest(&self, data: &[u8]) -> Result<Multihash, Error> {
        digest(self.code, data, self.len)
    }
}

/// The multihash of `data` under hash function `code`, cut to `len` bytes if given.
///
/// # Errors
/// An unknown function, a `len` over what the function gives, or identity data over
/// [`MAX_DIGEST`] bytes.
pub fn digest(code: u64, data: &[u8], len: Option<usize>) -> Result<Multihash, Error> {
    if code == IDENTITY {
        return identity(data, len);
    }
    if code == BLAKE3 {
        let mut out = [0; MAX_DIGEST];
        let len = len.unwrap_or(32);
        let out = out
            .get_mut(..len)
            .filter(|o| !o.is_empty())
            .ok_or(Error::DigestTooLong)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(data);
        hasher.finalize_xof().fill(out);
        return wrap(code, out);
    }
    let mut out = [0; 64];
    let full = match code {
        0x11 => fixed::<sha1::Sha1>(data, &mut out),
        0x12 => fixed::<sha2::Sha256>(data, &mut out),
        0x13 => fixed::<sha2::Sha512>(data, &mut out),
        0x14 => fixed::<sha3::Sha3_512>(data, &mut out),
        0x15 => fixed::<sha3::Sha3_384>(data, &mut out),
        0x16 => fixed::<sha3::Sha3_256>(data, &mut out),
        0x17 => fixed::<sha3::Sha3_224>(data, &mut out),
        0x18 => shake(sha3::Shake128::default(), data, &mut out[..32]),
        0x19 => shake(sha3::Shake256::default(), data, &mut out),
        0x1b => fixed::<sha3::Keccak256>(data, &mut out),
        0x1d => fixed::<sha3::Keccak512>(data, &mut out),
        0x56 => {
            let first = sha2::Sha256::digest(data);
            fixed::<sha2::Sha256>(&first, &mut out)
        }
        // Of the BLAKE2s family Kubo computes the 256 bit one only.
        0xb260 => fixed::<blake2::Blake2s256>(data, &mut out),
        c if BLAKE2B.contains(&c) => blake2b((c - 0xb200) as usize, data, &mut out)?,
        // Kubo can compute these and takes them nowhere.
        MURMUR3_X64_64 | MD5 => return Err(Error::InsecureHash),
        _ => return Err(Error::UnknownHash(code)),
    };
    let len = len.unwrap_or(full);
    if len > full {
        return Err(Error::DigestTooLong);
    }
    wrap(code, &out[..len])
}

fn identity(data: &[u8], len: Option<usize>) -> Result<Multihash, Error> {
    if let Some(want) = len.filter(|l| *l != data.len()) {
        return Err(Error::IdentityLength {
            want,
            have: data.len(),
        });
    }
    if data.len() > MAX_DIGEST {
        return Err(Error::IdentityTooLarge(data.len()));
    }
    wrap(IDENTITY, data)
}

fn wrap(code: u64, digest: &[u8]) -> Result<Multihash, Error> {
    Multihash::wrap(code, digest).map_err(|_| Error::DigestTooLong)
}

fn fixed<D: Digest>(data: &[u8], out: &mut [u8; 64]) -> usize {
    let digest = D::digest(data);
    out[..digest.len()].copy_from_slice(&digest);
    digest.len()
}

fn shake<X: ExtendableOutput + Update>(mut hasher: X, data: &[u8], out: &mut [u8]) -> usize {
    hasher.update(data);
    hasher.finalize_xof().read(out);
    out.len()
}

fn blake2b(len: usize, data: &[u8], out: &mut [u8; 64]) -> Result<usize, Error> {
    let mut hasher = blake2::Blake2bVar::new(len).map_err(|_| Error::DigestTooLong)?;
    hasher.update(data);
    hasher
        .finalize_variable(&mut out[..len])
        .map_err(|_| Error::DigestTooLong)?;
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Multihashes of "basalt" that Kubo's `block put --mhtype` gives.
    #[test]
    fn functions_agree_with_published_digests() {
        let hex = |code, len| hex::encode(digest(code, b"abc", len).unwrap().digest());
        assert_eq!(hex(0x11, None), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            hex(0x12, Some(20)),
            "ba7816bf8f01cfea414140de5dae2223b00361a3"
        );
        assert_eq!(
            hex(0x1b, None),
            "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
        );
        assert_eq!(
            hex(0x1e, None),
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
        assert_eq!(
            hex(0xb214, None),
            "384264f676f39536840523f284921cdc68b6846b"
        );
        assert_eq!(
            hex(0xb260, None),
            "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"
        );
        assert_eq!(
            hex(0x56, None),
            "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358"
        );
    }

    #[test]
    fn lengths_are_checked() {
        assert_eq!(digest(0x12, b"", Some(33)), Err(Error::DigestTooLong));
        assert_eq!(digest(0x1e, b"", Some(0)), Err(Error::DigestTooLong));
        assert_eq!(digest(0x1e, b"", Some(128)).unwrap().digest().len(), 128);
        assert_eq!(
            digest(0, &[0; 129], None),
            Err(Error::IdentityTooLarge(129))
        );
        assert_eq!(
            digest(0, b"ab", Some(3)),
            Err(Error::IdentityLength { want: 3, have: 2 })
        );
        assert_eq!(digest(0x1a, b"", None), Err(Error::UnknownHash(0x1a)));
        assert_eq!(digest(MD5, b"", None), Err(Error::InsecureHash));
        assert_eq!(digest(MURMUR3_X64_64, b"", None), Err(Error::InsecureHash));
    }
}
