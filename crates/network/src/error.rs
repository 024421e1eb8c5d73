use std::fmt;

use libp2p::{Multiaddr, PeerId};

/// What can go wrong between this node and others.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The task of the swarm has ended.
    #[error("the network of this node has been stopped")]
    Stopped,
    /// The node's key cannot be used.
    #[error("the node's key cannot be used by the network: {0}")]
    Key(String),
    /// The certificate for secure WebSocket cannot be used.
    #[error("the certificate for secure WebSocket cannot be used: {0}")]
    Certificate(String),
    /// A transport cannot be made.
    #[error("cannot set up the network: {0}")]
    Transport(String),
    /// No listener of those that were asked for works.
    #[error("failed to listen on any addresses: [{}]", .0.join(" "))]
    Listen(Vec<String>),
    /// The peer is the node itself.
    #[error("failed to dial: dial to self attempted")]
    DialSelf,
    /// There is no address to dial.
    #[error("failed to dial: failed to dial {0}: no addresses")]
    NoAddresses(PeerId),
    /// Every address was refused before it was dialled.
    #[error("failed to dial: failed to dial {peer}: no good addresses{}", Lines(.failures))]
    NoGoodAddresses {
        /// Who was to be dialled.
        peer: PeerId,
        /// Address by address.
        failures: Vec<DialFailure>,
    },
    /// Every address was tried.
    #[error("failed to dial: failed to dial {peer}: all dials failed{}", Lines(.failures))]
    Dial {
        /// Who was dialled.
        peer: PeerId,
        /// Address by address.
        failures: Vec<DialFailure>,
    },
    /// The connection was refused by this node.
    #[error("failed to dial: failed to dial {peer}: {reason}")]
    Denied {
        /// Who was dialled.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// A peer does not speak the protocol.
    #[error("failed to negotiate protocol: protocols not supported")]
    NoSuchProtocol,
    /// Too many streams wait to be opened.
    #[error("cannot open a stream: too many are being opened to this peer")]
    TooManyStreams,
    /// A stream has failed.
    #[error("{0}")]
    Stream(String),
    /// There is such a tunnel already.
    #[error("listener already registered")]
    TunnelExists,
    /// There are as many tunnels as there may be.
    #[error("there are {0} tunnels, and no more may be opened")]
    TooManyTunnels(usize),
    /// What tunnels cannot use as the name of a protocol.
    #[error("{0:?} is no protocol: it has to begin with a slash")]
    TunnelProtocol(String),
    /// What tunnels cannot use as an address.
    #[error("{0} is no address for a tunnel: those are /ip4/…/tcp/…, /ip6/…/tcp/… and /unix/…")]
    TunnelAddress(Multiaddr),
    /// A tunnel cannot listen.
    #[error("{0}")]
    TunnelListen(String),
    /// A message is longer than any may be.
    #[error("the message has {0} bytes, and may have {most}", most = crate::pubsub::MAX_MESSAGE)]
    MessageTooLong(usize),
    /// A topic is longer than any may be.
    #[error("the topic has {0} bytes, and may have {most}", most = crate::pubsub::MAX_TOPIC)]
    TopicTooLong(usize),
    /// PubSub refuses.
    #[error("pubsub: {0}")]
    Pubsub(String),
    /// There is no connection to the peer.
    #[error("not connected")]
    NotConnected,
    /// There is no connection to that address of the peer.
    #[error("conn not found")]
    NoSuchConnection,
}

/// Why an address could not be dialled.
#[derive(Debug, Clone)]
pub struct DialFailure {
    /// The address.
    pub address: Multiaddr,
    /// The reason.
    pub reason: String,
}

struct Lines<'a>(&'a [DialFailure]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in self.0 {
            write!(f, "\n  * [{}] {}", failure.address, failure.reason)?;
        }
        Ok(())
    }
}
