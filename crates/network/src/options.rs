use libp2p::Multiaddr;
use libp2p::identity::Keypair;

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
        }
    }
}
