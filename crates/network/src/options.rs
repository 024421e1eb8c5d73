use std::sync::Arc;
use std::time::Duration;

use basalt_bitswap::Port;
use basalt_ipns::Dns;
use libp2p::identity::Keypair;
use libp2p::pnet::PreSharedKey;
use libp2p::{Multiaddr, PeerId};

use crate::{
    Cipher, Limits, PubsubOptions, Range, Reachability, RelayClient, RelayService, WaterMarks,
};

const HANDSHAKE: Duration = Duration::from_secs(15);

/// Which transports are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transports {
    /// TCP.
    pub tcp: bool,
    /// QUIC.
    pub quic: bool,
    /// WebSocket, with and without TLS.
    pub websocket: bool,
    /// Connections through relays.
    pub relay: bool,
    /// What makes connections over TCP and WebSocket private, the preferred first.
    pub ciphers: Vec<Cipher>,
}

impl Default for Transports {
    fn default() -> Self {
        Self {
            tcp: true,
            quic: true,
            websocket: true,
            relay: true,
            ciphers: vec![Cipher::Tls, Cipher::Noise],
        }
    }
}

/// How the node helps others to find out whether they can be reached, and finds out itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoNat {
    /// Others are dialled back.
    pub serve: bool,
    /// The second version of the protocol is spoken too.
    pub version_two: bool,
    /// Dials for all others in an interval.
    pub global: usize,
    /// Dials for one peer in an interval.
    pub peer: usize,
    /// The interval.
    pub interval: Duration,
}

impl Default for AutoNat {
    fn default() -> Self {
        Self {
            serve: true,
            version_two: true,
            global: 30,
            peer: 3,
            interval: Duration::from_secs(60),
        }
    }
}

/// A certificate for TLS under WebSocket, and its key.
#[derive(Clone, Default)]
pub struct Certificate {
    /// The certificate and those that vouch for it, in DER.
    pub chain: Vec<Vec<u8>>,
    /// The key, in DER.
    pub key: Vec<u8>,
}

/// How the node shows itself to others.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The node's key.
    pub key: Keypair,
    /// The agent version that peers are told.
    pub agent: String,
    /// Where to listen.
    pub listen: Vec<Multiaddr>,
    /// Announced in place of what was found out, unless empty.
    pub announce: Vec<Multiaddr>,
    /// Announced besides what was found out.
    pub append_announce: Vec<Multiaddr>,
    /// Never announced: addresses, or ranges (`/ip4/10.0.0.0/ipcidr/8`).
    pub no_announce: Vec<Multiaddr>,
    /// Addresses that the node wants nothing to do with.
    pub filters: Vec<Range>,
    /// Peers that the node is always connected to.
    pub peering: Vec<(PeerId, Vec<Multiaddr>)>,
    /// Peers that are the way into the network.
    pub bootstrap: Vec<(PeerId, Vec<Multiaddr>)>,
    /// Peers that are dialled where those of `bootstrap` do not suffice.
    pub backup: Vec<(PeerId, Vec<Multiaddr>)>,
    /// How many connections the node wants; `None` for any number.
    pub marks: Option<WaterMarks>,
    /// What others may take; `None` for as much as they like, as far as that is safe.
    pub limits: Option<Limits>,
    /// Where connections are given for Bitswap; without one it is not spoken.
    pub bitswap: Option<Port>,
    /// Who is asked what names in addresses stand for; without, the system.
    pub dns: Option<Arc<dyn Dns>>,
    /// How PubSub is spoken; without, it is not.
    pub pubsub: Option<PubsubOptions>,
    /// The key of a private network: the node speaks with those that have it too, and with nobody else.
    pub network_key: Option<PreSharedKey>,
    /// Which transports are used.
    pub transports: Transports,
    /// How long a connection over TCP or WebSocket may take from the first byte to being ready.
    pub handshake: Duration,
    /// What listeners of WebSocket over TLS show; without, there are none.
    pub certificate: Option<Certificate>,
    /// Certificates, in DER, that are trusted under WebSocket besides those that browsers trust.
    pub trusted: Vec<Vec<u8>>,
    /// Peers are looked for in the local network.
    pub local_discovery: bool,
    /// How relays are used; `None` for not at all.
    pub relay_client: Option<RelayClient>,
    /// How the node is a relay; `None` for not at all.
    pub relay_service: Option<RelayService>,
    /// Relayed connections are replaced by direct ones where that works.
    pub hole_punching: bool,
    /// Whether others can reach the node, and help to find out.
    pub auto_nat: AutoNat,
    /// What is taken for granted instead of found out.
    pub reachability: Option<Reachability>,
}

impl Options {
    /// A node with this key that listens nowhere.
    pub fn new(key: Keypair, agent: impl Into<String>) -> Self {
        Self {
            key,
            agent: agent.into(),
            listen: Vec::new(),
            announce: Vec::new(),
            append_announce: Vec::new(),
            no_announce: Vec::new(),
            filters: Vec::new(),
            peering: Vec::new(),
            bootstrap: Vec::new(),
            backup: Vec::new(),
            marks: Some(WaterMarks::default()),
            limits: Some(Limits::default()),
            bitswap: None,
            dns: None,
            pubsub: None,
            network_key: None,
            transports: Transports::default(),
            handshake: HANDSHAKE,
            certificate: None,
            trusted: Vec::new(),
            local_discovery: false,
            relay_client: Some(RelayClient::default()),
            relay_service: Some(RelayService::default()),
            hole_punching: true,
            auto_nat: AutoNat::default(),
            reachability: None,
        }
    }
}
