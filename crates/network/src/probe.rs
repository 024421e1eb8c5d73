//! Asking others for AutoNAT v2, and answering when they dial back.
//!
//! The library asks only peers that this node has dialled, and answers only on connections that others
//! opened. Whoever opened it makes no difference to the protocol, so here every direct connection has both
//! sides of it, as Kubo's have.

use std::task::{Context, Poll};

use either::Either;
use libp2p::autonat::v2::client::{self, Event};
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerSelect, ConnectionId, FromSwarm,
    NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};

use crate::address::is_relayed;

type Inner = client::Behaviour;
type Both = ConnectionHandlerSelect<THandler<Inner>, THandler<Inner>>;

/// The library's client, on every direct connection.
#[derive(Default)]
pub(crate) struct Behaviour {
    inner: Inner,
}

impl Behaviour {
    fn both(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let inner = &mut self.inner;
        let asks = inner.handle_established_outbound_connection(
            id,
            peer,
            remote,
            Endpoint::Dialer,
            PortUse::Reuse,
        )?;
        let local = Multiaddr::empty();
        let answers = inner.handle_established_inbound_connection(id, peer, &local, remote)?;
        Ok(Either::Left(asks.select(answers)))
    }
}

/// What tells nothing of whether the node is reached.
fn relayed<T>() -> Either<T, dummy::ConnectionHandler> {
    Either::Right(dummy::ConnectionHandler)
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Either<Both, dummy::ConnectionHandler>;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        match is_relayed(local) {
            true => Ok(relayed()),
            false => self.both(id, peer, remote),
        }
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        match is_relayed(remote) {
            true => Ok(relayed()),
            false => self.both(id, peer, remote),
        }
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
        match event {
            Either::Left(Either::Left(event) | Either::Right(event)) => {
                self.inner.on_connection_handler_event(peer, id, event);
            }
            Either::Right(never) => match never {},
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        // All that is sent to a connection is a question to its other end.
        let asked = |event| Either::Left(Either::Left(event));
        self.inner.poll(cx).map(|event| event.map_in(asked))
    }
}
