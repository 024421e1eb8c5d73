//! Relays: this node behind others, and others behind this node.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{FromSwarm, NetworkBehaviour, NewExternalAddrCandidate};
use libp2p::{Multiaddr, PeerId, relay};

use crate::address::{ip_of, is_public, is_relayed, peer_of, through, with_peer};
use crate::book;
use crate::reach::{Reach, Reachability};
use crate::service::Service;

/// Relays that are used at a time.
const RELAYS: usize = 2;
/// Places of a relay that is not connected, through which a peer is dialled.
const PLACES: usize = 2;
/// Before a relay is asked again that has refused or was lost.
const AGAIN: Duration = Duration::from_secs(30);
/// What a relay speaks.
pub(crate) const HOP: &str = "/libp2p/circuit/relay/0.2.0/hop";
const STOP: &str = "/libp2p/circuit/relay/0.2.0/stop";

/// How the node is a relay for others, while others can reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayService {
    /// How long one connection through it may be.
    pub duration: Duration,
    /// How many bytes go through one connection.
    pub bytes: u64,
    /// How long a reservation is good.
    pub reservation: Duration,
    /// Reservations at a time.
    pub reservations: usize,
    /// Connections through it to or from one peer.
    pub circuits: usize,
}

impl Default for RelayService {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(2 * 60),
            bytes: 1 << 17,
            reservation: Duration::from_secs(60 * 60),
            reservations: 128,
            circuits: 16,
        }
    }
}

impl RelayService {
    pub(crate) fn behaviour(&self, local: PeerId) -> relay::Behaviour {
        let config = relay::Config {
            max_reservations: self.reservations,
            reservation_duration: self.reservation,
            max_circuits: self.circuits.saturating_mul(self.reservations),
            max_circuits_per_peer: self.circuits,
            max_circuit_duration: self.duration,
            max_circuit_bytes: self.bytes,
            ..relay::Config::default()
        };
        let mut behaviour = relay::Behaviour::new(local, config);
        behaviour.set_status(Some(relay::Status::Disable));
        behaviour
    }
}

/// How the node uses relays.
#[derive(Debug, Clone, Default)]
pub struct RelayClient {
    /// The relays to use; where there are none, those among its peers.
    pub relays: Vec<Multiaddr>,
}

/// The relays that are used.
#[derive(Default)]
pub(crate) struct Used {
    client: Option<RelayClient>,
    listeners: HashMap<ListenerId, PeerId>,
    /// Relays that are not asked for now.
    resting: Vec<PeerId>,
}

impl Used {
    pub(crate) fn new(client: Option<RelayClient>) -> Self {
        Self {
            client,
            ..Self::default()
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.client.is_some()
    }

    fn may_ask(&self, peer: &PeerId) -> bool {
        !self.resting.contains(peer) && !self.listeners.values().any(|used| used == peer)
    }
}

/// The relay of an address that leads through one.
fn relay_of(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|part| match part {
        Protocol::P2p(relay) => Some(relay),
        _ => None,
    })
}

/// Whether it makes sense to ask others about an address.
fn may_be_reached(address: &Multiaddr) -> bool {
    !is_relayed(address) && ip_of(address).is_some_and(is_public)
}

impl Service {
    /// Looks for relays if the node needs some, and is one if it can.
    pub(crate) fn consider_relays(&mut self) {
        let overall = self.reach.overall();
        if let Some(relay) = self.swarm.behaviour_mut().relay.as_mut() {
            let status = match overall {
                Reachability::Public => relay::Status::Enable,
                _ => relay::Status::Disable,
            };
            relay.set_status(Some(status));
        }
        let Some(client) = &self.relays.client else {
            return;
        };
        if overall != Reachability::Private {
            return;
        }
        let relays = client.relays.clone();
        let fixed = !relays.is_empty();
        let candidates = match fixed {
            true => relays.clone(),
            false => self.relays_among_peers(),
        };
        for address in candidates {
            if !fixed && self.relays.listeners.len() >= RELAYS {
                break;
            }
            let Some(peer) = peer_of(&address).filter(|peer| self.relays.may_ask(peer)) else {
                continue;
            };
            if fixed {
                // One of its addresses is enough to ask it; it is dialled at all of them.
                let all = relays.iter().filter(|other| peer_of(other) == Some(peer));
                let all: Vec<Multiaddr> = all.cloned().collect();
                let book = &mut self.swarm.behaviour_mut().book;
                book.add(peer, &all, Some(book::GIVEN));
            }
            match self.swarm.listen_on(address.with(Protocol::P2pCircuit)) {
                Ok(id) => {
                    self.relays.listeners.insert(id, peer);
                }
                Err(error) => {
                    tracing::warn!(target: "basalt::network", %peer, %error, "a relay cannot be used");
                    self.rest(peer);
                }
            }
        }
    }

    fn relays_among_peers(&self) -> Vec<Multiaddr> {
        let book = &self.swarm.behaviour().book;
        let relays = |peer: &PeerId| {
            let identity = book.identity(peer);
            identity.is_some_and(|said| said.protocols.iter().any(|name| name == HOP))
        };
        let open = self.open();
        let usable = open.filter(|open| !is_relayed(&open.address) && relays(&open.peer));
        // An inbound connection has no address to listen behind; the book may have one.
        usable
            .filter_map(|open| {
                let known = book.addresses(&open.peer);
                let address = known.into_iter().next()?;
                Some(with_peer(&address, open.peer))
            })
            .collect()
    }

    /// Addresses with the places of relays put in where they are left out: `/p2p/RELAY/p2p-circuit`.
    pub(crate) fn placed(&self, addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
        let placed = |address: Multiaddr| {
            let Some((relay, rest)) = through(&address) else {
                return vec![address];
            };
            // Where it is connected, that connection is used whatever the address says.
            let connected = self.addresses_of_connections(&relay).into_iter().take(1);
            let known = self.swarm.behaviour().book.addresses(&relay);
            let mut places: Vec<Multiaddr> = connected.chain(known).collect();
            places.retain(|place| !place.is_empty() && !is_relayed(place));
            let most = match self.swarm.is_connected(&relay) {
                true => 1,
                false => PLACES,
            };
            let whole = |place: Multiaddr| {
                let relay = with_peer(&place, relay);
                relay.iter().chain(rest.iter()).collect()
            };
            let all: Vec<_> = places.into_iter().take(most).map(whole).collect();
            if all.is_empty() { vec![address] } else { all }
        };
        addresses.into_iter().flat_map(placed).collect()
    }

    /// Where the node is reached through relays. A relay may name all its addresses; if there are public
    /// ones among them, only those.
    pub(crate) fn relayed_addresses(&self) -> Vec<Multiaddr> {
        let all: Vec<&Multiaddr> = self.swarm.listeners().filter(|a| is_relayed(a)).collect();
        let public = |address: &Multiaddr| ip_of(address).is_none_or(is_public);
        let in_public: HashSet<PeerId> = all
            .iter()
            .filter(|address| public(address))
            .filter_map(|address| relay_of(address))
            .collect();
        let told = all.into_iter().filter(|address| {
            public(address) || !relay_of(address).is_some_and(|relay| in_public.contains(&relay))
        });
        told.cloned().collect()
    }

    /// Has others try an address of the node. What it announces anyway the library would not ask about.
    pub(crate) fn try_out(&mut self, address: &Multiaddr) {
        if may_be_reached(address)
            && let Some(probe) = self.swarm.behaviour_mut().probe.as_mut()
        {
            let candidate = NewExternalAddrCandidate { addr: address };
            probe.on_swarm_event(FromSwarm::NewExternalAddrCandidate(candidate));
        }
    }

    /// Whether others can reach the node, and at which of the addresses that it announces.
    pub(crate) fn reachable(&self) -> Reach {
        let mut report = self.reach.report();
        if self.swarm.behaviour().probe.is_enabled() {
            let announced = self.announced.iter().filter(|a| may_be_reached(a));
            let unknown = announced.filter(|a| !self.reach.is_tested(a));
            report.unknown = unknown.cloned().collect();
        }
        report
    }

    /// A listener has ended: if it was one behind a relay, another is looked for later.
    pub(crate) fn relay_lost(&mut self, listener: ListenerId) {
        if let Some(peer) = self.relays.listeners.remove(&listener) {
            self.rest(peer);
        }
    }

    fn rest(&mut self, peer: PeerId) {
        self.relays.resting.push(peer);
        self.later(AGAIN, move |service| {
            service.relays.resting.retain(|resting| *resting != peer);
            service.consider_relays();
        });
    }

    /// What relaying adds to the protocols that the node speaks.
    pub(crate) fn relay_protocols(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.relays.is_on() {
            all.push(STOP.to_owned());
        }
        if self.is_relay() {
            all.push(HOP.to_owned());
        }
        all
    }

    /// Whether the node is a relay for others now.
    pub(crate) fn is_relay(&self) -> bool {
        let serves = self.swarm.behaviour().relay.is_enabled();
        serves && self.reach.overall() == Reachability::Public
    }
}
