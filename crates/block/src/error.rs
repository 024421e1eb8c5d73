use crate::{Cid, hash_name};

/// What can be wrong with a hash function, a digest or a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The hash function is not one that this build can compute.
    #[error("unknown multihash code {0} (0x{0:x})")]
    UnknownHash(u64),
    /// The name is not that of a hash function.
    #[error("unrecognized hash function: {0:?}")]
    UnknownHashName(String),
    /// More digest was asked for than the hash function gives.
    #[error("requested length was too large for digest")]
    DigestTooLong,
    /// An identity digest's length is that of the data.
    #[error(
        "the length of the identity hash ({want}) must be equal to the length of the data ({have})"
    )]
    IdentityLength {
        /// The length asked for, in bytes.
        want: usize,
        /// The length of the data, in bytes.
        have: usize,
    },
    /// Data over [`crate::MAX_DIGEST`] bytes does not fit an identity CID.
    #[error("digest too large: identity digest got {0} bytes, maximum 128")]
    IdentityTooLarge(usize),
    /// The hash function is too weak to be trusted.
    #[error("potentially insecure hash functions not allowed")]
    InsecureHash,
    /// The digest is too short to be trusted.
    #[error("digest too small: {} digest got {got} bytes, minimum {min}", name_of(*.code))]
    DigestTooSmall {
        /// The hash function's code.
        code: u64,
        /// The digest's length in bytes.
        got: usize,
        /// The least allowed.
        min: usize,
    },
    /// The digest is longer than any real one.
    #[error("digest too large: {} digest got {got} bytes, maximum {max}", name_of(*.code))]
    DigestTooLarge {
        /// The hash function's code.
        code: u64,
        /// The digest's length in bytes.
        got: usize,
        /// The most allowed.
        max: usize,
    },
    /// The bytes are not those that the CID names.
    #[error("block {0} is corrupt: its bytes hash to {1}")]
    Mismatch(Box<Cid>, Box<Cid>),
    /// The parts do not make a CID.
    #[error("invalid CID: {0}")]
    InvalidCid(String),
}

fn name_of(code: u64) -> String {
    hash_name(code).map_or_else(|| format!("unknown({code})"), str::to_owned)
}
