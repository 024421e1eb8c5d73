use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use crate::{PeerInfo, Result};

/// Messages that are made as they are sent, so that a long row of them takes no memory.
pub type Messages = Box<dyn Iterator<Item = Bytes> + Send>;

/// What the DHT needs of the network.
#[async_trait]
pub trait Host: Send + Sync + 'static {
    /// The node itself.
    fn local_peer(&self) -> PeerId;

    /// Where the node says that it is.
    async fn own_addresses(&self) -> Vec<Multiaddr>;

    /// Where peers may be, as far as is known; in the same order.
    async fn locate(&self, peers: Vec<PeerId>) -> Vec<PeerInfo>;

    /// Remembers for a while where peers may be.
    async fn remember(&self, peers: Vec<PeerInfo>, time: Duration);

    /// Whether there is a connection to the peer.
    async fn is_connected(&self, peer: PeerId) -> bool;

    /// Connects to a peer at the addresses that are known, unless it is connected.
    async fn connect(&self, peer: PeerId) -> Result<()>;

    /// Sends a message to a connected peer and waits for its answer.
    async fn ask(&self, peer: PeerId, protocol: &'static str, message: Bytes) -> Result<Bytes>;

    /// Sends messages that are not answered to a connected peer, over one stream.
    async fn tell(&self, peer: PeerId, protocol: &'static str, messages: Messages) -> Result<()>;
}
