//! Relays: this node behind others, and others behind this node.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, relay};

use crate::address::{peer_of, with_peer};
use crate::reach::Reachability;
use crate::service::Service;

/// Relays that are used at a time.
const RELAYS: usize = 2;
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
        let fixed = !client.relays.is_empty();
        let candidates = match fixed {
            true => client.relays.clone(),
            false => self.relays_among_peers(),
        };
        for address in candidates {
            if !fixed && self.relays.listeners.len() >= RELAYS {
                break;
            }
            let Some(peer) = peer_of(&address).filter(|peer| self.relays.may_ask(peer)) else {
                continue;
            };
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
        let usable = open.filter(|open| {
            let circuit = |part| matches!(part, Protocol::P2pCircuit);
            !open.address.iter().any(circuit) && relays(&open.peer)
        });
        // An inbound connection has no address to listen behind; the book may have one.
        usable
            .filter_map(|open| {
                let known = book.addresses(&open.peer);
                let address = known.into_iter().next()?;
                Some(with_peer(&address, open.peer))
            })
            .collect()
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
        let serves = self.swarm.behaviour().relay.is_enabled();
        if serves && self.reach.overall() == Reachability::Public {
            all.push(HOP.to_owned());
        }
        all
    }
}
