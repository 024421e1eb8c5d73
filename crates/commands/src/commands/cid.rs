//! `ipfs cid`: what CIDs say, without looking at what they name.

pub(crate) mod base32;
pub(crate) mod bases;
pub(crate) mod codecs;
mod convert;
pub(crate) mod format;
pub(crate) mod hashes;
pub(crate) mod inspect;
pub(crate) mod names;

use serde::{Deserialize, Serialize};

/// A row of the lists of bases, codecs and hash functions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CodeAndName {
    pub(crate) code: u64,
    pub(crate) name: String,
}
