use basalt_block::{
    Block, Cid, Hasher, MAX_IDENTITY_DIGEST, Version, codec,
    hash_codes::{IDENTITY, SHA2_256},
};
use bytes::Bytes;

use crate::Result;

/// How blocks are named: CID version, hash function, and whether small blocks go into their CID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CidFormat {
    /// Version of dag-pb CIDs. Raw blocks always have version 1.
    pub version: Version,
    /// The hash function; version 0 has SHA2-256 only.
    pub hasher: Hasher,
    /// Blocks of at most so many bytes become identity CIDs and are stored nowhere else.
    pub inline: Option<usize>,
}

impl Default for CidFormat {
    fn default() -> Self {
        Self {
            version: Version::V0,
            hasher: Hasher::SHA2_256,
            inline: None,
        }
    }
}

impl CidFormat {
    /// Version 1 with SHA2-256.
    pub const V1: Self = Self {
        version: Version::V1,
        hasher: Hasher::SHA2_256,
        inline: None,
    };

    /// As `cid` is named: what is edited keeps version, hash function and length of its
    /// CID. What was inside its CID is there only as long as that is permitted.
    pub fn of(cid: &Cid) -> Self {
        let (code, len) = (cid.hash().code(), cid.hash().size() as usize);
        if code == IDENTITY {
            return Self {
                inline: Some(MAX_IDENTITY_DIGEST),
                ..Self::V1
            };
        }
        Self {
            version: cid.version(),
            hasher: Hasher {
                code,
                len: (len > 0).then_some(len),
            },
            inline: None,
        }
    }

    /// Names a block.
    pub fn block(&self, codec: u64, data: Bytes) -> Result<Block> {
        if self.inline.is_some_and(|limit| data.len() <= limit) {
            return Ok(Block::hash(1, codec, Hasher::IDENTITY, data)?);
        }
        let whole_sha256 = self.hasher.code == SHA2_256 && self.hasher.len.is_none_or(|l| l == 32);
        let v0 = self.version == Version::V0 && codec == codec::DAG_PB && whole_sha256;
        Ok(Block::hash(u64::from(!v0), codec, self.hasher, data)?)
    }
}
