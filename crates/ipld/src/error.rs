use basalt_block::Cid;

use crate::CidRefused;

/// What went wrong with a block, a value or a path. Where Kubo has a text for it, it is that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not what their codec wants.
    #[error("{reason} (byte {offset})")]
    Malformed {
        /// Where it was noticed.
        offset: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The codec has no way to write the value.
    #[error("{0}")]
    Unencodable(&'static str),
    /// The value is not of the shape that the codec's objects have.
    #[error("{0}")]
    Misshapen(String),
    /// An integer that the codec has no room for.
    #[error("unsigned integer out of range of int64 type")]
    IntOutOfRange(i128),
    /// A value of one kind where another is needed.
    #[error(
        "func called on wrong kind: {method:?} called on a {node} node (kind: {kind}), \
         but only makes sense on {wanted}"
    )]
    WrongKind {
        /// What was tried.
        method: &'static str,
        /// The part of the schema or the value.
        node: String,
        /// The kind that is there.
        kind: &'static str,
        /// The kind that would do.
        wanted: &'static str,
    },
    /// A value lacks what its codec's schema wants, as a dag-pb value `Links`, or a link its `Hash`.
    #[error("missing required fields: {0}")]
    MissingField(&'static str),
    /// A value has something that its codec's schema has not.
    #[error("invalid key for map {schema}: {}: no such field", crate::quote::go_quote(.name))]
    NoSuchField {
        /// The part of the schema: `dagpb.PBNode`, `dagpb.PBLink`...
        schema: &'static str,
        /// The name.
        name: Vec<u8>,
    },
    /// The size of a dag-pb link is less than nothing.
    #[error("Link has negative Tsize value [{0}]")]
    NegativeSize(i128),
    /// A block's codec is not one that is decoded here; [`crate::codec::is_decodable`] tells beforehand.
    #[error("could not choose a decoder: no decoder registered for multicodec code {0} (0x{0:x})")]
    UnknownBlock(u64),
    /// Input cannot be read as this codec.
    #[error("no decoder registered for multicodec code {0} (0x{0:x})")]
    NoDecoder(u64),
    /// Nothing can be written as this codec.
    #[error("no encoder registered for multicodec code {0} (0x{0:x})")]
    NoEncoder(u64),
    /// The name is not that of a codec.
    #[error("unknown multicodec: {}", crate::quote::go_quote(.0))]
    UnknownCodec(String),
    /// Bytes that are no CID.
    #[error(transparent)]
    Cid(#[from] CidRefused),
    /// A path goes on with a name that is not there.
    #[error("no link named {} under {cid}", crate::quote::go_quote(.name))]
    NoLink {
        /// The name.
        name: Vec<u8>,
        /// The block where it was looked for.
        cid: Box<Cid>,
    },
    /// A path ends in a name that is not in the map or list.
    #[error("key not found: {}", crate::quote::go_quote(.0))]
    KeyNotFound(Vec<u8>),
    /// A path ends in a name where a list wants a number.
    #[error("invalid segment for lookup on a list: {}", no_index(.0))]
    NoIndex(Vec<u8>),
    /// Text that is no path.
    #[error("invalid path {}: {reason}", crate::quote::go_quote(.path))]
    Path {
        /// The path as it was given.
        path: Vec<u8>,
        /// What is wrong with it.
        reason: PathRefused,
    },
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathRefused {
    /// No leading slash, no namespace or no root.
    #[error("path does not have enough components")]
    InsufficientComponents,
    /// Neither `ipfs`, `ipns` nor `ipld`.
    #[error("unknown namespace: {}", crate::quote::go_quote(.0))]
    UnknownNamespace(Vec<u8>),
    /// A name where only a CID will do.
    #[error("path was expected to be immutable")]
    ExpectedImmutable,
    /// The root is no CID, and why.
    #[error("{0}")]
    Root(String),
}

fn no_index(segment: &[u8]) -> String {
    let segment = crate::quote::go_quote(segment);
    format!("{segment}: strconv.ParseInt: parsing {segment}: invalid syntax")
}
