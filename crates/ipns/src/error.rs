use std::sync::Arc;

/// What can be wrong with names and records. The texts are Kubo's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text or a routing key is no name.
    #[error("{0}")]
    Name(String),
    /// A record is larger than records may be.
    #[error("record exceeds allowed size limit")]
    RecordSize,
    /// The bytes are not a record; what is wrong with them.
    #[error("record is malformed\n{0}")]
    Malformed(String),
    /// The record says that it may be kept for less than no time.
    #[error("record is malformed: negative TTL")]
    NegativeTtl,
    /// The record is not signed by the key.
    #[error("signature verification failed")]
    Signature,
    /// The record's time is over.
    #[error("record is expired")]
    Expired,
    /// The record is valid in a way that nobody knows.
    #[error("record contains an unrecognized validity type")]
    UnrecognizedValidity,
    /// The end of the record's time is not a time.
    #[error("record contains an invalid validity\n{0}")]
    InvalidValidity(String),
    /// The record's value is not a path.
    #[error("value is not a valid content path\n{0}")]
    InvalidPath(String),
    /// The key in the record is another one than the name's.
    #[error("record public key does not match the expected public key")]
    KeyMismatch,
    /// The key in the record is none.
    #[error("public key invalid\n{0}")]
    InvalidKey(String),
    /// Neither the record nor the name has the key.
    #[error("public key is not embedded in peer ID")]
    NoKey,
    /// What the two versions of a record say differs.
    #[error("field \"{0}\" did not match between protobuf and CBOR")]
    Mismatch(&'static str),
    /// What the older version of a record says has no counterpart in the newer one.
    #[error("{0}")]
    Field(String),
    /// A record that is to be published would be older than the present one.
    #[error("sequence number must be greater than the current record sequence")]
    Sequence,
    /// A record could not be signed.
    #[error("cannot sign: {0}")]
    Signing(String),
    /// What the name means is not to be given out, for this reason.
    #[error("{0}")]
    Refused(Arc<dyn std::error::Error + Send + Sync>),
    /// Nobody is known to have published a record of this name.
    #[error("could not resolve name")]
    NoRecord,
    /// Names lead to names too often, or in a circle.
    #[error("could not resolve name (recursion limit exceeded)")]
    Recursion,
    /// A path begins with a domain that means nothing.
    #[error("DNSLink lookup for \"{domain}\" failed: {why}")]
    DnsLink {
        /// The domain, with the dot at its end.
        domain: String,
        /// Why it means nothing.
        why: String,
    },
    /// A path begins with a CID that is not a key's; the CID that would be.
    #[error("peer ID represented as CIDv1 require libp2p-key multicodec: retry with /ipns/{0}")]
    NotAKey(String),
    /// A path begins with neither a key nor a domain.
    #[error("cannot resolve: \"/ipns/{0}\"")]
    NotAName(String),
    /// The names given by the environment cannot be read.
    #[error("IPFS_NS_MAP: {0}")]
    StaticNames(String),
    /// A path cannot be put together.
    #[error(transparent)]
    Path(#[from] basalt_ipld::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] basalt_blockstore::Error),
}
