//! All peers of a DHT, as a crawl has found them: who is nearest to a key is known without asking.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::Key;
use super::table::{Group, group};
use crate::scope::ip_of;
use crate::{PeerInfo, is_public};

/// Peers that are kept. The internet's DHT has some tens of thousands.
pub(super) const MOST: usize = 100_000;
/// Addresses that are kept of a peer.
pub(super) const ADDRESSES: usize = 8;
/// Of peers in one neighbourhood of the internet, so many count among the nearest.
const NEIGHBOURS: usize = 3;

/// The peers of a DHT, and when they were found.
#[derive(Debug)]
pub(super) struct Whole {
    places: BTreeMap<Key, Member>,
    pub(super) crawled: SystemTime,
}

#[derive(Debug)]
struct Member {
    peer: PeerId,
    addresses: Box<[Multiaddr]>,
    group: Option<Group>,
}

impl Whole {
    pub(super) fn new() -> Self {
        Self {
            places: BTreeMap::new(),
            crawled: SystemTime::now(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Adds a peer, if there is room for it.
    pub(super) fn add(&mut self, mut peer: PeerInfo, diverse: bool) {
        if self.places.len() >= MOST {
            return;
        }
        peer.addresses.truncate(ADDRESSES);
        let mut public = peer.addresses.iter().filter(|a| diverse && is_public(a));
        let ip: Option<IpAddr> = public.find_map(ip_of);
        let member = Member {
            peer: peer.id,
            group: ip.map(group),
            addresses: peer.addresses.into(),
        };
        self.places.insert(Key::of_peer(&peer.id), member);
    }

    /// Every peer.
    pub(super) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.places.values().map(|member| member.peer)
    }

    /// Every peer, and where it is.
    pub(super) fn all(&self) -> impl Iterator<Item = PeerInfo> {
        let members = self.places.values();
        members.map(|member| PeerInfo::new(member.peer, member.addresses.to_vec()))
    }

    /// The peers that are nearest to a key, the nearest first, and where they are.
    pub(super) fn nearest(&self, key: &Key, most: usize) -> Vec<PeerInfo> {
        let mut found = Vec::new();
        let mut groups: HashMap<Group, usize> = HashMap::new();
        // Those that share more bits are nearer than all that share fewer.
        let mut inside = 257;
        while found.len() < most && inside > 0 {
            let bits = self.next_shared(key, inside);
            let mut ring = self.sharing(key, bits, inside);
            ring.sort_unstable_by_key(|(place, _)| place.distance(key));
            for (_, member) in ring {
                if let Some(group) = member.group {
                    let same = groups.entry(group).or_default();
                    *same += 1;
                    if *same > NEIGHBOURS {
                        continue;
                    }
                }
                found.push(PeerInfo::new(member.peer, member.addresses.to_vec()));
                if found.len() >= most {
                    break;
                }
            }
            inside = bits;
        }
        found
    }

    /// The greatest number of first bits below `than` that some peer shares with a key; 0 if there is
    /// none.
    fn next_shared(&self, key: &Key, than: usize) -> usize {
        // The two that share the most of any set stand beside the hole that the set leaves.
        let (low, high) = match than {
            257 => (*key, *key),
            bits => key.range(bits),
        };
        let before = self.places.range(..low).next_back();
        let after = match than {
            257 => self.places.range(high..).next(),
            _ => self
                .places
                .range((std::ops::Bound::Excluded(high), std::ops::Bound::Unbounded))
                .next(),
        };
        let beside = before.into_iter().chain(after);
        let shared = beside.map(|(place, _)| place.common_bits(key));
        shared.max().unwrap_or(0)
    }

    /// The peers that share at least `bits` first bits with a key, but fewer than `below`.
    fn sharing(&self, key: &Key, bits: usize, below: usize) -> Vec<(Key, &Member)> {
        let (low, high) = key.range(bits);
        let all = self.places.range(low..=high);
        all.filter(|(place, _)| place.common_bits(key) < below)
            .map(|(place, member)| (*place, member))
            .collect()
    }
}

/// The last crawl's result, or none yet.
#[derive(Default)]
pub(super) struct Known(RwLock<Option<Arc<Whole>>>);

impl Known {
    pub(super) fn get(&self) -> Option<Arc<Whole>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    pub(super) fn set(&self, whole: Whole) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::new(whole));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(text: &str) -> PeerInfo {
        PeerInfo::new(PeerId::random(), vec![text.parse().unwrap()])
    }

    #[test]
    fn the_nearest_are_those_that_sorting_finds() {
        for count in [0, 1, 7, 20, 500] {
            let mut whole = Whole::new();
            let peers: Vec<_> = (0..count).map(|_| info("/ip4/10.0.0.1/tcp/1")).collect();
            for peer in &peers {
                whole.add(peer.clone(), true);
            }
            assert_eq!(whole.len(), count);
            for n in 0..50u32 {
                let key = match n {
                    // A place where a peer is.
                    0 if count > 0 => Key::of_peer(&peers[0].id),
                    n => Key::of(&n.to_be_bytes()),
                };
                let mut sorted: Vec<_> = peers.iter().map(|p| p.id).collect();
                sorted.sort_unstable_by_key(|peer| Key::of_peer(peer).distance(&key));
                sorted.truncate(20);
                let found: Vec<_> = whole.nearest(&key, 20).iter().map(|p| p.id).collect();
                assert_eq!(found, sorted);
            }
        }
    }

    #[test]
    fn one_neighbourhood_is_not_all_there_is() {
        let mut whole = Whole::new();
        (0..50).for_each(|_| whole.add(info("/ip4/1.2.3.4/tcp/1"), true));
        whole.add(info("/ip4/2.3.4.5/tcp/1"), true);
        assert_eq!(whole.nearest(&Key::of(b"key"), 20).len(), NEIGHBOURS + 1);
        let mut local = Whole::new();
        (0..50).for_each(|_| local.add(info("/ip4/1.2.3.4/tcp/1"), false));
        assert_eq!(local.nearest(&Key::of(b"key"), 20).len(), 20);
    }
}
