//! `ipfs block`: blocks as they are stored.

pub(crate) mod get;
pub(crate) mod put;
pub(crate) mod rm;
pub(crate) mod stat;

use serde::{Deserialize, Serialize};

/// A block and its size in bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyAndSize {
    pub(crate) key: String,
    pub(crate) size: u64,
}
