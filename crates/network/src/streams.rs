//! Plain streams: to open one to a peer, and to serve those that peers open.
//!
//! For protocols that are a conversation on a stream and need no behaviour of their own. No stream of a
//! peer is lost: each is served by a task of its own, and there are as many as the limits of streams
//! allow, of which so many are served at a time as the protocol says.

mod handler;

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
use tokio::sync::{Semaphore, oneshot};

use crate::Result;
pub(crate) use handler::Handler;

/// A stream and the protocol that is spoken on it.
pub(crate) type Opened = (Stream, StreamProtocol);

/// A stream that is wanted.
pub(crate) struct Wanted {
    /// The protocols that would do, the best first.
    pub(crate) protocols: Vec<StreamProtocol>,
    pub(crate) answer: oneshot::Sender<Result<Opened>>,
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wanted({:?})", self.protocols)
    }
}

/// What is done with a stream that a peer has opened.
pub(crate) type Serve = Arc<dyn Fn(PeerId, Stream) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Clone)]
struct Service {
    serve: Serve,
    at_a_time: Arc<Semaphore>,
}

/// The protocols that are served; cheap to clone, and changed while the node runs.
#[derive(Clone, Default)]
pub(crate) struct Services(Arc<RwLock<HashMap<StreamProtocol, Service>>>);

impl Services {
    /// Serves a protocol, so many streams at a time.
    pub(crate) fn add(&self, protocol: StreamProtocol, at_a_time: usize, serve: Serve) {
        let at_a_time = Arc::new(Semaphore::new(at_a_time));
        let service = Service { serve, at_a_time };
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(protocol, service);
    }

    /// Serves a protocol no more; streams that are open go on.
    pub(crate) fn remove(&self, protocol: &StreamProtocol) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(protocol);
    }

    /// What is served.
    pub(crate) fn protocols(&self) -> Vec<StreamProtocol> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.keys().cloned().collect()
    }

    fn serve(&self, peer: PeerId, protocol: &StreamProtocol, stream: Stream) {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(service) = all.get(protocol).cloned() else {
            return;
        };
        tokio::spawn(async move {
            if let Ok(_permit) = service.at_a_time.acquire().await {
                (service.serve)(peer, stream).await;
            }
        });
    }
}

/// Opens streams and serves them.
#[derive(Default)]
pub(crate) struct Behaviour {
    services: Services,
    wanted: VecDeque<(PeerId, Option<ConnectionId>, Wanted)>,
    /// Connections that go through no relay, the oldest of a peer first.
    direct: HashMap<PeerId, Vec<ConnectionId>>,
}

impl Behaviour {
    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    /// Opens a stream to a peer that is connected.
    pub(crate) fn open(&mut self, peer: PeerId, wanted: Wanted) {
        self.wanted.push_back((peer, None, wanted));
    }

    /// Opens a stream on one of its connections.
    pub(crate) fn open_on(&mut self, peer: PeerId, connection: ConnectionId, wanted: Wanted) {
        self.wanted.push_back((peer, Some(connection), wanted));
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(peer, self.services.clone()))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(peer, self.services.clone()))
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            }) if !endpoint.is_relayed() => {
                self.direct.entry(peer_id).or_default().push(connection_id);
            }
            FromSwarm::ConnectionClosed(ConnectionClosed {
                peer_id,
                connection_id,
                ..
            }) => {
                if let Some(direct) = self.direct.get_mut(&peer_id) {
                    direct.retain(|id| *id != connection_id);
                    if direct.is_empty() {
                        self.direct.remove(&peer_id);
                    }
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        let Some((peer_id, on, event)) = self.wanted.pop_front() else {
            return Poll::Pending;
        };
        // A relay lends a connection for so many bytes only.
        let direct = self.direct.get(&peer_id).and_then(|all| all.first());
        let on = on.or(direct.copied());
        Poll::Ready(ToSwarm::NotifyHandler {
            peer_id,
            handler: on.map_or(NotifyHandler::Any, NotifyHandler::One),
            event,
        })
    }
}
