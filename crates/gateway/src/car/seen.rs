//! Which blocks were met: sixteen bytes each, whatever their hash is.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};

use basalt_block::{Cid, codec};

/// The blocks that were written, and those whose links were followed.
///
/// What is kept of a block is a hash of 128 bits under keys that nobody outside knows, so that two
/// blocks are not taken for one another, by accident or on purpose.
#[derive(Default)]
pub(super) struct Seen {
    keys: [RandomState; 2],
    written: HashSet<u128>,
    followed: HashSet<u128>,
}

impl Seen {
    /// Notes that a block is written; false if it was before. CIDs of one hash are one block.
    pub(super) fn write(&mut self, cid: &Cid) -> bool {
        let key = self.key(cid.hash());
        self.written.insert(key)
    }

    /// Whether the block was written.
    pub(super) fn has(&self, cid: &Cid) -> bool {
        self.written.contains(&self.key(cid.hash()))
    }

    /// Notes that the links of a block are followed; false if they were before. Raw blocks have
    /// none, and take no place.
    pub(super) fn follow(&mut self, cid: &Cid) -> bool {
        if cid.codec() == codec::RAW {
            return !self.has(cid);
        }
        let key = self.key(cid);
        self.followed.insert(key)
    }

    fn key(&self, of: &impl Hash) -> u128 {
        let [high, low] = self.keys.each_ref().map(|state| state.hash_one(of));
        u128::from(high) << 64 | u128::from(low)
    }
}
