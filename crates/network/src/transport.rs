//! From sockets to connections that carry streams.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox};
use libp2p::core::transport::{Boxed, OptionalTransport};
use libp2p::core::upgrade::Version;
use libp2p::core::{ConnectedPoint, Transport};
use libp2p::pnet::{PnetConfig, PreSharedKey};
use libp2p::{PeerId, dns, quic, relay, tcp, websocket};

use crate::address::remote_of;
use crate::muxer::Yamux;
use crate::security::Security;
use crate::traffic::{Metered, STREAMS, Traffic};
use crate::{Error, Options, Result};

/// A connection: who is at its other end, and its streams.
pub(crate) type Connected = (PeerId, StreamMuxerBox);

/// How long a connection may take from the first byte to being ready.
const UPGRADE: Duration = Duration::from_secs(15);
/// Bytes that may wait unread on a QUIC connection; a peer may open eight of them.
const QUIC_WINDOW: u32 = 6 << 20;

/// Makes every transport of a node, and the behaviour that belongs to the one through relays.
pub(crate) fn build(
    options: &Options,
    traffic: &Traffic,
) -> Result<(Boxed<Connected>, Option<relay::client::Behaviour>)> {
    let (key, used) = (&options.key, &options.transports);
    let upgrade = Upgrade {
        security: Security::new(key, used.ciphers.clone())?,
        network_key: options.network_key,
        traffic: traffic.clone(),
        muxer: Yamux::new(Arc::default(), STREAMS),
    };
    let tcp = || tcp::tokio::Transport::new(tcp::Config::new().nodelay(true));
    let ws = websocket::Config::new(dns::tokio::Transport::system(tcp()).map_err(fail)?);
    let mut quic = quic::Config::new(key);
    quic.max_connection_data = QUIC_WINDOW;
    quic.max_stream_data = QUIC_WINDOW;
    let quic = quic::tokio::Transport::new(quic).map(metered(traffic));
    let (relay, relayed) = match used.relay {
        true => {
            let (transport, behaviour) = relay::client::new(key.public().to_peer_id());
            (optional(Some(upgrade.apply(transport))), Some(behaviour))
        }
        false => (optional(None), None),
    };
    // Names are resolved below WebSocket for the sake of TLS's server name, and above the rest.
    let streams = optional(used.websocket.then(|| upgrade.apply(ws)))
        .or_transport(optional(used.tcp.then(|| upgrade.apply(tcp()))));
    let all = streams
        .map(|either, _| either.into_inner())
        .or_transport(optional(used.quic.then(|| quic.boxed())))
        .map(|either, _| either.into_inner());
    let named = dns::tokio::Transport::system(all).map_err(fail)?;
    let all = relay
        .or_transport(named)
        .map(|either, _| either.into_inner());
    Ok((all.boxed(), relayed))
}

fn optional(transport: Option<Boxed<Connected>>) -> OptionalTransport<Boxed<Connected>> {
    match transport {
        Some(transport) => OptionalTransport::some(transport),
        None => OptionalTransport::none(),
    }
}

fn fail(error: io::Error) -> Error {
    Error::Transport(error.to_string())
}

/// What makes bytes a connection.
struct Upgrade {
    security: Security,
    network_key: Option<PreSharedKey>,
    traffic: Traffic,
    muxer: Yamux,
}

impl Upgrade {
    /// Makes a transport of bytes one of connections.
    fn apply<T>(&self, base: T) -> Boxed<Connected>
    where
        T: Transport + Send + Unpin + 'static,
        T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        T::Error: Send + Sync + 'static,
        T::Dial: Send + 'static,
        T::ListenerUpgrade: Send + 'static,
    {
        match self.network_key {
            None => self.secure(base),
            Some(key) => {
                let private = base.and_then(move |io, _| PnetConfig::new(key).handshake(io));
                self.secure(private.boxed())
            }
        }
    }

    fn secure<T>(&self, base: T) -> Boxed<Connected>
    where
        T: Transport + Send + Unpin + 'static,
        T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        T::Error: Send + Sync + 'static,
        T::Dial: Send + 'static,
        T::ListenerUpgrade: Send + 'static,
    {
        base.upgrade(Version::V1Lazy)
            .authenticate(self.security.clone())
            .multiplex(self.muxer.clone())
            .timeout(UPGRADE)
            .map(metered(&self.traffic))
            .boxed()
    }
}

/// Counts what goes over a connection.
fn metered<M>(
    traffic: &Traffic,
) -> impl FnOnce((PeerId, M), ConnectedPoint) -> Connected + Clone + Send + use<M>
where
    M: StreamMuxer + Send + Unpin + 'static,
    M::Substream: Send + Unpin + 'static,
    M::Error: Send + Sync + 'static,
{
    let traffic = traffic.clone();
    move |(peer, muxer), endpoint| {
        let address = remote_of(&endpoint);
        let connection = traffic.connection(peer, address);
        let muxer = Metered::new(muxer, traffic, connection);
        (peer, StreamMuxerBox::new(muxer))
    }
}
