//! What is known of the peers that are connected.

use std::time::{Duration, Instant};

use libp2p::identity::PublicKey;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

/// Who opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The other side.
    Inbound,
    /// This node.
    Outbound,
}

/// An open connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Connection {
    /// Who is at the other end.
    pub peer: PeerId,
    /// Where the other end is, without the peer.
    pub address: Multiaddr,
    /// Who opened it.
    pub direction: Direction,
    /// How long a message and its answer take, where that was measured.
    pub latency: Option<Duration>,
    /// The protocols of its open streams; empty for one that is still being negotiated.
    pub streams: Vec<String>,
}

/// What a peer says of itself.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Identity {
    /// Its public key.
    pub key: PublicKey,
    /// What it runs.
    pub agent: String,
    /// What it speaks.
    pub protocols: Vec<String>,
    /// Where it listens.
    pub addresses: Vec<Multiaddr>,
}

/// A connection, as the swarm's task keeps it.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) id: ConnectionId,
    pub(crate) peer: PeerId,
    pub(crate) address: Multiaddr,
    pub(crate) direction: Direction,
    /// The port of this end is that of a listener, or as near to it as the transport has it.
    pub(crate) from_listener: bool,
    pub(crate) since: Instant,
}
