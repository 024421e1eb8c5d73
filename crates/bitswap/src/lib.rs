//! Bitswap: blocks to and from peers.
//!
//! [`Client`] asks peers for blocks and [`Engine`] gives blocks to them. Both are state machines
//! without I/O and without a clock of their own: what happens is told to them, what is to be done is
//! asked of them. [`Service`] drives the two over a store and the connections of a network, and
//! [`Handle`] is the [`Exchange`](basalt_exchange::Exchange) that a node reads through.
//!
//! ```
//! use basalt_bitswap::{Client, ClientOptions, PeerTraits, message::{Message, Version}};
//! use basalt_block::{Block, Hasher, codec};
//! use std::time::Duration;
//!
//! let now = Duration::ZERO;
//! let mut client = Client::new(ClientOptions::default());
//! let peer = libp2p_identity::PeerId::random();
//! client.connected(now, peer, PeerTraits { local: true, peered: false });
//! let block = Block::hash(1, codec::RAW, Hasher::SHA2_256, "hello".into()).unwrap();
//! let session = client.open_session();
//! client.fetch(now, session, vec![*block.cid()]);
//! let mut message = Message::default();
//! client.compose(now, &peer, &mut message);
//! assert_eq!(message.wants[0].cid, *block.cid());
//! ```

pub mod client;
pub mod engine;
pub mod message;
mod peers;
mod service;

pub use client::{Client, ClientOptions};
pub use engine::{Engine, EngineOptions, Receipt};
pub use libp2p_identity::PeerId;
pub use peers::{NoProviders, PeerTraits, Provider, Providers};
pub use service::{
    ANSWER_SIZES, Figures, Handle, Incoming, Inlet, Link, Meter, Options, Outgoing, Port, Room,
    Service, Spread, Stat, WANTLIST_TIMES,
};
