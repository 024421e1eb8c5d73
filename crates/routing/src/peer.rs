use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

/// A peer and where it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// The peer.
    pub id: PeerId,
    /// Its addresses, without the peer at their end.
    pub addresses: Vec<Multiaddr>,
}

impl PeerInfo {
    /// A peer at these addresses.
    pub fn new(id: PeerId, addresses: Vec<Multiaddr>) -> Self {
        Self { id, addresses }
    }
}
