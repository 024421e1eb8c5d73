//! The node among its peers: one libp2p swarm, owned and driven by one task.
//!
//! [`Options`] say who the node is and where it listens; [`start`] makes the swarm, listens, and gives a
//! [`Handle`], which is cheap to clone and through which everything is asked. Nothing else touches the
//! swarm. A protocol of its own is a `NetworkBehaviour` that is a field of `Behaviour`, and methods of
//! [`Handle`] that reach it through `Handle::call`.

mod address;
mod announce;
mod behaviour;
mod bitswap;
mod book;
mod bootstrap;
mod dht;
mod dial;
mod error;
mod fetch;
mod figures;
mod filter;
mod forward;
mod handle;
mod identify;
mod incoming;
pub mod limits;
mod muxer;
mod names;
mod observed;
mod options;
mod parse;
mod peering;
mod peers;
mod ping;
mod plain;
mod probe;
mod probed;
mod pubsub;
mod punch;
mod range;
mod reach;
mod relays;
mod security;
mod service;
mod shared;
mod streams;
mod traffic;
mod transport;
mod trim;
mod tunnel;
mod usage;
mod wake;

pub use address::{Unsupported, ip_of, peer_of, with_peer, without_peer};
pub use dht::DhtHost;
pub use error::{DialFailure, Error};
pub use fetch::Lookup;
pub use figures::{Connections, Failure, Figures, Kind, Punch};
pub use filter::Filters;
pub use forward::Forwarding;
pub use handle::Handle;
pub use incoming::IncomingStream;
pub use limits::Limits;
pub use names::resolve;
pub use options::{AutoNat, Certificate, Options, Transports};
pub use parse::{NotAnAddress, parse_address};
pub use peers::{Connection, Direction, Identity};
pub use ping::Pings;
pub use pubsub::{
    Followed, Happening, Judge, Judgement, MAX_MESSAGE, Message, Pubsub, PubsubOptions,
    SequenceNumbers, Subscription,
};
pub use range::{NotARange, Range};
pub use reach::{Reach, Reachability};
pub use relays::{RelayClient, RelayService};
pub use security::Cipher;
pub use service::start;
pub use traffic::{Bandwidth, StreamCount};
pub use trim::WaterMarks;
pub use tunnel::{Side, Tunnel, TunnelInfo, TunnelStream};

pub use libp2p::identity::{Keypair, PublicKey};
pub use libp2p::pnet::PreSharedKey;
pub use libp2p::{Multiaddr, PeerId, multiaddr};

/// The result of calls on the network.
pub type Result<T, E = Error> = std::result::Result<T, E>;
