//! The address book: where peers were, and who they said they are.
//!
//! It is filled by others, so it is bounded: by peers, and by addresses of a peer. What is not of use
//! any more goes first; peers that are connected stay.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use libp2p::core::Endpoint;
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, NewExternalAddrOfPeer};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandlerInEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use crate::address::without_peer;
use crate::filter::Filters;
use crate::peers::Identity;

/// Peers that are remembered.
const PEERS: usize = 4096;
/// Addresses of a peer that are remembered.
const ADDRESSES: usize = 64;
/// Bytes of an address that is worth remembering.
const LENGTH: usize = 512;

/// How long an address is remembered that somebody gave to dial.
pub(crate) const GIVEN: Duration = Duration::from_secs(2 * 60);
/// How long the addresses of a peer are remembered that was connected.
const RECENT: Duration = Duration::from_secs(15 * 60);

#[derive(Default)]
struct Known {
    /// Until when; `None` is for ever.
    addresses: HashMap<Multiaddr, Option<Instant>>,
    identity: Option<Arc<Identity>>,
    connections: usize,
    touched: u64,
}

impl Known {
    fn alive(&self) -> impl Iterator<Item = &Multiaddr> {
        let (now, connected) = (Instant::now(), self.connections > 0);
        let alive = move |until: &Option<Instant>| connected || until.is_none_or(|u| u > now);
        self.addresses
            .iter()
            .filter(move |(_, until)| alive(until))
            .map(|(address, _)| address)
    }
}

/// The address book, as a behaviour that gives addresses to whoever dials.
#[derive(Default)]
pub(crate) struct Behaviour {
    peers: HashMap<PeerId, Known>,
    clock: u64,
    filters: Filters,
}

impl Behaviour {
    pub(crate) fn new(filters: Filters) -> Self {
        Self {
            filters,
            ..Self::default()
        }
    }

    /// Remembers addresses; for ever where `time` does not say.
    pub(crate) fn add(&mut self, peer: PeerId, addresses: &[Multiaddr], time: Option<Duration>) {
        let until = time.map(|time| Instant::now() + time);
        let known = self.touch(peer);
        for address in addresses {
            let address = without_peer(address);
            if address.is_empty() || address.len() > LENGTH {
                continue;
            }
            if let Some(have) = known.addresses.get_mut(&address) {
                let later = have.is_some_and(|have| until.is_none_or(|until| until > have));
                if later {
                    *have = until;
                }
            } else if known.addresses.len() < ADDRESSES {
                known.addresses.insert(address, until);
            }
        }
    }

    /// Remembers what a peer says of itself.
    pub(crate) fn identified(&mut self, peer: PeerId, identity: Arc<Identity>) {
        let addresses = identity.addresses.clone();
        let known = self.touch(peer);
        known.identity = Some(identity);
        let given: HashSet<Multiaddr> = addresses.iter().map(without_peer).collect();
        known
            .addresses
            .retain(|address, until| until.is_none() || given.contains(address));
        self.add(peer, &addresses, Some(RECENT));
    }

    /// What a peer said of itself.
    pub(crate) fn identity(&self, peer: &PeerId) -> Option<Arc<Identity>> {
        self.peers.get(peer)?.identity.clone()
    }

    /// Where a peer may be.
    pub(crate) fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
        let known = self.peers.get(peer);
        let mut all: Vec<_> = known.into_iter().flat_map(Known::alive).cloned().collect();
        all.sort_unstable_by_key(ToString::to_string);
        all
    }

    /// Where all peers may be.
    pub(crate) fn all(&self) -> BTreeMap<PeerId, Vec<Multiaddr>> {
        let peers = self.peers.keys();
        peers
            .map(|peer| (*peer, self.addresses(peer)))
            .filter(|(_, addresses)| !addresses.is_empty())
            .collect()
    }

    fn touch(&mut self, peer: PeerId) -> &mut Known {
        self.clock += 1;
        if self.peers.len() >= PEERS && !self.peers.contains_key(&peer) {
            self.forget();
        }
        let known = self.peers.entry(peer).or_default();
        known.touched = self.clock;
        known
    }

    /// Makes room: the eighth of the peers that was touched the longest ago.
    fn forget(&mut self) {
        let kept =
            |known: &Known| known.connections > 0 || known.addresses.values().any(Option::is_none);
        let mut idle: Vec<(u64, PeerId)> = self
            .peers
            .iter()
            .filter(|(_, known)| !kept(known))
            .map(|(peer, known)| (known.touched, *peer))
            .collect();
        idle.sort_unstable();
        for (_, peer) in idle.into_iter().take(PEERS / 8) {
            self.peers.remove(&peer);
        }
    }
}

impl NetworkBehaviour for Behaviour {
    crate::plain::without_streams!();
    crate::plain::admits_inbound!();
    crate::plain::admits_outbound!();

    fn handle_pending_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        let mut all = peer.map_or_else(Vec::new, |peer| self.addresses(&peer));
        all.retain(|address| !self.filters.denies(address));
        Ok(all)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id, endpoint, ..
            }) => {
                if endpoint.is_dialer() {
                    let address = endpoint.get_remote_address().clone();
                    self.add(peer_id, &[address], Some(RECENT));
                }
                self.touch(peer_id).connections += 1;
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, .. }) => {
                let known = self.touch(peer_id);
                known.connections = known.connections.saturating_sub(1);
                if known.connections == 0 {
                    let until = Instant::now() + RECENT;
                    for time in known.addresses.values_mut().flatten() {
                        *time = until;
                    }
                }
            }
            FromSwarm::NewExternalAddrOfPeer(NewExternalAddrOfPeer { peer_id, addr }) => {
                self.add(peer_id, std::slice::from_ref(addr), Some(RECENT));
            }
            _ => {}
        }
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_is_bounded() {
        let mut book = Behaviour::default();
        let kept = PeerId::random();
        book.add(kept, &["/ip4/1.2.3.4/tcp/1".parse().unwrap()], None);
        let port = |n: usize| format!("/ip4/1.1.1.1/tcp/{n}").parse().unwrap();
        for _ in 0..PEERS + 100 {
            book.add(PeerId::random(), &[port(1)], Some(RECENT));
        }
        assert!(book.peers.len() <= PEERS);
        assert_eq!(book.addresses(&kept).len(), 1);
        let many: Vec<Multiaddr> = (1..1000).map(port).collect();
        book.add(kept, &many, Some(RECENT));
        assert_eq!(book.addresses(&kept).len(), ADDRESSES);
    }

    #[test]
    fn addresses_are_forgotten_in_time() {
        let mut book = Behaviour::default();
        let (peer, address) = (PeerId::random(), "/ip4/1.2.3.4/tcp/1".parse().unwrap());
        let address = [address];
        book.add(peer, &address, Some(Duration::ZERO));
        assert!(book.addresses(&peer).is_empty());
        book.add(peer, &address, Some(RECENT));
        book.add(peer, &address, Some(Duration::ZERO));
        assert_eq!(book.addresses(&peer), address);
    }
}
