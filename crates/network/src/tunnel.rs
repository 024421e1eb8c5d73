//! Tunnels: connections that are carried over a stream to a peer.
//!
//! A tunnel either waits on an address here and carries what connects to a peer ([`Handle::forward`]),
//! or takes streams of a protocol that peers open and carries them to an address here
//! ([`Handle::serve`]). Both directions of a connection end by themselves, as with TCP: who has sent
//! everything still gets the answer.

mod carry;
mod place;
mod registry;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::compat::FuturesAsyncReadCompatExt;
use tokio_util::sync::CancellationToken;

use crate::streams::Opened;
use crate::{Error, Handle, Result, book};
use carry::carry;
use place::{Connection, Listener};
pub(crate) use registry::Registry;
pub use registry::{Side, TunnelInfo, TunnelStream};

/// Connections of one tunnel at a time.
const AT_A_TIME: usize = 1024;
/// Streams of one tunnel that are being opened at a time.
const OPENING: usize = 32;
/// The time between two attempts to open a stream where too many are being opened.
const AGAIN: Duration = Duration::from_millis(10);
/// How long connecting to either end may take.
const CONNECT: Duration = Duration::from_secs(30);

/// A tunnel that was opened.
#[derive(Clone)]
pub struct Tunnel {
    id: u64,
    closed: CancellationToken,
    registry: Arc<Registry>,
}

impl Tunnel {
    /// Waits until the tunnel takes nothing more.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Takes nothing more. What is on its way goes on.
    pub fn close(&self) {
        self.registry.close(|id, _| id == self.id);
    }
}

impl Handle {
    /// Carries what connects to an address here to a peer, on streams of a protocol.
    ///
    /// # Errors
    /// The address cannot be listened on, or there are too many tunnels.
    pub async fn forward(
        &self,
        protocol: &str,
        listen: &Multiaddr,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    ) -> Result<Tunnel> {
        let protocol = read_protocol(protocol)?;
        let listener = Listener::bind(listen).await?;
        let info = TunnelInfo {
            protocol: protocol.to_string(),
            listen: listener.address(),
            target: format!("/p2p/{peer}"),
            side: Side::Here,
        };
        let tunnel = self.open_tunnel(info)?;
        let stop = tunnel.closed.clone();
        let carrier = Carrier {
            network: self.clone(),
            peer,
            addresses: addresses.into(),
            protocol,
            turns: Arc::new(Semaphore::new(OPENING)),
        };
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = accept(listener, carrier) => {}
            }
        });
        Ok(tunnel)
    }

    /// Carries streams of a protocol that peers open to an address here. With `report` what is there is
    /// told first who the peer is, in a line of its own.
    ///
    /// # Errors
    /// The protocol is served already, or there are too many tunnels.
    pub async fn serve(&self, protocol: &str, target: &Multiaddr, report: bool) -> Result<Tunnel> {
        let protocol = read_protocol(protocol)?;
        let info = TunnelInfo {
            protocol: protocol.to_string(),
            listen: format!("/p2p/{}", self.local_peer()),
            target: target.to_string(),
            side: Side::There,
        };
        let services = self.tunnels.services();
        if services.protocols().contains(&protocol) {
            return Err(Error::TunnelExists);
        }
        let tunnel = self.open_tunnel(info)?;
        let (registry, target) = (self.tunnels.clone(), target.clone());
        let name = protocol.to_string();
        let serve = Arc::new(move |peer, stream| {
            let (registry, target, name) = (registry.clone(), target.clone(), name.clone());
            async move { take(&registry, name, peer, stream, &target, report).await }.boxed()
        });
        services.add(protocol, AT_A_TIME, serve);
        Ok(tunnel)
    }

    /// Opens a stream of a protocol to a peer.
    ///
    /// # Errors
    /// The peer cannot be reached, or does not serve the protocol.
    pub async fn dial(
        &self,
        peer: PeerId,
        protocol: &str,
    ) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>> {
        let protocol = read_protocol(protocol)?;
        let (stream, _) = self.open(peer, vec![protocol]).await?;
        Ok(stream.compat())
    }

    fn open_tunnel(&self, info: TunnelInfo) -> Result<Tunnel> {
        let closed = self.stop.child_token();
        let id = self.tunnels.open(info, closed.clone())?;
        Ok(Tunnel {
            id,
            closed,
            registry: self.tunnels.clone(),
        })
    }

    /// The tunnels that are open, the oldest first.
    pub fn tunnels(&self) -> Vec<TunnelInfo> {
        self.tunnels.list()
    }

    /// Has tunnels take nothing more: how many those are. What is on its way goes on.
    pub fn close_tunnels(&self, which: impl Fn(&TunnelInfo) -> bool) -> usize {
        self.tunnels.close(|_, info| which(info))
    }

    /// The connections that tunnels carry, the oldest first.
    pub fn tunnel_streams(&self) -> Vec<TunnelStream> {
        self.tunnels.streams()
    }

    /// Ends connections that tunnels carry: one, or all.
    pub fn end_tunnel_streams(&self, id: Option<u64>) {
        self.tunnels.end_streams(id);
    }
}

fn read_protocol(name: &str) -> Result<StreamProtocol> {
    StreamProtocol::try_from_owned(name.to_owned())
        .map_err(|_| Error::TunnelProtocol(name.to_owned()))
}

/// What carries a connection to a peer.
#[derive(Clone)]
struct Carrier {
    network: Handle,
    peer: PeerId,
    addresses: Arc<[Multiaddr]>,
    protocol: StreamProtocol,
    turns: Arc<Semaphore>,
}

impl Carrier {
    /// Opens a stream. A connection takes so many wishes at a time; the others wait here.
    async fn open(&self) -> Result<Opened> {
        let _turn = self.turns.acquire().await;
        loop {
            match self
                .network
                .open(self.peer, vec![self.protocol.clone()])
                .await
            {
                Err(Error::TooManyStreams) => tokio::time::sleep(AGAIN).await,
                opened => return opened,
            }
        }
    }
}

/// Carries each connection that comes.
async fn accept(listener: Listener, carrier: Carrier) {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    loop {
        // Who comes beyond that waits in the system's queue.
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let connection = match listener.accept().await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(target: "basalt::tunnel", %error, "a connection was not accepted");
                // For want of descriptors, perhaps; asking again at once would find none either.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let carrier = carrier.clone();
        tokio::spawn(async move {
            let _place = place;
            give(&carrier, connection).await;
        });
    }
}

async fn give(carrier: &Carrier, connection: Connection) {
    let Carrier { network, peer, .. } = carrier;
    let (peer, addresses) = (*peer, carrier.addresses.clone());
    let opening = async {
        network
            .call(move |service| {
                let book = &mut service.swarm.behaviour_mut().book;
                book.add(peer, &addresses, Some(book::GIVEN));
            })
            .await?;
        carrier.open().await
    };
    let (stream, _) = match timeout(CONNECT, opening).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => {
            tracing::warn!(target: "basalt::tunnel", %peer, protocol = %carrier.protocol, %error, "a connection cannot be carried");
            return;
        }
        Err(_) => {
            tracing::warn!(target: "basalt::tunnel", %peer, protocol = %carrier.protocol, "the peer does not answer");
            return;
        }
    };
    let entry = network.tunnels.begin(TunnelStream {
        id: 0,
        protocol: carrier.protocol.to_string(),
        origin: connection.origin(),
        target: format!("/p2p/{peer}"),
    });
    carry(connection, stream, entry).await;
}

/// Carries a stream that a peer has opened.
async fn take(
    registry: &Arc<Registry>,
    protocol: String,
    peer: PeerId,
    stream: Stream,
    target: &Multiaddr,
    report: bool,
) {
    let connecting = async {
        let mut connection = Connection::open(target).await?;
        if report {
            connection.write(format!("{peer}\n").as_bytes()).await?;
        }
        Ok::<_, Error>(connection)
    };
    let connection = match timeout(CONNECT, connecting).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => {
            tracing::warn!(target: "basalt::tunnel", %peer, %protocol, %error, "a stream cannot be carried");
            return;
        }
        Err(_) => {
            tracing::warn!(target: "basalt::tunnel", %peer, %protocol, %target, "the target does not answer");
            return;
        }
    };
    let entry = registry.begin(TunnelStream {
        id: 0,
        protocol,
        origin: format!("/p2p/{peer}"),
        target: target.to_string(),
    });
    carry(connection, stream, entry).await;
}
