//! From sockets to connections that carry streams.

use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::Transport;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{PeerId, dns, quic, tcp, websocket, yamux};

use crate::security::{Cipher, Security};
use crate::{Error, Result};

/// A connection: who is at its other end, and its streams.
pub(crate) type Connected = (PeerId, StreamMuxerBox);

/// How long a connection may take from the first byte to being ready.
const UPGRADE: Duration = Duration::from_secs(15);

/// Makes every transport of a node.
pub(crate) fn build(key: &Keypair) -> Result<Boxed<Connected>> {
    let security = Security::new(key, vec![Cipher::Tls, Cipher::Noise])?;
    let tcp = || tcp::tokio::Transport::new(tcp::Config::new().nodelay(true));
    let ws = websocket::Config::new(dns::tokio::Transport::system(tcp()).map_err(fail)?);
    let quic = quic::tokio::Transport::new(quic::Config::new(key))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    // Names are resolved below WebSocket for the sake of TLS's server name, and above the rest.
    let streams = upgraded(ws, &security).or_transport(upgraded(tcp(), &security));
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
fn upgraded<T>(base: T, security: &Security) -> Boxed<Connected>
where
    T: Transport + Send + Unpin + 'static,
    T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    T::Error: Send + Sync + 'static,
    T::Dial: Send + 'static,
    T::ListenerUpgrade: Send + 'static,
{
    base.upgrade(Version::V1Lazy)
        .authenticate(security.clone())
        .multiplex(yamux::Config::default())
        .timeout(UPGRADE)
        .boxed()
}
