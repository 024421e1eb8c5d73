//! Blocks, CIDs and multihashes: what content addressing means in Basalt. No I/O.
//!
//! A [`Block`] is bytes plus the [`Cid`] they hash to. Blocks are stored and looked up by
//! [`Multihash`], so that a CIDv0 and a CIDv1 of the same bytes name one block.
//!
//! ```
//! use basalt_block::{Block, Hasher, codec};
//!
//! let block = Block::hash(1, codec::RAW, Hasher::SHA2_256, "hello".into()).unwrap();
//! assert_eq!(
//!     block.cid().to_string(),
//!     "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
//! );
//! assert!(Block::verified(*block.cid(), "jello".into()).is_err());
//! ```

mod block;
mod cid_bytes;
mod digits;
mod error;
mod hash;
mod names;
mod policy;
mod text;
pub mod varint;

pub use block::{Block, MAX_BLOCK_SIZE, MAX_IDENTITY_DIGEST};
pub use cid_bytes::{CidRefused, decode_cid, read_cid};
pub use error::Error;
pub use hash::{Hasher, digest};
pub use names::{hash_code, hash_name, known_hashes};
pub use policy::{is_allowed, validate};
pub use text::{
    cid_of_bytes, cid_string, cid_text, decode_digits, multibase_bytes, multibase_text, parse_cid,
};

/// Room for the longest digest that a CID may carry: an identity digest of 128 bytes.
pub const MAX_DIGEST: usize = 128;

/// A content identifier, versions 0 and 1: <https://github.com/multiformats/cid>.
pub type Cid = cid::CidGeneric<MAX_DIGEST>;
/// A multihash: <https://github.com/multiformats/multihash>.
pub type Multihash = cid::multihash::Multihash<MAX_DIGEST>;
pub use cid::{Error as CidError, Version};
pub use multibase::Base;

/// Multicodec codes of the codecs whose blocks Basalt itself writes.
pub mod codec {
    /// Bytes without structure.
    pub const RAW: u64 = 0x55;
    /// The Merkle DAG's protobuf: UnixFS files and directories.
    pub const DAG_PB: u64 = 0x70;
    /// The IPLD data model as deterministic CBOR.
    pub const DAG_CBOR: u64 = 0x71;
    /// A peer's or IPNS name's public key.
    pub const LIBP2P_KEY: u64 = 0x72;
    /// The IPLD data model as JSON.
    pub const DAG_JSON: u64 = 0x0129;
}

/// Multicodec codes of hash functions that the code names.
pub mod hash_codes {
    /// The digest is the data itself.
    pub const IDENTITY: u64 = 0x00;
    /// SHA2-256, the default.
    pub const SHA2_256: u64 = 0x12;
    /// BLAKE3 with a digest of any length.
    pub const BLAKE3: u64 = 0x1e;
    /// The first 64 bits of the 128 bit murmur3, which HAMTs use; no CID may.
    pub const MURMUR3_X64_64: u64 = 0x22;
    /// MD5, which no CID may use.
    pub const MD5: u64 = 0xd5;
}
