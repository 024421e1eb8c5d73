//! What peers say to each other: wants, blocks, and who has what.
//!
//! A message is a protobuf behind a varint of its length, as in
//! <https://specs.ipfs.tech/bitswap-protocol/>. Blocks are not copied, neither on their way in nor on
//! their way out.

mod decode;
mod encode;
mod fields;
mod prefix;

use basalt_block::{Block, Cid};
use bytes::Bytes;

pub use encode::Encoded;
pub use prefix::Prefix;

/// The longest message that is read, without the varint of its length.
pub const MAX_MESSAGE: usize = 4 << 20;
/// The most wants, and the most answers, that are taken from one message; the rest is ignored.
/// Kubo's engine looks at 1024 wants.
pub const MAX_ENTRIES: usize = 8192;

/// A version of the protocol, which is the name of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `/ipfs/bitswap`.
    Plain,
    /// 1.0.0: blocks without the prefixes of their CIDs.
    V1_0,
    /// 1.1.0: CIDs of all kinds.
    V1_1,
    /// 1.2.0: HAVE and DONT_HAVE.
    V1_2,
}

impl Version {
    /// The newest first, as they are offered.
    pub const ALL: [Self; 4] = [Self::V1_2, Self::V1_1, Self::V1_0, Self::Plain];

    /// The protocol's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "/ipfs/bitswap",
            Self::V1_0 => "/ipfs/bitswap/1.0.0",
            Self::V1_1 => "/ipfs/bitswap/1.1.0",
            Self::V1_2 => "/ipfs/bitswap/1.2.0",
        }
    }

    /// Whether peers of this version answer what they have not.
    pub fn has_presence(self) -> bool {
        self == Self::V1_2
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WantType {
    /// The block.
    Block,
    /// Whether the peer has it.
    Have,
}

/// One line of a wantlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The block.
    pub cid: Cid,
    /// Higher comes first.
    pub priority: i32,
    /// Whether the want is withdrawn.
    pub cancel: bool,
    /// What is asked for.
    pub want: WantType,
    /// Whether the peer shall say so when it has not got the block.
    pub send_dont_have: bool,
}

impl Entry {
    /// The withdrawal of a want.
    pub fn cancel(cid: Cid) -> Self {
        Self {
            cid,
            priority: 0,
            cancel: true,
            want: WantType::Block,
            send_dont_have: false,
        }
    }
}

/// Whether a peer has a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The block.
    pub cid: Cid,
    /// HAVE or DONT_HAVE.
    pub have: bool,
}

/// A block as it travels: the bytes, and of the CID only what the bytes do not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The CID but for its digest.
    pub prefix: Prefix,
    /// The block's bytes.
    pub data: Bytes,
}

impl Payload {
    /// Hashes the bytes, which gives the block its CID; `None` when that is of no kind known here.
    pub fn into_block(self) -> Option<Block> {
        let cid = self.prefix.cid_of(&self.data)?;
        Some(Block::unchecked(cid, self.data))
    }
}

impl From<&Block> for Payload {
    fn from(block: &Block) -> Self {
        Self {
            prefix: Prefix::of(block.cid()),
            data: block.data().clone(),
        }
    }
}

/// A message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Whether the wants replace all that were sent before.
    pub full: bool,
    /// Wants and withdrawals.
    pub wants: Vec<Entry>,
    /// Blocks.
    pub blocks: Vec<Payload>,
    /// HAVE and DONT_HAVE.
    pub presences: Vec<Presence>,
    /// Bytes of blocks that the sender has still to send.
    pub pending_bytes: i32,
}

impl Message {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.wants.is_empty() && self.blocks.is_empty() && self.presences.is_empty()
    }

    /// Bytes of the blocks.
    pub fn block_bytes(&self) -> usize {
        self.blocks.iter().map(|b| b.data.len()).sum()
    }

    /// Reads a message without the varint of its length. Blocks share the memory of `frame`.
    ///
    /// What is well-formed but of a kind that is not known, such as a CID with a longer digest
    /// than any in use, is left out.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(frame: &Bytes) -> Result<Self, Malformed> {
        decode::message(frame)
    }

    /// The message as bytes, its length in front.
    pub fn encode(&self, version: Version) -> Encoded {
        encode::message(self, version)
    }
}

/// Bytes that are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed Bitswap message: {0}")]
pub struct Malformed(pub(crate) String);

#[cfg(test)]
mod tests;
