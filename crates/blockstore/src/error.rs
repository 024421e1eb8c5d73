use basalt_block::{Cid, Multihash};

/// Why a store could not do what it was asked. That a block is absent is not an error.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stored bytes are not those that were written.
    #[error(
        "block {cid} is corrupt in the store: {reason}; run 'ipfs repo verify --drop' to remove it, or '--heal' to fetch it again"
    )]
    Corrupt {
        /// The block asked for.
        cid: Box<Cid>,
        /// What the check found.
        reason: String,
    },
    /// A part of the store that holds many blocks or records is damaged.
    #[error("the store is damaged: {0}; run 'ipfs repo verify' to find out what is affected")]
    Damaged(String),
    /// There is no room for the write; nothing of it was kept.
    #[error(
        "storage is full: {0}; free space, raise Datastore.StorageMax or run 'ipfs repo gc', then try again"
    )]
    Full(String),
    /// The block is kept as a reference to bytes elsewhere, which cannot be had or are others.
    #[error("{0}")]
    Reference(String),
    /// The operating system refused.
    #[error("store: {0}")]
    Io(String),
    /// The store was closed while the call waited.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// The CID that a store names when it was asked by multihash only.
    pub fn corrupt(hash: Multihash, reason: impl Into<String>) -> Self {
        let cid = Box::new(Cid::new_v1(basalt_block::codec::RAW, hash));
        Self::Corrupt {
            cid,
            reason: reason.into(),
        }
    }
}
