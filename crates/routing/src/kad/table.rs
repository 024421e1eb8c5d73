//! The peers that serve the DHT, as far as the node knows them.
//!
//! Peers that share as many first bits with the node are a bucket, and a bucket holds so many. One that
//! is full lets a new peer in only in place of one that has failed or is gone: what has been there for
//! long is likely to stay.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::SystemTime;

use libp2p_identity::PeerId;

use super::Key;
use crate::K;

/// Peers of one neighbourhood of the internet: in a bucket, and in the table.
const NEIGHBOURS: (usize, usize) = (2, 3);

/// A peer in the table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Member {
    /// The peer.
    pub id: PeerId,
    /// When it was among the quickest to help.
    pub useful: Option<SystemTime>,
    /// When it answered the last time.
    pub queried: Option<SystemTime>,
    key: Key,
    group: Option<Group>,
    connected: bool,
}

impl Member {
    /// Whether there is a connection to it.
    pub fn is_connected(&self) -> bool {
        self.connected
    }
}

/// A bucket, for those who look at it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Bucket {
    /// When it was last looked for peers of it.
    pub refreshed: Option<SystemTime>,
    /// The peers.
    pub members: Vec<Member>,
}

/// Addresses that are likely to belong to one owner.
pub(super) type Group = u32;

pub(crate) struct Table {
    own: Key,
    /// Whether neighbours are limited.
    diverse: bool,
    buckets: Vec<Bucket>,
    places: HashMap<PeerId, usize>,
}

impl Table {
    pub(crate) fn new(own: &PeerId, diverse: bool) -> Self {
        Self {
            own: Key::of_peer(own),
            diverse,
            buckets: Vec::new(),
            places: HashMap::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    #[cfg(test)]
    pub(crate) fn contains(&self, peer: &PeerId) -> bool {
        self.places.contains_key(peer)
    }

    /// Adds a connected peer if there is room; says whether it is there.
    pub(crate) fn add(&mut self, peer: PeerId, ip: Option<IpAddr>) -> bool {
        if let Some(member) = self.member(&peer) {
            member.connected = true;
            return true;
        }
        let key = Key::of_peer(&peer);
        let place = self.own.common_bits(&key);
        if place >= 256 {
            return false;
        }
        let group = ip.filter(|_| self.diverse).map(group);
        if !self.lets_in(place, group) {
            return false;
        }
        if self.buckets.len() <= place {
            self.buckets.resize_with(place + 1, Bucket::default);
        }
        let members = &mut self.buckets[place].members;
        if members.len() >= K {
            let Some(gone) = members.iter().position(|member| !member.connected) else {
                return false;
            };
            let gone = members.remove(gone);
            self.places.remove(&gone.id);
        }
        members.push(Member {
            id: peer,
            useful: None,
            queried: None,
            key,
            group,
            connected: true,
        });
        self.places.insert(peer, place);
        true
    }

    fn lets_in(&self, place: usize, group: Option<Group>) -> bool {
        let Some(group) = group else {
            return true;
        };
        let count = |bucket: &Bucket| {
            let same = bucket.members.iter().filter(|m| m.group == Some(group));
            same.count()
        };
        self.buckets.get(place).map_or(0, count) < NEIGHBOURS.0
            && self.buckets.iter().map(count).sum::<usize>() < NEIGHBOURS.1
    }

    pub(crate) fn remove(&mut self, peer: &PeerId) -> bool {
        let Some(place) = self.places.remove(peer) else {
            return false;
        };
        self.buckets[place].members.retain(|m| m.id != *peer);
        true
    }

    /// The peer is not connected any more; it may still be there.
    pub(crate) fn disconnected(&mut self, peer: &PeerId) {
        if let Some(member) = self.member(peer) {
            member.connected = false;
        }
    }

    /// The peer has answered.
    pub(crate) fn answered(&mut self, peer: &PeerId) {
        if let Some(member) = self.member(peer) {
            member.queried = Some(SystemTime::now());
            member.connected = true;
        }
    }

    /// The peer was of use.
    pub(crate) fn useful(&mut self, peer: &PeerId) {
        if let Some(member) = self.member(peer) {
            member.useful = Some(SystemTime::now());
        }
    }

    /// It was looked for peers near to a key.
    pub(crate) fn refreshed(&mut self, key: &Key) {
        let place = self.own.common_bits(key);
        if let Some(bucket) = self.buckets.get_mut(place) {
            bucket.refreshed = Some(SystemTime::now());
        }
    }

    /// The peers that are nearest to a key, the nearest first.
    pub(crate) fn nearest(&self, key: &Key, most: usize) -> Vec<PeerId> {
        let members = self.buckets.iter().flat_map(|bucket| &bucket.members);
        let mut all: Vec<_> = members.map(|m| (m.key.distance(key), m.id)).collect();
        all.sort_unstable_by_key(|(distance, _)| *distance);
        all.truncate(most);
        all.into_iter().map(|(_, peer)| peer).collect()
    }

    pub(crate) fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.buckets.iter().flat_map(|bucket| &bucket.members)
    }

    fn member(&mut self, peer: &PeerId) -> Option<&mut Member> {
        let place = *self.places.get(peer)?;
        let mut members = self.buckets[place].members.iter_mut();
        members.find(|member| member.id == *peer)
    }
}

pub(super) fn group(ip: IpAddr) -> Group {
    match ip {
        IpAddr::V4(ip) => ip.to_bits() >> 16,
        IpAddr::V6(ip) => u32::try_from(ip.to_bits() >> 96).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_bounded_and_the_nearest_are_found() {
        let own = PeerId::random();
        let mut table = Table::new(&own, false);
        assert!(!table.add(own, None));
        let peers: Vec<_> = (0..500).map(|_| PeerId::random()).collect();
        let kept: Vec<_> = peers
            .iter()
            .filter(|peer| table.add(**peer, None))
            .collect();
        assert_eq!(table.len(), kept.len());
        assert!(table.buckets().iter().all(|b| b.members.len() <= K));
        let key = Key::of(b"x");
        let nearest = table.nearest(&key, 7);
        let mut all: Vec<_> = kept.iter().map(|peer| **peer).collect();
        all.sort_by_key(|peer| Key::of_peer(peer).distance(&key));
        assert_eq!(nearest, all[..7]);
    }

    #[test]
    fn who_is_gone_makes_room() {
        let own = PeerId::random();
        let mut table = Table::new(&own, false);
        let far = |peer: &PeerId| Key::of_peer(&own).common_bits(&Key::of_peer(peer)) == 0;
        let mut peers = std::iter::repeat_with(PeerId::random).filter(far);
        let first = peers.next().unwrap();
        assert!(table.add(first, None));
        while table.add(peers.next().unwrap(), None) {}
        assert_eq!(table.len(), K);
        table.disconnected(&first);
        assert!(table.add(peers.next().unwrap(), None));
        assert!(!table.contains(&first));
        assert_eq!(table.len(), K);
    }

    #[test]
    fn one_neighbourhood_does_not_fill_the_table() {
        let mut table = Table::new(&PeerId::random(), true);
        let same = Some("1.2.3.4".parse().unwrap());
        let added = (0..100)
            .filter(|_| table.add(PeerId::random(), same))
            .count();
        assert_eq!(added, NEIGHBOURS.1);
    }
}
