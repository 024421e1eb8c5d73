use basalt_block::{Block, Cid};
use bytes::Bytes;

use crate::{Error, Reason, Result};

/// A block as it lies in a CAR: nobody has looked yet whether its bytes match its CID.
#[derive(Debug, Clone)]
pub struct Section {
    pub(crate) cid: Cid,
    pub(crate) data: Bytes,
    pub(crate) offset: u64,
    pub(crate) after: Option<Box<Cid>>,
}

impl Section {
    /// The CID that the section says.
    pub fn cid(&self) -> &Cid {
        &self.cid
    }

    /// Its bytes.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// Where it begins in the CAR, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The CID of the section before it.
    pub fn after(&self) -> Option<&Cid> {
        self.after.as_deref()
    }

    /// Hashes the bytes.
    ///
    /// # Errors
    /// They are not those that the CID names, or its hash cannot be computed.
    pub fn verify(self) -> Result<Block> {
        let Self {
            cid,
            data,
            offset,
            after,
        } = self;
        Block::verified(cid, data).map_err(|error| Error {
            offset,
            after,
            reason: match error {
                basalt_block::Error::Mismatch(expected, got) => Reason::Mismatch { expected, got },
                basalt_block::Error::UnknownHash(_) => {
                    Reason::Hash(format!("{error}: no such hash registered"))
                }
                basalt_block::Error::InsecureHash => Reason::Insecure,
                other => Reason::Hash(other.to_string()),
            },
        })
    }
}
