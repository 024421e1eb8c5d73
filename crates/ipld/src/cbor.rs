//! CBOR as IPLD uses it: <https://ipld.io/specs/codecs/dag-cbor/spec/>.
//!
//! Read: definite lengths and the shortest heads only, no NaN or infinity, no name twice in a map;
//! floats of any width, any order of names, `undefined` as null; tags are let pass and forgotten
//! except on bytes, where 42 makes a link and others are refused. Written: the shortest heads,
//! floats of 64 bits, and in DAG-CBOR names by length, then by bytes.

mod decode;
mod encode;
mod read;

pub(crate) use decode::{decode, for_each_link};
pub(crate) use encode::encode;

/// Which of the two codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// With links, names sorted.
    DagCbor,
    /// Without links, names in the order of the value.
    Cbor,
}

const LINK_TAG: u64 = 42;
