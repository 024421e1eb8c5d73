//! Which parts of the space are known so well that nobody needs to be asked for the peers there.

use std::collections::{BTreeMap, HashSet};

use libp2p_identity::PeerId;

use super::Key;
use crate::K;

/// So many of the peers that are told must be among the nearest for certain.
const CERTAIN: usize = 10;
/// Bits of the deepest part that is looked at.
const DEEPEST: usize = 40;

/// The peers that lookups have found, and the parts in which they are all there are.
#[derive(Default)]
pub(super) struct Covered {
    /// By their places.
    peers: BTreeMap<Key, PeerId>,
    /// Parts that are known completely, none of them in another and no two halves of one: the first bits,
    /// and how many.
    parts: HashSet<Part>,
    /// Parts that were asked for beside those of keys.
    asked: HashSet<Part>,
}

type Part = (u64, usize);

/// Who is to be told of a key, or what must be looked up to know it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Nearest {
    /// These peers.
    Peers(Vec<PeerId>),
    /// The key itself is to be looked up.
    Unknown,
    /// Any key that begins with these bits is to be looked up.
    UnknownBeside(Part),
}

impl Covered {
    pub(super) fn peers(&self) -> usize {
        self.peers.len()
    }

    /// Notes what a lookup of `key` has found: the nearest peers, all there are if they are few.
    pub(super) fn add(&mut self, key: &Key, nearest: &[PeerId]) {
        let mut least = DEEPEST;
        for peer in nearest {
            let place = Key::of_peer(peer);
            least = least.min(place.common_bits(key));
            self.peers.insert(place, *peer);
        }
        // Whoever shares more bits than the farthest would have been found before it.
        let bits = match nearest.len() < K {
            true => 0,
            false => (least + 1).min(DEEPEST),
        };
        let mut known = part(key.head(), bits);
        if self.knows(known) {
            return;
        }
        // Two halves that are known are a known whole.
        while known.1 > 0 && self.parts.remove(&beside(known)) {
            known = part(known.0, known.1 - 1);
        }
        self.parts.insert(known);
    }

    /// The peers that are to be told of a key.
    pub(super) fn nearest(&self, key: &Key) -> Nearest {
        let mut all: Vec<_> = self.around(key);
        all.sort_unstable_by_key(|(place, _)| place.distance(key));
        all.truncate(K);
        let farthest = all.last().map_or(0, |(place, _)| place.common_bits(key));
        let certain = all.iter().filter(|(p, _)| p.common_bits(key) > farthest);
        let certain = certain.count();
        let (own, whole) = (part(key.head(), farthest + 1), part(key.head(), farthest));
        if !self.knows(whole) {
            if !self.knows(own) {
                return Nearest::Unknown;
            }
            if certain < CERTAIN && !self.asked.contains(&beside(own)) {
                return Nearest::UnknownBeside(beside(own));
            }
        }
        Nearest::Peers(all.into_iter().map(|(_, peer)| peer).collect())
    }

    /// Notes that a part was looked up, whatever came of it.
    pub(super) fn asked(&mut self, part: Part) {
        self.asked.insert(part);
    }

    /// Known peers near to a key, K at least where there are as many.
    fn around(&self, key: &Key) -> Vec<(Key, PeerId)> {
        let mut bits = DEEPEST;
        loop {
            let from = Key::least(part(key.head(), bits).0);
            let inside = self.peers.range(from..);
            let inside = inside.take_while(|(place, _)| place.common_bits(key) >= bits);
            let found: Vec<_> = inside.map(|(place, peer)| (*place, *peer)).collect();
            if found.len() >= K || bits == 0 {
                return found;
            }
            bits -= 1;
        }
    }

    /// Whether all peers of a part are known.
    fn knows(&self, (first, bits): Part) -> bool {
        (0..=bits).any(|bits| self.parts.contains(&part(first, bits)))
    }
}

/// The other half of the part around.
fn beside((first, bits): Part) -> Part {
    (first ^ 1 << (64 - bits.clamp(1, 64)), bits)
}

fn part(first: u64, bits: usize) -> Part {
    let mask = match bits {
        0 => 0,
        bits => u64::MAX << (64 - bits.min(64)),
    };
    (first & mask, bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(all: &[PeerId], key: &Key) -> Vec<PeerId> {
        let mut all: Vec<_> = all
            .iter()
            .map(|p| (Key::of_peer(p).distance(key), *p))
            .collect();
        all.sort_unstable_by_key(|(distance, _)| *distance);
        all.truncate(K);
        all.into_iter().map(|(_, peer)| peer).collect()
    }

    #[test]
    fn few_lookups_do_for_many_keys_and_most_peers_are_right() {
        let peers: Vec<_> = (0..300).map(|_| PeerId::random()).collect();
        let mut keys: Vec<_> = (0..1000u32).map(|n| Key::of(&n.to_be_bytes())).collect();
        keys.sort_unstable();
        let (mut covered, mut lookups, mut right) = (Covered::default(), 0, 0);
        for key in &keys {
            let told = loop {
                match covered.nearest(key) {
                    Nearest::Peers(peers) => break peers,
                    Nearest::Unknown => covered.add(key, &nearest(&peers, key)),
                    Nearest::UnknownBeside(part) => {
                        let beside = Key::least(part.0);
                        covered.add(&beside, &nearest(&peers, &beside));
                        covered.asked(part);
                    }
                }
                lookups += 1;
            };
            let exact = nearest(&peers, key);
            right += exact.iter().filter(|peer| told.contains(peer)).count();
            assert!(told.len() == K && told[0] == exact[0]);
        }
        assert!(lookups < 60, "{lookups} lookups");
        let all = keys.len() * K;
        assert!(right * 100 > all * 85, "{right} of {all}");
    }

    #[test]
    fn a_small_network_is_known_at_once() {
        let peers: Vec<_> = (0..7).map(|_| PeerId::random()).collect();
        let mut covered = Covered::default();
        assert_eq!(covered.nearest(&Key::of(b"x")), Nearest::Unknown);
        covered.add(&Key::of(b"x"), &peers);
        let Nearest::Peers(found) = covered.nearest(&Key::of(b"y")) else {
            panic!("all are known")
        };
        assert_eq!(found.len(), 7);
        assert_eq!(covered.peers(), 7);
    }
}
