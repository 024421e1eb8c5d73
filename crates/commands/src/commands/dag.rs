//! `ipfs dag`: IPLD nodes.

pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod put;
pub(crate) mod resolve;
pub(crate) mod stat;

use basalt::block::hash_code;
use basalt::ipld::{self, codec};

use crate::{Error, Result};

/// The codec of a name or a number, as `dag` takes them.
pub(crate) fn codec_named(text: &str) -> Result<u64> {
    // One table of codes has them all: what is no codec is told when it is used as one.
    hash_named(text).map_or_else(
        || codec::parse(text).map_err(|e| Error::new(e.to_string())),
        Ok,
    )
}

/// The hash function of a name.
pub(crate) fn hash_named(text: &str) -> Option<u64> {
    hash_code(text).filter(|_| !text.bytes().any(|b| b.is_ascii_uppercase()))
}

/// What is wrong with a node, without the place: in the words that scripts know.
pub(crate) fn told(error: ipld::Error) -> Error {
    match error {
        ipld::Error::Malformed { reason, .. } => Error::new(reason),
        other => Error::new(other.to_string()),
    }
}

/// The name of a codec as errors say it.
pub(crate) fn codec_text(code: u64) -> String {
    codec::name(code).map_or_else(|| format!("Code({code})"), str::to_owned)
}
