//! The DHT on the swarm: its questions and answers go over plain streams, and who speaks it is learnt
//! from what peers say of themselves.

pub(crate) mod frame;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt_routing::{Dht, Dual, Error, Host, Messages, Mode, PeerInfo, Result};
use bytes::Bytes;
use futures::AsyncWriteExt;
use futures::future::BoxFuture;
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
use tokio::time::timeout;

use crate::Handle;
use crate::service::Service;
use frame::{ANSWER, QUESTION, add_frame, read_body, read_frame, read_length, write_frame};
use turns::Turns;

/// Streams of one DHT that are served at a time. Most of them are idle: peers keep a stream open in case
/// they have another question.
const AT_A_TIME: usize = 4096;
/// How long a peer may be silent on a stream.
const SILENT: Duration = Duration::from_secs(60);
/// How long a question that has begun, or its answer, may be on its way.
const SLOW: Duration = Duration::from_secs(10);

/// Bytes of messages that are written at once; such a message has some hundreds.
const TOGETHER: usize = 16 << 10;

/// The network as the DHT needs it.
#[derive(Clone)]
pub struct DhtHost(Handle);

impl DhtHost {
    /// The network as the DHT needs it.
    pub fn new(handle: Handle) -> Self {
        Self(handle)
    }

    fn failed(peer: PeerId, error: &dyn std::fmt::Display) -> Error {
        Error::Peer {
            peer,
            reason: error.to_string(),
        }
    }

    async fn stream(&self, peer: PeerId, protocol: &'static str) -> Result<Stream> {
        let protocols = vec![StreamProtocol::new(protocol)];
        let opened = self.0.open(peer, protocols).await;
        let (stream, _) = opened.map_err(|e| Self::failed(peer, &e))?;
        Ok(stream)
    }
}

#[async_trait]
impl Host for DhtHost {
    fn local_peer(&self) -> PeerId {
        self.0.local_peer()
    }

    async fn own_addresses(&self) -> Vec<Multiaddr> {
        // Without a network there are none.
        self.0.announced_addresses().await.unwrap_or_default()
    }

    async fn locate(&self, peers: Vec<PeerId>) -> Vec<PeerInfo> {
        let located = self.0.call(move |service| {
            let book = &service.swarm.behaviour().book;
            let locate = |peer: PeerId| PeerInfo::new(peer, book.addresses(&peer));
            peers.into_iter().map(locate).collect()
        });
        located.await.unwrap_or_default()
    }

    async fn remember(&self, peers: Vec<PeerInfo>, time: Duration) {
        let remembered = self.0.call(move |service| {
            let book = &mut service.swarm.behaviour_mut().book;
            for peer in peers {
                book.add(peer.id, &peer.addresses, Some(time));
            }
        });
        // Without a network there is nothing to remember for.
        let _ = remembered.await;
    }

    async fn is_connected(&self, peer: PeerId) -> bool {
        let connected = self
            .0
            .call(move |service| service.swarm.is_connected(&peer));
        connected.await.unwrap_or(false)
    }

    async fn connect(&self, peer: PeerId) -> Result<()> {
        let connected = self.0.connect(peer, Vec::new()).await;
        connected.map_err(|e| Self::failed(peer, &e))
    }

    async fn ask(&self, peer: PeerId, protocol: &'static str, message: Bytes) -> Result<Bytes> {
        let mut stream = self.stream(peer, protocol).await?;
        let answered = async {
            write_frame(&mut stream, &message).await?;
            let answer = read_frame(&mut stream, ANSWER).await?;
            answer.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
        };
        let answer: std::io::Result<Bytes> = answered.await;
        let answer = answer.map_err(|e| Self::failed(peer, &e))?;
        // Whether the peer learns that it was the last question does not matter.
        let _ = stream.close().await;
        Ok(answer)
    }

    async fn tell(&self, peer: PeerId, protocol: &'static str, messages: Messages) -> Result<()> {
        let mut stream = self.stream(peer, protocol).await?;
        let told = async {
            let mut frames = Vec::with_capacity(TOGETHER);
            for message in messages {
                add_frame(&mut frames, &message);
                if frames.len() >= TOGETHER {
                    stream.write_all(&frames).await?;
                    frames.clear();
                }
            }
            stream.write_all(&frames).await?;
            stream.close().await
        };
        told.await.map_err(|e| Self::failed(peer, &e))
    }
}

impl Handle {
    /// Takes part in the DHTs: tells them of peers, and serves those that are to be served, also if that
    /// changes and this is called again.
    ///
    /// # Errors
    /// The network has stopped.
    pub async fn serve_dht(&self, dual: &Dual) -> crate::Result<()> {
        let dual = Arc::new(dual.clone());
        self.call(move |service| service.serve_dht(dual)).await
    }
}

impl Service {
    fn serve_dht(&mut self, dual: Arc<Dual>) {
        let services = self.swarm.behaviour().streams.services();
        for dht in dual.both() {
            let protocol = StreamProtocol::new(dht.scope().protocol());
            match dht.mode() {
                Mode::Client | Mode::Off => services.remove(&protocol),
                Mode::Server => {
                    let dht = dht.clone();
                    let turns = Arc::<Turns>::default();
                    let serve = move |peer, stream| -> BoxFuture<'static, ()> {
                        Box::pin(serve(dht.clone(), turns.clone(), peer, stream))
                    };
                    services.add(protocol, AT_A_TIME, Arc::new(serve));
                }
            }
        }
        self.dht = Some(dual);
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            self.dht_identified(peer);
        }
    }

    /// A peer has said what it speaks, or may have.
    pub(crate) fn dht_identified(&self, peer: PeerId) {
        let identity = self.swarm.behaviour().book.identity(&peer);
        if let (Some(dual), Some(identity)) = (&self.dht, identity) {
            let connections = self.addresses_of_connections(&peer);
            let (speaks, addresses) = (&identity.protocols, &identity.addresses);
            dual.identified(peer, speaks, addresses, &connections);
        }
    }

    /// There is no connection to the peer any more.
    pub(crate) fn dht_disconnected(&self, peer: &PeerId) {
        if let Some(dual) = &self.dht {
            dual.disconnected(peer);
        }
    }
}

/// Answers what a peer asks on a stream, until it asks what is wrong or nothing more.
async fn serve(dht: Dht, turns: Arc<Turns>, peer: PeerId, mut stream: Stream) {
    let own = turns.of(peer);
    let served = async {
        loop {
            let length = timeout(SILENT, read_length(&mut stream, QUESTION)).await??;
            let Some(length) = length else {
                return stream.close().await;
            };
            // Until the answer has left, so that those who take none do not have many waiting.
            let _turn = turns.next(&own).await;
            let question = timeout(SLOW, read_body(&mut stream, length)).await??;
            let answer = dht.answer(peer, &question).await;
            if let Some(answer) = answer.map_err(std::io::Error::other)? {
                timeout(SLOW, write_frame(&mut stream, &answer)).await??;
            }
        }
    };
    let ended: std::io::Result<()> = served.await;
    if let Err(error) = ended {
        tracing::debug!(target: "basalt::routing", %peer, %error, "a question was not answered");
    }
}
