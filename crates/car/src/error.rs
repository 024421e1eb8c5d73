use basalt_block::varint::Refused;
use basalt_block::{Cid, CidRefused};

/// What is wrong with a CAR, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset} of the CAR{}: {reason}", behind(.after))]
#[non_exhaustive]
pub struct Error {
    /// Where the header or section begins that is wrong, in bytes.
    pub offset: u64,
    /// The CID of the last section before it.
    pub after: Option<Box<Cid>>,
    /// What is wrong.
    pub reason: Reason,
}

fn behind(after: &Option<Box<Cid>>) -> String {
    after
        .as_ref()
        .map_or_else(String::new, |cid| format!(", behind block {cid}"))
}

/// What is wrong with a CAR. The texts are those that Kubo's users know, where Kubo has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It ends in the middle of something.
    #[error("unexpected EOF")]
    Torn,
    /// It ends where a header or the bytes of a section must begin, or before its payload does.
    #[error("unexpected EOF: {0}")]
    Missing(&'static str),
    /// The header is longer than is allowed.
    #[error("invalid header data, length of read beyond allowable maximum")]
    HeaderTooLarge,
    /// The section is longer than is allowed.
    #[error("invalid section data, length of read beyond allowable maximum")]
    SectionTooLarge,
    /// A length is no varint.
    #[error(transparent)]
    Varint(#[from] Refused),
    /// The section does not begin with a CID.
    #[error(transparent)]
    Cid(#[from] CidRefused),
    /// The header is not what it must be.
    #[error("invalid header: {0}")]
    Header(String),
    /// There is no such version.
    #[error("invalid car version: {0}")]
    Version(u64),
    /// The payload of a CARv2 must be a CARv1.
    #[error("invalid data payload header version; expected 1, got {0}")]
    PayloadVersion(u64),
    /// The payload of a CARv2 begins before its header ends, or nowhere.
    #[error("invalid data payload offset: {0}")]
    DataOffset(u64),
    /// The payload of a CARv2 has no size.
    #[error("invalid data payload size: {0}")]
    DataSize(u64),
    /// The index of a CARv2 is nowhere.
    #[error("invalid index offset: {0}")]
    IndexOffset(u64),
    /// The hash function of a CID is not to be trusted, and so not even computed.
    #[error("potentially insecure hash functions not allowed")]
    Insecure,
    /// The hash of a CID cannot be computed.
    #[error("invalid cid: {0}")]
    Hash(String),
    /// The bytes of a section are not those that its CID names.
    #[error("mismatch in content integrity, expected: {expected}, got: {got}")]
    Mismatch {
        /// The CID in the section.
        expected: Box<Cid>,
        /// The CID of the bytes.
        got: Box<Cid>,
    },
}
