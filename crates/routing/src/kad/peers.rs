//! The peers that a lookup has heard of, in the order of their distance from its target.

use std::collections::{BTreeMap, HashMap};

use libp2p_identity::PeerId;

use super::Key;
use super::key::Distance;

/// Peers that a lookup remembers; the nearest of them are what matters.
const MOST: usize = 4096;

/// What became of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing yet.
    Heard,
    /// It is being asked.
    Asked,
    /// It has answered.
    Answered,
    /// It could not be reached, or did not answer.
    Failed,
}

/// Peers by distance.
pub(super) struct Heard {
    target: Key,
    order: BTreeMap<Distance, (PeerId, State)>,
    places: HashMap<PeerId, Distance>,
}

impl Heard {
    pub(super) fn new(target: Key) -> Self {
        Self {
            target,
            order: BTreeMap::new(),
            places: HashMap::new(),
        }
    }

    pub(super) fn add(&mut self, peer: PeerId) {
        if self.places.contains_key(&peer) || self.places.len() >= MOST {
            return;
        }
        let distance = Key::of_peer(&peer).distance(&self.target);
        self.places.insert(peer, distance);
        self.order.insert(distance, (peer, State::Heard));
    }

    pub(super) fn set(&mut self, peer: &PeerId, state: State) {
        if let Some(distance) = self.places.get(peer)
            && let Some(entry) = self.order.get_mut(distance)
        {
            entry.1 = state;
        }
    }

    /// The nearest peer that was not asked.
    pub(super) fn next(&self) -> Option<PeerId> {
        let mut all = self.order.values();
        all.find(|(_, state)| *state == State::Heard)
            .map(|(peer, _)| *peer)
    }

    /// The nearest peers that have not failed.
    pub(super) fn nearest(&self, most: usize) -> impl Iterator<Item = (PeerId, State)> {
        let alive = self.order.values().filter(|(_, s)| *s != State::Failed);
        alive.take(most).copied()
    }
}
