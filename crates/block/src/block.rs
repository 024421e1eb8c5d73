use bytes::Bytes;

use crate::{Cid, Error, Hasher, Multihash, Version, codec, hash_codes::IDENTITY};

/// The largest block that is exchanged with peers, in bytes. Larger ones are refused unless a
/// caller insists.
pub const MAX_BLOCK_SIZE: usize = 2 << 20;
/// The most bytes that an identity CID may carry (IPIP-512).
pub const MAX_IDENTITY_DIGEST: usize = 128;

/// Bytes and the CID that names them.
///
/// The two belong together: a block is made by hashing, by checking, or by a caller who read both
/// from a place that checks ([`Block::unchecked`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    cid: Cid,
    data: Bytes,
}

impl Block {
    /// Hashes `data` into a block. `version` 0 needs dag-pb and a whole SHA2-256 digest.
    pub fn hash(version: u64, codec: u64, hasher: Hasher, data: Bytes) -> Result<Self, Error> {
        let hash = hasher.digest(&data)?;
        let version = Version::try_from(version).map_err(|e| Error::InvalidCid(e.to_string()))?;
        let cid = Cid::new(version, codec, hash).map_err(|e| Error::InvalidCid(e.to_string()))?;
        Ok(Self { cid, data })
    }

    /// A block whose bytes are checked against `cid`.
    pub fn verified(cid: Cid, data: Bytes) -> Result<Self, Error> {
        let (code, len) = (cid.hash().code(), cid.hash().digest().len());
        let found = if code == IDENTITY {
            // Data that differs in length would be refused with a text about lengths.
            Hasher::IDENTITY.digest(&data)?
        } else {
            crate::digest(code, &data, Some(len))?
        };
        if found == *cid.hash() {
            return Ok(Self { cid, data });
        }
        let found = match cid.version() {
            Version::V0 => Cid::new_v0(found).map_err(|e| Error::InvalidCid(e.to_string()))?,
            Version::V1 => Cid::new_v1(cid.codec(), found),
        };
        Err(Error::Mismatch(Box::new(cid), Box::new(found)))
    }

    /// A block that the caller vouches for: it was hashed or verified where it came from.
    pub fn unchecked(cid: Cid, data: Bytes) -> Self {
        Self { cid, data }
    }

    /// The block inside an identity CID; `None` for other CIDs.
    pub fn from_identity(cid: &Cid) -> Option<Self> {
        (cid.hash().code() == IDENTITY).then(|| Self {
            cid: *cid,
            data: Bytes::copy_from_slice(cid.hash().digest()),
        })
    }

    /// The block's name.
    pub fn cid(&self) -> &Cid {
        &self.cid
    }

    /// What the block is stored under.
    pub fn multihash(&self) -> &Multihash {
        self.cid.hash()
    }

    /// Whether the bytes certainly hold no links under the CID's codec. `false` may also mean
    /// "not known without decoding". Takes constant time but for dag-cbor, which is searched once.
    pub fn is_leaf(&self) -> bool {
        match self.cid.codec() {
            codec::RAW => true,
            // Links are field 2 and come first in every canonical node; a node that is one `Data`
            // field from end to end has none.
            codec::DAG_PB => is_one_data_field(&self.data),
            // A link is a CBOR tag 42.
            codec::DAG_CBOR => !self.data.windows(2).any(|w| w == [0xd8, 0x2a]),
            _ => false,
        }
    }

    /// The block's bytes.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// The block's bytes, without the name.
    pub fn into_data(self) -> Bytes {
        self.data
    }
}

fn is_one_data_field(data: &[u8]) -> bool {
    let Some((0x0a, rest)) = data.split_first().map(|(t, r)| (*t, r)) else {
        return data.is_empty();
    };
    let (mut len, mut shift) = (0usize, 0);
    for (at, byte) in rest.iter().take(5).enumerate() {
        len |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return rest.len() - at - 1 == len;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pb(data: &[u8]) -> Block {
        Block::hash(
            1,
            codec::DAG_PB,
            Hasher::SHA2_256,
            Bytes::copy_from_slice(data),
        )
        .unwrap()
    }

    #[test]
    fn a_leaf_is_told_from_a_node() {
        assert!(pb(b"").is_leaf());
        assert!(pb(b"\x0a\x02\x08\x01").is_leaf());
        assert!(!pb(b"\x12\x00\x0a\x02\x08\x01").is_leaf());
        assert!(!pb(b"\x0a\x02\x08\x01\x12\x00").is_leaf());
        assert!(!pb(b"\x0a\xff\xff\xff\xff\xff").is_leaf());
    }

    #[test]
    fn wrong_bytes_are_refused_whatever_the_hash() {
        for code in crate::known_hashes().map(|(code, _)| code) {
            let Ok(block) = Block::hash(1, codec::RAW, Hasher::new(code), "some bytes".into())
            else {
                continue;
            };
            assert!(Block::verified(*block.cid(), block.data().clone()).is_ok());
            let wrong = Block::verified(*block.cid(), "some bytez".into());
            assert!(matches!(wrong, Err(Error::Mismatch(..))), "{code:#x}");
        }
    }
}
