use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use basalt_ipns::Dns;
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::filter::Filters;
use crate::limits::{Limits, Usage};
use crate::service::Service;
use crate::streams::{Opened, Wanted};
use crate::traffic::Traffic;
use crate::{
    Bandwidth, Connection, Error, Forwarding, Identity, Pings, Pubsub, Reach, Reachability, Result,
    StreamCount, Unsupported, forward, names, peering, ping, tunnel,
};

/// A piece of work for the swarm's task.
pub(crate) type Ask = Box<dyn FnOnce(&mut Service) + Send>;

/// The network of a node; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) asks: mpsc::Sender<Ask>,
    pub(crate) peer: PeerId,
    pub(crate) unsupported: Arc<[Unsupported]>,
    pub(crate) pubsub: Option<Pubsub>,
    pub(crate) tunnels: Arc<tunnel::Registry>,
    pub(crate) dns: Arc<dyn Dns>,
    pub(crate) limits: Arc<Option<Limits>>,
    pub(crate) reachability: watch::Receiver<Reachability>,
    pub(crate) network_key: Option<Arc<str>>,
    pub(crate) filters: Filters,
    pub(crate) traffic: Traffic,
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
        let named = addresses.into_iter();
        let named = named.map(|address| names::resolved(&*self.dns, peer, address));
        let addresses = futures::future::join_all(named).await.concat();
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

    /// The ports of TCP (`false`) and UDP (`true`) that a router could forward.
    pub async fn ports_to_forward(&self) -> Result<Vec<(bool, u16)>> {
        self.call(|service| forward::ports(&service.listen_addresses()))
            .await
    }

    /// Takes note of all the ports that a router forwards, and announces where that is.
    pub async fn forwarded(&self, forwarded: Vec<Forwarding>) -> Result<()> {
        self.call(move |service| service.forwarded(forwarded)).await
    }

    /// What the key of the private network is told apart by, if the node is in one.
    pub fn network_key(&self) -> Option<&str> {
        self.network_key.as_deref()
    }

    /// Whether others can reach the node.
    pub async fn reach(&self) -> Result<Reach> {
        self.call(|service| service.reachable()).await
    }

    /// Whether others can reach the node, now and when that changes.
    pub fn watch_reachability(&self) -> watch::Receiver<Reachability> {
        self.reachability.clone()
    }

    /// Whether the node may be reached through relays.
    pub async fn uses_relays(&self) -> Result<bool> {
        self.call(|service| service.relays.is_on()).await
    }

    /// What the node speaks, sorted.
    pub async fn protocols(&self) -> Result<Vec<String>> {
        self.call(|service| service.protocols()).await
    }

    /// Opens a stream to a peer, connecting first, on which one of `protocols` is spoken.
    pub(crate) async fn open(
        &self,
        peer: PeerId,
        protocols: Vec<StreamProtocol>,
    ) -> Result<Opened> {
        self.connect(peer, Vec::new()).await?;
        let (answer, answered) = oneshot::channel();
        let wanted = Wanted { protocols, answer };
        self.call(move |service| service.swarm.behaviour_mut().streams.open(peer, wanted))
            .await?;
        // The answer is lost with the connection.
        answered.await.map_err(|_| Error::NotConnected)?
    }

    /// A stream to ping a peer on.
    ///
    /// # Errors
    /// The peer cannot be reached, or does not answer pings.
    pub async fn pings(&self, peer: PeerId) -> Result<Pings> {
        let (stream, _) = self.open(peer, vec![ping::PROTOCOL]).await?;
        Ok(Pings::new(stream))
    }

    /// Notes how long a ping took.
    pub async fn note_latency(&self, peer: PeerId, time: std::time::Duration) -> Result<()> {
        self.call(move |service| service.note_latency(peer, time))
            .await
    }

    /// Remembers for a while where a peer may be.
    pub async fn remember(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<()> {
        self.call(move |service| {
            let book = &mut service.swarm.behaviour_mut().book;
            book.add(peer, &addresses, Some(crate::book::GIVEN));
        })
        .await
    }

    /// Keeps a connection to a peer from now on.
    pub async fn peer_with(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<()> {
        self.call(move |service| {
            let connected = service.swarm.is_connected(&peer);
            let behaviour = service.swarm.behaviour_mut();
            behaviour.peering.add(peer, addresses, connected);
            behaviour.trim.protect(peer, peering::NAME);
            behaviour.bitswap.keep(peer, true);
        })
        .await
    }

    /// Keeps none any more; an open one stays.
    pub async fn unpeer(&self, peer: PeerId) -> Result<()> {
        self.call(move |service| {
            let behaviour = service.swarm.behaviour_mut();
            behaviour.peering.remove(&peer);
            behaviour.trim.unprotect(&peer, peering::NAME);
            behaviour.bitswap.keep(peer, false);
        })
        .await
    }

    /// The peers to which a connection is kept.
    pub async fn peering(&self) -> Result<Vec<(PeerId, Vec<Multiaddr>)>> {
        self.call(|service| service.swarm.behaviour().peering.list())
            .await
    }

    /// Says what a connection to a peer is worth to `who`, for when there are too many; 0 is nothing.
    pub async fn value(&self, peer: PeerId, who: &'static str, value: u32) -> Result<()> {
        self.call(move |service| service.swarm.behaviour_mut().trim.value(peer, who, value))
            .await
    }

    /// Keeps connections to a peer from being closed for being too many, on behalf of `who`.
    pub async fn protect(&self, peer: PeerId, who: &'static str) -> Result<()> {
        self.call(move |service| service.swarm.behaviour_mut().trim.protect(peer, who))
            .await
    }

    /// Takes that back.
    pub async fn unprotect(&self, peer: PeerId, who: &'static str) -> Result<()> {
        self.call(move |service| service.swarm.behaviour_mut().trim.unprotect(&peer, who))
            .await
    }

    /// What is in use of what [`Limits`] limits; the limits themselves, unless there are none.
    pub async fn resources(&self) -> Result<Option<(Limits, Usage)>> {
        let Some(limits) = self.limits.as_ref().clone() else {
            return Ok(None);
        };
        let usage = self.call(|service| service.usage()).await?;
        Ok(Some((limits, usage)))
    }

    /// Addresses that the node wants nothing to do with.
    pub fn filters(&self) -> &Filters {
        &self.filters
    }

    /// All bytes that went over connections.
    pub fn bandwidth(&self) -> Bandwidth {
        self.traffic.total()
    }

    /// The bytes to and from a peer.
    pub fn bandwidth_of_peer(&self, peer: &PeerId) -> Bandwidth {
        self.traffic.peer(peer)
    }

    /// The bytes of a protocol.
    pub fn bandwidth_of_protocol(&self, name: &str) -> Bandwidth {
        self.traffic.protocol(name)
    }

    /// The open streams, all of them and by protocol.
    pub fn open_streams(&self) -> (StreamCount, HashMap<String, StreamCount>) {
        self.traffic.count()
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
