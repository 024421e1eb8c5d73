//! Addresses that others see this node at.
//!
//! Whoever tells us such an address may lie, and each address that is believed is tested and remembered by
//! the parts of the library that punch holes and look for the way in, without a bound. So this stands
//! between them: an address goes on when it is new, and only so many do.

use std::collections::HashSet;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, identify};

/// Addresses that are passed on over the life of the node.
const PASSED: usize = 256;

/// Identify, with a bound on the addresses that it passes on.
pub(crate) struct Behaviour {
    inner: identify::Behaviour,
    passed: HashSet<Multiaddr>,
}

impl Behaviour {
    pub(crate) fn new(inner: identify::Behaviour) -> Self {
        Self {
            inner,
            passed: HashSet::new(),
        }
    }

    /// Tells peers about the node.
    pub(crate) fn push(&mut self, peers: impl IntoIterator<Item = PeerId>) {
        self.inner.push(peers);
    }

    fn passes(&mut self, address: &Multiaddr) -> bool {
        if self.passed.len() >= PASSED && !self.passed.contains(address) {
            return false;
        }
        self.passed.insert(address.clone());
        true
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = <identify::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = identify::Event;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner
            .handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.inner
            .handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner
            .handle_established_outbound_connection(id, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.inner.on_connection_handler_event(peer, id, event);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<identify::Event, THandlerInEvent<Self>>> {
        loop {
            match self.inner.poll(cx) {
                Poll::Ready(ToSwarm::NewExternalAddrCandidate(address))
                    if !self.passes(&address) => {}
                other => return other,
            }
        }
    }
}
