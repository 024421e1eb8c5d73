use std::sync::Arc;

use basalt_block::Cid;

/// Why a pin could not be made, removed or checked, or a block not collected.
///
/// Where Kubo has a text for it, that is the text: clients look for it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no pin to remove.
    #[error("not pinned or pinned indirectly")]
    NotPinned,
    /// A recursive pin is not removed by asking for a direct one.
    #[error("{0} is pinned recursively")]
    PinnedRecursively(Cid),
    /// A direct pin would add nothing to the recursive one.
    #[error("{0} already pinned recursively")]
    AlreadyPinned(Cid),
    /// The pin to be updated does not exist.
    #[error("'from' cid was not recursively pinned already")]
    FromNotPinned,
    /// The pin to be made by an update exists.
    #[error("'to' cid was already recursively pinned")]
    ToPinned,
    /// The name of a pin is too long.
    #[error("pin name is {0} bytes (max {max} bytes)", max = crate::MAX_NAME)]
    NameTooLong(usize),
    /// A block is not in the store, and nobody was asked for it.
    #[error("block was not found locally (offline): ipld: could not find {0}")]
    Missing(Cid),
    /// The links of a block that is to be kept are not known, and so neither is what to keep.
    #[error("could not retrieve links for {cid}: {reason}")]
    Links {
        /// The block.
        cid: Box<Cid>,
        /// Why its links are not known.
        reason: Arc<Error>,
    },
    /// Nothing was deleted, because what to keep is not known.
    #[error("garbage collection aborted: could not retrieve some links")]
    Aborted,
    /// A block could not be deleted.
    #[error("could not remove {cid}: {reason}")]
    Removal {
        /// The block.
        cid: Box<Cid>,
        /// Why it is still there.
        reason: basalt_blockstore::Error,
    },
    /// Some of what should have been deleted was not.
    #[error("garbage collection incomplete: could not delete some blocks")]
    Incomplete,
    /// A block's bytes do not follow its codec.
    #[error("block {cid} cannot be decoded: {reason}")]
    Undecodable {
        /// The block.
        cid: Box<Cid>,
        /// What is wrong with it.
        reason: String,
    },
    /// A pin's record cannot be read.
    #[error("the record of a pin is damaged: {0}; pin the CID again to replace it")]
    Record(String),
    /// The store failed, or a block in it is corrupt.
    #[error(transparent)]
    Store(#[from] basalt_blockstore::Error),
    /// The CID is not to be trusted.
    #[error(transparent)]
    Cid(#[from] basalt_block::Error),
    /// The roots of something else than pins could not be had.
    #[error("{0}")]
    Roots(Arc<dyn std::error::Error + Send + Sync>),
    /// A block could not be had from where it was to come from.
    #[error("{0}")]
    Source(Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps the error of a [`crate::Source`].
    pub fn source(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Source(Arc::new(error))
    }
}
