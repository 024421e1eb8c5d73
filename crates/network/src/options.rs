use basalt_bitswap::Port;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};

use crate::{Limits, PubsubOptions, Range, WaterMarks};

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
    /// How many connections the node wants; `None` for any number.
    pub marks: Option<WaterMarks>,
    /// What others may take; `None` for as much as they like, as far as that is safe.
    pub limits: Option<Limits>,
    /// Where connections are given for Bitswap; without one it is not spoken.
    pub bitswap: Option<Port>,
    /// How PubSub is spoken; without, it is not.
    pub pubsub: Option<PubsubOptions>,
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
            marks: Some(WaterMarks::default()),
            limits: Some(Limits::default()),
            bitswap: None,
            pubsub: None,
        }
    }
}
