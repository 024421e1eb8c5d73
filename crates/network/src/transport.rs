//! From sockets to connections that carry streams.

use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox};
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::core::{ConnectedPoint, Transport};
use libp2p::identity::Keypair;
use libp2p::{PeerId, dns, quic, tcp, websocket, yamux};

use crate::address::without_peer;
use crate::security::{Cipher, Security};
use crate::traffic::{Metered, STREAMS, Traffic};
use crate::{Error, Result};

/// A connection: who is at its other end, and its streams.
pub(crate) type Connected = (PeerId, StreamMuxerBox);

/// How long a connection may take from the first byte to being ready.
const UPGRADE: Duration = Duration::from_secs(15);

/// Bytes that may wait unread on a QUIC connection; a peer may open eight of them.
const QUIC_WINDOW: u32 = 6 << 20;

/// Makes every transport of a node.
pub(crate) fn build(key: &Keypair, traffic: &Traffic) -> Result<Boxed<Connected>> {
    let security = Security::new(key, vec![Cipher::Tls, Cipher::Noise])?;
    let tcp = || tcp::tokio::Transport::new(tcp::Config::new().nodelay(true));
    let ws = websocket::Config::new(dns::tokio::Transport::system(tcp()).map_err(fail)?);
    let mut quic = quic::Config::new(key);
    quic.max_connection_data = QUIC_WINDOW;
    quic.max_stream_data = QUIC_WINDOW;
    let quic = quic::tokio::Transport::new(quic).map(metered(traffic));
    // Names are resolved below WebSocket for the sake of TLS's server name, and above the rest.
    let streams =
        upgraded(ws, &security, traffic).or_transport(upgraded(tcp(), &security, traffic));
    let all = streams
        .map(|either, _| either.into_inner())
        .or_transport(quic)
        .map(|either, _| either.into_inner());
    Ok(dns::tokio::Transport::system(all).map_err(fail)?.boxed())
}

fn fail(error: io::Error) -> Error {
    Error::Transport(error.to_string())
}

/// Makes a transport of bytes one of connections.
fn upgraded<T>(base: T, security: &Security, traffic: &Traffic) -> Boxed<Connected>
where
    T: Transport + Send + Unpin + 'static,
    T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    T::Error: Send + Sync + 'static,
    T::Dial: Send + 'static,
    T::ListenerUpgrade: Send + 'static,
{
    let mut muxer = yamux::Config::default();
    muxer.set_max_num_streams(STREAMS);
    base.upgrade(Version::V1Lazy)
        .authenticate(security.clone())
        .multiplex(muxer)
        .timeout(UPGRADE)
        .map(metered(traffic))
        .boxed()
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
        let address = without_peer(endpoint.get_remote_address());
        let connection = traffic.connection(peer, address);
        let muxer = Metered::new(muxer, traffic, connection);
        (peer, StreamMuxerBox::new(muxer))
    }
}
