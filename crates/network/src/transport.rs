//! From sockets to connections that carry streams.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox};
use libp2p::core::transport::{Boxed, OptionalTransport};
use libp2p::core::upgrade::Version;
use libp2p::core::{ConnectedPoint, Transport};
use libp2p::pnet::{PnetConfig, PreSharedKey};
use libp2p::websocket::tls;
use libp2p::{PeerId, dns, quic, relay, tcp, websocket};
use rustls::pki_types::PrivateKeyDer;

use crate::address::{remote_of, without_name};
use crate::muxer::Yamux;
use crate::security::Security;
use crate::traffic::{Metered, STREAMS, Traffic};
use crate::{Certificate, Error, Options, Result, shared};

/// A connection: who is at its other end, and its streams.
pub(crate) type Connected = (PeerId, StreamMuxerBox);

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
        handshake: options.handshake,
        traffic: traffic.clone(),
        muxer: Yamux::new(Arc::default(), STREAMS),
    };
    let tcp = || tcp::tokio::Transport::new(tcp::Config::new().nodelay(true));
    // Behind the key of a private network nobody can see how a connection begins.
    let both = used.tcp && used.websocket && options.network_key.is_none();
    let ports = if both {
        shared::shared(&options.listen.iter().map(without_name).collect::<Vec<_>>())
    } else {
        HashSet::new()
    };
    let (plain, web) = shared::faces(tcp, ports);
    // Of a name that is dialled TLS has to know, so names are resolved below WebSocket; what a
    // `/dnsaddr` stands for may be WebSocket too, and is dialled by a second one.
    let mut named = websocket::Config::new(dns::tokio::Transport::system(web).map_err(fail)?);
    named.set_tls_config(websocket_tls(options)?);
    let mut found = websocket::Config::new(tcp());
    found.set_tls_config(websocket_tls(options)?);
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
    let named = optional(used.websocket.then(|| upgrade.apply(named)));
    let found = optional(used.websocket.then(|| upgrade.apply(found)));
    let direct = found
        .or_transport(optional(used.tcp.then(|| upgrade.apply(plain))))
        .map(|either, _| either.into_inner())
        .or_transport(optional(used.quic.then(|| quic.boxed())))
        .map(|either, _| either.into_inner());
    let resolved = dns::tokio::Transport::system(direct).map_err(fail)?;
    let all = relay
        .or_transport(named)
        .map(|either, _| either.into_inner())
        .or_transport(resolved)
        .map(|either, _| either.into_inner());
    Ok((all.boxed(), relayed))
}

/// Who is trusted under WebSocket, and what listeners show.
fn websocket_tls(options: &Options) -> Result<tls::Config> {
    let mut builder = tls::Config::builder();
    for certificate in &options.trusted {
        // Systems keep old ones that cannot be used any more.
        let _ = builder.add_trust(&tls::Certificate::new(certificate.clone()));
    }
    if let Some(Certificate { chain, key }) = &options.certificate {
        let wrong = |e: &dyn std::fmt::Display| Error::Certificate(e.to_string());
        // The library panics at a key that is none.
        PrivateKeyDer::try_from(key.as_slice()).map_err(|e| wrong(&e))?;
        let chain = chain.iter().cloned().map(tls::Certificate::new);
        let served = builder.server(tls::PrivateKey::new(key.clone()), chain);
        served.map_err(|e| wrong(&e))?;
    }
    Ok(builder.finish())
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
    handshake: Duration,
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
            .timeout(self.handshake)
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
