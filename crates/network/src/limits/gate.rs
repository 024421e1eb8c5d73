use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};

use libp2p::multiaddr::Protocol;
use libp2p::swarm::behaviour::{ConnectionClosed, ListenFailure};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};

use super::{Limits, most};
use crate::Range;
use crate::address::ip_of;

/// Connections from one IPv4 address, or one /56 of IPv6.
const OF_NETWORK: usize = 8;
/// Connections from one /48 of IPv6.
const OF_SITE: usize = 64;
/// Unfinished connections, whatever the config says: each may hold buffers of a handshake.
const UNFINISHED: usize = 512;

/// One that was not let in.
#[derive(Debug, thiserror::Error)]
#[error("resource limit exceeded: {0}")]
struct Exceeded(&'static str);

fn exceeded(what: &'static str) -> ConnectionDenied {
    ConnectionDenied::new(Exceeded(what))
}

struct Inbound {
    ip: Option<IpAddr>,
    peer: Option<PeerId>,
    /// Whether the limits do not apply.
    allowed: bool,
}

/// Lets no more connections in than the limits allow.
pub(crate) struct Behaviour {
    system: Option<usize>,
    crowd: usize,
    transient: usize,
    peer: Option<usize>,
    ranges: Vec<Range>,
    peers: Vec<PeerId>,
    inbound: HashMap<ConnectionId, Inbound>,
}

impl Behaviour {
    /// `None` is no limits at all; in a crowd of so many inbound connections no more come in either way.
    pub(crate) fn new(limits: Option<&Limits>, crowd: Option<usize>) -> Self {
        let unfinished = |limits: &Limits| most(limits.transient.connections_inbound);
        let allowed = limits.map_or(&[][..], |limits| &limits.allowed);
        Self {
            system: limits.and_then(|limits| most(limits.system.connections_inbound)),
            crowd: crowd.unwrap_or(usize::MAX),
            transient: limits
                .and_then(unfinished)
                .unwrap_or(UNFINISHED)
                .min(UNFINISHED),
            peer: limits.and_then(|limits| most(limits.peer.connections_inbound)),
            ranges: allowed.iter().filter_map(range).collect(),
            peers: allowed.iter().filter_map(bare_peer).collect(),
            inbound: HashMap::new(),
        }
    }

    /// Connections that others opened, and those of them that are not finished.
    pub(crate) fn count(&self) -> (usize, usize) {
        let unfinished = self.inbound.values().filter(|one| one.peer.is_none());
        (self.inbound.len(), unfinished.count())
    }

    fn of(&self, ip: IpAddr, bits: u8) -> usize {
        let range = Range::new(ip, bits);
        let same = |one: &&Inbound| one.ip.is_some_and(|ip| range.contains(ip));
        self.inbound.values().filter(same).count()
    }

    fn check_network(&self, ip: IpAddr) -> Result<(), ConnectionDenied> {
        let crowded = match ip {
            ip if ip.is_loopback() => false,
            IpAddr::V4(_) => self.of(ip, 32) >= OF_NETWORK,
            IpAddr::V6(_) => self.of(ip, 56) >= OF_NETWORK || self.of(ip, 48) >= OF_SITE,
        };
        match crowded && self.system.is_some() {
            true => Err(exceeded("connections from one network")),
            false => Ok(()),
        }
    }
}

/// The range that an address of the allow list stands for; one with a peer is not a range.
fn range(address: &Multiaddr) -> Option<Range> {
    if bare_peer(address).is_some() {
        return None;
    }
    Range::of(address).or_else(|| {
        let ip = ip_of(address)?;
        Some(Range::new(ip, if ip.is_ipv4() { 32 } else { 128 }))
    })
}

fn bare_peer(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|part| match part {
        Protocol::P2p(peer) => Some(peer),
        _ => None,
    })
}

impl NetworkBehaviour for Behaviour {
    crate::plain::without_streams!();
    crate::plain::admits_outbound!();

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let ip = ip_of(remote).map(|ip| ip.to_canonical());
        let allowed = ip.is_some_and(|ip| self.ranges.iter().any(|range| range.contains(ip)));
        if !allowed {
            let (all, unfinished) = self.count();
            // With a list of peers, who it is must be known first.
            if self.system.is_some_and(|most| all >= most) && self.peers.is_empty() {
                return Err(exceeded("inbound connections"));
            }
            if all - unfinished >= self.crowd {
                return Err(exceeded("inbound connections in a crowd"));
            }
            if unfinished >= self.transient {
                return Err(exceeded("unfinished connections"));
            }
            if let Some(ip) = ip {
                self.check_network(ip)?;
            }
        }
        let peer = None;
        self.inbound.insert(id, Inbound { ip, peer, allowed });
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let of_peer = self.inbound.values().filter(|one| one.peer == Some(peer));
        let of_peer = of_peer.count();
        let all = self.inbound.len();
        let listed = self.peers.contains(&peer);
        let Some(one) = self.inbound.get_mut(&id) else {
            return Ok(dummy::ConnectionHandler);
        };
        if !one.allowed && !listed {
            let too_many =
                |limit: Option<usize>, have: usize| limit.is_some_and(|most| have >= most);
            let refused = if too_many(self.peer, of_peer) {
                Some("connections of one peer")
            } else if too_many(self.system, all - 1) {
                Some("inbound connections")
            } else {
                None
            };
            if let Some(what) = refused {
                self.inbound.remove(&id);
                return Err(exceeded(what));
            }
        }
        one.peer = Some(peer);
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionClosed(ConnectionClosed { connection_id, .. })
            | FromSwarm::ListenFailure(ListenFailure { connection_id, .. }) => {
                self.inbound.remove(&connection_id);
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
    use crate::limits::Scope;

    fn gate(change: impl FnOnce(&mut Limits)) -> Behaviour {
        let mut limits = Limits::default();
        change(&mut limits);
        Behaviour::new(Some(&limits), None)
    }

    fn arrive(gate: &mut Behaviour, at: usize, from: &str) -> bool {
        let (id, here) = (ConnectionId::new_unchecked(at), "/ip4/127.0.0.1/tcp/1");
        let here: Multiaddr = here.parse().unwrap();
        gate.handle_pending_inbound_connection(id, &here, &from.parse().unwrap())
            .is_ok()
    }

    fn finish(gate: &mut Behaviour, at: usize, peer: PeerId) -> bool {
        let (id, any) = (ConnectionId::new_unchecked(at), Multiaddr::empty());
        gate.handle_established_inbound_connection(id, peer, &any, &any)
            .is_ok()
    }

    #[test]
    fn one_network_gets_a_few_connections() {
        let mut gate = gate(|_| {});
        let let_in = (0..20).filter(|at| arrive(&mut gate, *at, "/ip4/1.2.3.4/tcp/9"));
        assert_eq!(let_in.count(), OF_NETWORK);
        assert!(arrive(&mut gate, 30, "/ip4/1.2.3.5/tcp/9"));
        let six = |n: usize| format!("/ip6/2001:db8::{n}/tcp/9");
        let let_in = (40..60).filter(|at| arrive(&mut gate, *at, &six(*at)));
        assert_eq!(let_in.count(), OF_NETWORK);
        let let_in = (100..150).filter(|at| arrive(&mut gate, *at, "/ip4/127.0.0.1/tcp/9"));
        assert_eq!(let_in.count(), 50);
    }

    #[test]
    fn all_together_and_one_peer_are_limited_but_for_those_allowed() {
        let mut gate = gate(|limits| {
            limits.system = Scope {
                connections_inbound: 10,
                ..Scope::same(super::super::UNLIMITED)
            };
            limits.allowed = vec!["/ip4/127.0.0.2".parse().unwrap()];
        });
        let peer = PeerId::random();
        let finished = (0..20)
            .filter(|at| {
                arrive(&mut gate, *at, "/ip4/127.0.0.1/tcp/9") && finish(&mut gate, *at, peer)
            })
            .count();
        assert_eq!(finished, 8);
        let finished = (20..40)
            .filter(|at| {
                arrive(&mut gate, *at, "/ip4/127.0.0.1/tcp/9")
                    && finish(&mut gate, *at, PeerId::random())
            })
            .count();
        assert_eq!(finished, 2);
        assert!(arrive(&mut gate, 50, "/ip4/127.0.0.2/tcp/9"));
        assert!(finish(&mut gate, 50, peer));
    }

    #[test]
    fn unfinished_connections_are_bounded_without_limits_too() {
        let mut gate = Behaviour::new(None, Some(700));
        let let_in = (0..5000).filter(|at| arrive(&mut gate, *at, "/ip4/1.2.3.4/tcp/9"));
        assert_eq!(let_in.count(), UNFINISHED);
        let mut gate = Behaviour::new(None, Some(700));
        let let_in = (0..5000).filter(|at| {
            arrive(&mut gate, *at, "/ip4/1.2.3.4/tcp/9") && finish(&mut gate, *at, PeerId::random())
        });
        assert_eq!(let_in.count(), 700);
    }
}
