//! The Merkle DAG's protobuf, exactly as <https://ipld.io/specs/codecs/dag-pb/spec/> has it.
//!
//! [`fields`] reads a block without copying or allocating; [`Node`] owns what it read. Decoding
//! keeps the order and the absence of things; encoding writes the one canonical form, with the
//! links sorted by name (stably) before the data.

mod decode;
mod node;
pub(crate) mod value;

pub use decode::{Field, Fields, LinkRef, fields};
pub use node::{Link, Node};
