use std::collections::BTreeMap;
use std::sync::Arc;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::service::Service;
use crate::{Connection, Error, Identity, Result, Unsupported};

/// A piece of work for the swarm's task.
pub(crate) type Ask = Box<dyn FnOnce(&mut Service) + Send>;

/// The network of a node; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) asks: mpsc::Sender<Ask>,
    pub(crate) peer: PeerId,
    pub(crate) unsupported: Arc<[Unsupported]>,
    pub(crate) stop: CancellationToken,
    pub(crate) ended: CancellationToken,
}

impl Handle {
    /// Has the swarm's task do something, which must not block.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Service) -> T + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let ask: Ask = Box::new(move |service| {
            // Who asked may have gone.
            let _ = answer.send(work(service));
        });
        self.asks.send(ask).await.map_err(|_| Error::Stopped)?;
        answered.await.map_err(|_| Error::Stopped)
    }

    /// The node itself.
    pub fn local_peer(&self) -> PeerId {
        self.peer
    }

    /// The listeners that were asked for and that this node does not have.
    pub fn unsupported(&self) -> &[Unsupported] {
        &self.unsupported
    }

    /// Connects to a peer, at these addresses and at those that are known, unless it is connected, and
    /// waits until it has said who it is.
    ///
    /// # Errors
    /// No address led to the peer.
    pub async fn connect(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.call(move |service| service.connect(peer, addresses, answer))
            .await?;
        answered.await.map_err(|_| Error::Stopped)?
    }

    /// Closes the connections to a peer, or the one to `address`.
    ///
    /// # Errors
    /// There is none.
    pub async fn disconnect(&self, peer: PeerId, address: Option<Multiaddr>) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.call(move |service| service.disconnect(peer, address.as_ref(), answer))
            .await?;
        answered.await.map_err(|_| Error::Stopped)?
    }

    /// The open connections.
    pub async fn connections(&self) -> Result<Vec<Connection>> {
        self.call(|service| service.connections()).await
    }

    /// What a peer said of itself, if it is known.
    pub async fn identity(&self, peer: PeerId) -> Result<Option<Arc<Identity>>> {
        self.call(move |service| service.swarm.behaviour().book.identity(&peer))
            .await
    }

    /// Where a peer may be, as far as is known.
    pub async fn addresses_of(&self, peer: PeerId) -> Result<Vec<Multiaddr>> {
        self.call(move |service| service.swarm.behaviour().book.addresses(&peer))
            .await
    }

    /// Where peers may be, the node itself included.
    pub async fn known_addresses(&self) -> Result<BTreeMap<PeerId, Vec<Multiaddr>>> {
        self.call(|service| {
            let mut all = service.swarm.behaviour().book.all();
            let own = *service.swarm.local_peer_id();
            all.insert(own, service.listen_addresses());
            all
        })
        .await
    }

    /// Where the node listens, interface by interface.
    pub async fn listen_addresses(&self) -> Result<Vec<Multiaddr>> {
        self.call(|service| service.listen_addresses()).await
    }

    /// What the node tells others of where it is.
    pub async fn announced_addresses(&self) -> Result<Vec<Multiaddr>> {
        self.call(|service| service.announced.clone()).await
    }

    /// What the node speaks, sorted.
    pub async fn protocols(&self) -> Result<Vec<String>> {
        self.call(|service| service.protocols()).await
    }

    /// Closes everything and waits until that is done, half a second at most.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.ended.cancelled().await;
    }

    /// Resolves when the network is told to stop.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }
}
