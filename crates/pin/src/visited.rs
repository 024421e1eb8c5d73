//! The set of blocks that a walk has reached.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use basalt_block::{Cid, Multihash, Version, codec};

const SHARDS: usize = 64;
const FLAGS: u128 = 0b11_1111;
/// The block is wanted.
const LIVE: u128 = 1;

/// An exact set of blocks, but for the chance below: what a walk has reached, and in garbage
/// collection the live set. It remembers by which CIDs a block was reached, since the same bytes
/// have other links under another codec.
///
/// A block takes 16 bytes in a table that is between 56 and 80 % full: at most 29 bytes a block.
/// It is stored as a 122 bit fingerprint: SipHash of the multihash, under a key drawn at random for
/// each set. Two of `n` blocks share a fingerprint with a chance of `n² / 2¹²³`: for a billion
/// blocks 2⁻⁶³, and nobody who does not know the key can do better by choosing blocks.
pub struct Visited {
    key: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Default)]
struct Shard {
    slots: Vec<u128>,
    used: usize,
    live: usize,
}

impl Default for Visited {
    fn default() -> Self {
        Self::with_key(RandomState::new())
    }
}

impl Visited {
    fn with_key(key: RandomState) -> Self {
        Self {
            key,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// An empty set that can be [absorbed](Visited::absorb) by this one.
    pub fn fork(&self) -> Self {
        Self::with_key(self.key.clone())
    }

    /// Adds a block as reached by `cid`. Whether it was not reached by `cid` before.
    pub fn visit(&self, cid: &Cid) -> bool {
        let print = self.fingerprint(cid.hash(), None);
        let flag = flag_of(cid);
        let old = self.shard(print).set(print, LIVE | flag);
        match other_codec(cid) {
            None => old & flag == 0,
            Some(codec) => {
                let print = self.fingerprint(cid.hash(), Some(codec));
                self.shard(print).set(print, flag) & flag == 0
            }
        }
    }

    /// Whether the block was reached by `cid`.
    pub fn has_visited(&self, cid: &Cid) -> bool {
        let print = self.fingerprint(cid.hash(), other_codec(cid));
        self.shard(print).get(print) & flag_of(cid) != 0
    }

    /// Takes back [`Visited::visit`], but leaves the block in the set.
    pub fn unvisit(&self, cid: &Cid) {
        let print = self.fingerprint(cid.hash(), other_codec(cid));
        self.shard(print).clear(print, flag_of(cid));
    }

    /// Adds a block, whatever its links. Whether it is new.
    pub fn insert(&self, hash: &Multihash) -> bool {
        let print = self.fingerprint(hash, None);
        self.shard(print).set(print, LIVE) & LIVE == 0
    }

    /// Whether the block is in the set.
    pub fn contains(&self, hash: &Multihash) -> bool {
        let print = self.fingerprint(hash, None);
        self.shard(print).get(print) & LIVE != 0
    }

    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|s| lock(s).live).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number for the CID, which another CID has with no more chance than said above.
    pub(crate) fn name(&self, cid: &Cid) -> u128 {
        let version = u128::from(u64::from(cid.version()));
        self.fingerprint(cid.hash(), Some(cid.codec())) | version
    }

    /// Adds all of `other`, which must come from [`Visited::fork`].
    pub fn absorb(&self, other: &Visited) {
        for (into, from) in self.shards.iter().zip(&other.shards) {
            // One is locked at a time: two sets may absorb one another.
            let slots = std::mem::take(&mut *lock(from)).slots;
            let mut into = lock(into);
            for slot in slots {
                if slot != 0 {
                    into.set(slot & !FLAGS, slot & FLAGS);
                }
            }
        }
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        let slots = |s: &Mutex<Shard>| lock(s).slots.capacity();
        self.shards.iter().map(slots).sum::<usize>() * size_of::<u128>()
    }

    fn fingerprint(&self, hash: &Multihash, codec: Option<u64>) -> u128 {
        // Two answers of one keyed function to different questions are as good as independent.
        let half = |which: u8| {
            let mut hasher = self.key.build_hasher();
            hasher.write_u8(which);
            if let Some(codec) = codec {
                hasher.write_u64(codec);
            }
            hasher.write_u64(hash.code());
            hasher.write(hash.digest());
            hasher.finish()
        };
        let tag = if codec.is_some() { 2 } else { 0 };
        let print = (u128::from(half(tag)) << 64) | u128::from(half(tag + 1));
        print & !FLAGS
    }

    fn shard(&self, print: u128) -> MutexGuard<'_, Shard> {
        lock(&self.shards[(print >> 6) as usize % SHARDS])
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What records that a block was reached by this CID.
fn flag_of(cid: &Cid) -> u128 {
    match (cid.codec(), cid.version()) {
        (codec::RAW, _) => 1 << 5,
        (codec::DAG_PB, Version::V0) => 1 << 1,
        (codec::DAG_PB, Version::V1) => 1 << 2,
        (codec::DAG_CBOR, _) => 1 << 3,
        _ => 1 << 4,
    }
}

fn other_codec(cid: &Cid) -> Option<u64> {
    (flag_of(cid) == 1 << 4).then(|| cid.codec())
}

/// Open addressing with linear probing. A slot is a fingerprint and its flags; zero is free.
impl Shard {
    /// Where `print` is, or the free slot where it belongs.
    fn find(&self, print: u128) -> usize {
        let len = self.slots.len();
        // The upper half spreads evenly over any length, which need not be a power of two.
        let mut at = (((print >> 64) * len as u128) >> 64) as usize;
        while self.slots[at] != 0 && self.slots[at] & !FLAGS != print {
            at = if at + 1 == len { 0 } else { at + 1 };
        }
        at
    }

    fn get(&self, print: u128) -> u128 {
        if self.slots.is_empty() {
            return 0;
        }
        self.slots[self.find(print)] & FLAGS
    }

    /// Adds flags; returns those that were set before.
    fn set(&mut self, print: u128, flags: u128) -> u128 {
        if (self.used + 1) * 5 > self.slots.len() * 4 {
            self.grow();
        }
        let at = self.find(print);
        if self.slots[at] == 0 {
            self.used += 1;
        }
        let old = self.slots[at] & FLAGS;
        self.live += usize::from(old & LIVE == 0 && flags & LIVE != 0);
        self.slots[at] = print | old | flags;
        old
    }

    fn clear(&mut self, print: u128, flags: u128) {
        if !self.slots.is_empty() {
            let at = self.find(print);
            if self.slots[at] != 0 {
                self.slots[at] &= !flags;
            }
        }
    }

    fn grow(&mut self) {
        let len = (self.slots.len() * 7 / 5).max(8);
        let mut grown = Vec::new();
        grown.reserve_exact(len);
        grown.resize(len, 0);
        let old = std::mem::replace(&mut self.slots, grown);
        for slot in old.into_iter().filter(|s| *s != 0) {
            let at = self.find(slot & !FLAGS);
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn cid(n: u32, kind: u8) -> Cid {
        let hash = basalt_block::digest(0x12, &n.to_be_bytes(), None).unwrap();
        match kind {
            0 => Cid::new_v0(hash).unwrap(),
            1 => Cid::new_v1(codec::DAG_PB, hash),
            2 => Cid::new_v1(codec::RAW, hash),
            3 => Cid::new_v1(codec::DAG_CBOR, hash),
            4 => Cid::new_v1(codec::DAG_JSON, hash),
            _ => Cid::new_v1(0x0200, hash),
        }
    }

    #[test]
    fn a_block_takes_at_most_29_bytes() {
        let visited = Visited::default();
        for n in 0..60_000 {
            assert!(visited.visit(&cid(n, 1)));
            if n > 20_000 && n % 500 == 0 {
                assert!(visited.bytes() <= 29 * visited.len(), "{n}");
            }
        }
        assert_eq!(visited.len(), 60_000);
    }

    #[derive(Debug, Clone, Copy)]
    enum Op {
        Visit(u32, u8),
        Unvisit(u32, u8),
        Insert(u32),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..400u32, 0..6u8).prop_map(|(n, k)| Op::Visit(n, k)),
            (0..400u32, 0..6u8).prop_map(|(n, k)| Op::Unvisit(n, k)),
            (0..400u32).prop_map(Op::Insert),
        ]
    }

    proptest! {
        #[test]
        fn is_a_set(ops in prop::collection::vec(op(), 0..600), split in 0usize..600) {
            let visited = Visited::default();
            let fork = visited.fork();
            let (mut model, mut live) = (BTreeSet::new(), BTreeSet::new());
            for (i, op) in ops.iter().enumerate() {
                // What comes late goes to a second set that the first takes up.
                let to = if i < split { &visited } else { &fork };
                match *op {
                    Op::Visit(n, kind) => {
                        let new = to.visit(&cid(n, kind));
                        if split >= ops.len() {
                            prop_assert_eq!(new, !model.contains(&(n, kind)));
                        }
                        model.insert((n, kind));
                        live.insert(n);
                    }
                    Op::Unvisit(n, kind) if split >= ops.len() => {
                        to.unvisit(&cid(n, kind));
                        model.remove(&(n, kind));
                    }
                    Op::Unvisit(..) => {}
                    Op::Insert(n) => {
                        to.insert(cid(n, 0).hash());
                        live.insert(n);
                    }
                }
            }
            visited.absorb(&fork);
            prop_assert_eq!(visited.len(), live.len());
            for n in 0..400 {
                prop_assert_eq!(visited.contains(cid(n, 0).hash()), live.contains(&n));
                for kind in 0..6 {
                    let seen = visited.has_visited(&cid(n, kind));
                    prop_assert_eq!(seen, model.contains(&(n, kind)));
                }
            }
        }
    }
}
