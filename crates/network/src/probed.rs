//! Dialling others back for AutoNAT v2.
//!
//! The library does so for peers that have dialled this node. Kubo asks whomever it is connected to, so
//! here every direct connection may be asked on. And an address that is not public is not dialled: nobody
//! is to find out through this node what is in its network.

use std::collections::HashSet;
use std::fmt;
use std::task::{Context, Poll};

use libp2p::autonat::v2::server::{self, Event};
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::behaviour::{ConnectionEstablished, DialFailure};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use crate::address::{ip_of, is_public, is_relayed};

/// Why an address is not dialled back.
#[derive(Debug)]
struct NotPublic;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only public addresses are dialled back")
    }
}

impl std::error::Error for NotPublic {}

/// The library's server, on every direct connection.
#[derive(Default)]
pub(crate) struct Behaviour {
    inner: server::Behaviour,
    /// Dials back that are under way.
    back: HashSet<ConnectionId>,
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = <server::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = Event;

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
        _: Option<PeerId>,
        addresses: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        let public = |address| !is_relayed(address) && ip_of(address).is_some_and(is_public);
        match self.back.contains(&id) && !addresses.iter().all(public) {
            true => Err(ConnectionDenied::new(NotPublic)),
            false => Ok(Vec::new()),
        }
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if self.back.contains(&id) || is_relayed(remote) {
            return self
                .inner
                .handle_established_outbound_connection(id, peer, remote, role, port);
        }
        let local = Multiaddr::empty();
        self.inner
            .handle_established_inbound_connection(id, peer, &local, remote)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::DialFailure(DialFailure { connection_id, .. })
            | FromSwarm::ConnectionEstablished(ConnectionEstablished { connection_id, .. }) => {
                self.back.remove(&connection_id);
            }
            _ => {}
        }
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

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        let event = self.inner.poll(cx);
        if let Poll::Ready(ToSwarm::Dial { opts }) = &event {
            self.back.insert(opts.connection_id());
        }
        event
    }
}
