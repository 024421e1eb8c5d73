use std::sync::Arc;

use basalt_block::Cid;

/// Why a block is not to be given out.
pub type Refusal = Arc<dyn std::error::Error + Send + Sync>;

/// Why a block could not be had or kept.
///
/// The texts are those of Kubo, which clients search for `ipld: could not find`.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The block is not in the store, and nobody was asked for it.
    #[error("block was not found locally (offline): ipld: could not find {0}")]
    NotFoundOffline(Cid),
    /// The block is not in the store, and none of those who were asked had it.
    #[error("ipld: could not find {0}")]
    NotFound(Cid),
    /// Fetching the block failed.
    #[error("could not fetch {cid}: {reason}")]
    Fetch {
        /// The block asked for.
        cid: Box<Cid>,
        /// What happened, in the exchange's words.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] basalt_blockstore::Error),
    /// The block is not to be given out, for this reason.
    #[error("{0}")]
    Refused(Refusal),
    /// The CID is not to be trusted, or a block's bytes are not those that its CID names.
    #[error(transparent)]
    Block(#[from] basalt_block::Error),
}

impl Error {
    /// The block that is missing, if that is what is wrong.
    pub fn missing(&self) -> Option<&Cid> {
        match self {
            Self::NotFoundOffline(cid) | Self::NotFound(cid) => Some(cid),
            _ => None,
        }
    }
}
