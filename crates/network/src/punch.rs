//! Holes punched through routers: a connection through a relay is joined by a direct one (DCUtR).
//!
//! Who was reached through a relay begins. Both say where others see them, and then dial each other at the
//! same moment, each from the port where it listens, so that each router takes what comes from the other
//! side for an answer. One of them plays the part of the listener in what follows.
//!
//! The moment has to be the same. Where only one side dials, its router and its own tables remember that
//! dial, and what comes later from the other side is taken for a part of it; so further attempts fail too.

mod message;
mod talk;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncWriteExt, FutureExt};
use libp2p::core::Endpoint;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, sleep_until, timeout};

use crate::address::{ip_of, is_public, is_relayed, without_peer};
use crate::handle::Ask;
use crate::peers::Direction;
use crate::service::Service;
use crate::streams::Wanted;
use crate::{Error, Result};
use message::ADDRESSES;

const PROTOCOL: StreamProtocol = StreamProtocol::new("/libp2p/dcutr");

/// Dials of one peer, before it is left at the relay.
const DIALS: usize = 3;
/// Talks with it, some of which may come to nothing: it may not know yet where others see it.
const TALKS: usize = 6;
/// Before the next, after one that came to nothing; more each time.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a talk may take.
const TALK: Duration = Duration::from_secs(10);
/// How long a dial may take, with all that follows until the peer is known.
const DIAL: Duration = Duration::from_secs(10);
/// Peers that holes are punched to at a time.
const AT_A_TIME: usize = 32;

/// What is known for the punching of holes.
pub(crate) struct Punching {
    is_on: bool,
    is_served: bool,
    /// Where others see the node, the latest last.
    seen: VecDeque<Multiaddr>,
    /// Peers that holes are being punched to.
    active: HashSet<PeerId>,
}

impl Punching {
    pub(crate) fn new(is_on: bool) -> Self {
        Self {
            is_on,
            is_served: false,
            seen: VecDeque::new(),
            active: HashSet::new(),
        }
    }
}

fn is_of_use(address: &Multiaddr) -> bool {
    !is_relayed(address) && ip_of(address).is_some_and(is_public)
}

impl Service {
    /// A peer has said where it sees this node. A router may have given it another port than the one where
    /// it listens, and that is where holes are punched. Only what was dialled tells.
    pub(crate) fn seen_at(&mut self, connection: ConnectionId, observed: &Multiaddr) {
        let told = self.connection(connection).is_some_and(|open| {
            open.direction == Direction::Outbound
                && open.from_listener
                && !is_relayed(&open.address)
        });
        let observed = without_peer(observed);
        if !self.punching.is_on || !told || !is_of_use(&observed) {
            return;
        }
        let seen = &mut self.punching.seen;
        seen.retain(|known| *known != observed);
        if seen.len() >= ADDRESSES {
            seen.pop_front();
        }
        seen.push_back(observed);
        self.serve_punches();
    }

    /// Answers peers that begin, as soon as there is something to say.
    fn serve_punches(&mut self) {
        if std::mem::replace(&mut self.punching.is_served, true) {
            return;
        }
        let asks = self.weak_asks();
        let serve = Arc::new(move |peer, stream| {
            let asks = asks.clone();
            async move {
                if let Err(error) = answer(asks, peer, stream).await {
                    tracing::debug!(target: "basalt::network", %peer, %error, "no hole is punched");
                }
            }
            .boxed()
        });
        let services = self.swarm.behaviour().streams.services();
        services.add(PROTOCOL, AT_A_TIME, serve);
    }

    /// Where a peer may dial the node, the best first.
    fn punched_at(&self) -> Vec<Multiaddr> {
        let seen = self.punching.seen.iter().rev();
        let announced = self.announced.iter().filter(|a| is_of_use(a));
        let mut all = Vec::new();
        for address in seen.chain(announced) {
            if all.len() < ADDRESSES && !all.contains(address) {
                all.push(address.clone());
            }
        }
        all
    }

    /// A peer has come through a relay: it is made out whether it can be reached without.
    pub(crate) fn punch(&mut self, peer: PeerId, connection: ConnectionId) {
        let active = &mut self.punching.active;
        if !self.punching.is_on || active.len() >= AT_A_TIME || !active.insert(peer) {
            return;
        }
        let asks = self.weak_asks();
        tokio::spawn(async move {
            let mut dials = 0;
            let begun = begin(&asks, peer, connection, &mut dials).await;
            if let Err(error) = &begun {
                tracing::debug!(target: "basalt::network", %peer, %error, "no hole was punched");
            }
            let _ = ask(&asks, move |service| {
                service.punching.active.remove(&peer);
                if dials > 0 {
                    service.counts.punched("initiator", dials, begun.is_ok());
                }
            })
            .await;
        });
    }

    fn is_direct(&self, peer: &PeerId) -> bool {
        let mut open = self.open().filter(|open| open.peer == *peer);
        open.any(|open| !is_relayed(&open.address))
    }

    /// Dials a peer where it is now waited for, unless it is connected without a relay.
    fn dial_punched(
        &mut self,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        role: Endpoint,
        answer: oneshot::Sender<Result<()>>,
    ) {
        if self.is_direct(&peer) {
            let _ = answer.send(Ok(()));
            return;
        }
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::Always)
            .addresses(addresses);
        let options = match role {
            Endpoint::Dialer => options.build(),
            Endpoint::Listener => options.override_role().build(),
        };
        self.dial_for(peer, options, answer);
    }
}

/// Has the swarm's task do something.
async fn ask<T: Send + 'static>(
    asks: &mpsc::WeakSender<Ask>,
    work: impl FnOnce(&mut Service) -> T + Send + 'static,
) -> Result<T> {
    let (answer, answered) = oneshot::channel();
    let ask: Ask = Box::new(move |service| {
        let _ = answer.send(work(service));
    });
    let asks = asks.upgrade().ok_or(Error::Stopped)?;
    asks.send(ask).await.map_err(|_| Error::Stopped)?;
    answered.await.map_err(|_| Error::Stopped)
}

/// Talks and dials, until there is a direct connection or all attempts are used up.
async fn begin(
    asks: &mpsc::WeakSender<Ask>,
    peer: PeerId,
    relayed: ConnectionId,
    dials: &mut usize,
) -> Result<()> {
    let mut last = Error::NotConnected;
    for talks in 1..=TALKS {
        let state = move |service: &mut Service| {
            let open = service.connection(relayed).is_some();
            (service.is_direct(&peer), open, service.punched_at())
        };
        let (direct, open, own) = ask(asks, state).await?;
        if direct {
            return Ok(());
        }
        if !open || *dials == DIALS {
            break;
        }
        let talked = timeout(TALK, async {
            let mut stream = open_on(asks, peer, relayed).await?;
            let begun = talk::begin(&mut stream, &own).await.map_err(stream_error)?;
            Ok((stream, begun))
        });
        let talked = talked.await.unwrap_or_else(|_| Err(late()));
        let (stream, (addresses, then)) = match talked {
            Ok(talked) => talked,
            Err(error) => {
                tracing::debug!(target: "basalt::network", %peer, %error, "nothing agreed for a hole");
                last = error;
                sleep(PAUSE * u32::try_from(talks).unwrap_or(1)).await;
                continue;
            }
        };
        sleep_until(then).await;
        *dials += 1;
        let dialled = dial(asks, peer, addresses, Endpoint::Listener).await;
        drop(stream);
        match dialled {
            Ok(()) => return Ok(()),
            Err(error) => {
                tracing::debug!(target: "basalt::network", %peer, %error, "a dial through routers failed");
                last = error;
            }
        }
    }
    Err(last)
}

/// Answers a peer that begins, and dials it.
async fn answer(asks: mpsc::WeakSender<Ask>, peer: PeerId, mut stream: Stream) -> Result<()> {
    let state = move |service: &mut Service| {
        // Who begins is who was dialled through a relay.
        let mut open = service.open().filter(|open| open.peer == peer);
        let dialled =
            open.any(|open| open.direction == Direction::Outbound && is_relayed(&open.address));
        (dialled, service.punched_at())
    };
    let (dialled, own) = ask(&asks, state).await?;
    if !dialled || own.is_empty() {
        // Dropped, the stream is reset.
        return Err(Error::NotConnected);
    }
    let talk = timeout(TALK, talk::answer(&mut stream, &own)).await;
    let addresses = talk.map_err(|_| late())?.map_err(stream_error)?;
    let dialled = dial(&asks, peer, addresses, Endpoint::Dialer).await;
    let success = dialled.is_ok();
    let counted = move |service: &mut Service| service.counts.punched("receiver", 1, success);
    let _ = ask(&asks, counted).await;
    let _ = timeout(TALK, stream.close()).await;
    dialled
}

/// Opens a stream on one connection.
async fn open_on(
    asks: &mpsc::WeakSender<Ask>,
    peer: PeerId,
    connection: ConnectionId,
) -> Result<Stream> {
    let (answer, answered) = oneshot::channel();
    let protocols = vec![PROTOCOL];
    let wanted = Wanted { protocols, answer };
    ask(asks, move |service| {
        let streams = &mut service.swarm.behaviour_mut().streams;
        streams.open_on(peer, connection, wanted);
    })
    .await?;
    let (stream, _) = answered.await.map_err(|_| Error::NotConnected)??;
    Ok(stream)
}

/// Dials, and waits for what comes of it.
async fn dial(
    asks: &mpsc::WeakSender<Ask>,
    peer: PeerId,
    addresses: Vec<Multiaddr>,
    role: Endpoint,
) -> Result<()> {
    tracing::debug!(target: "basalt::network", %peer, ?addresses, ?role, "a dial through routers");
    let (answer, answered) = oneshot::channel();
    ask(asks, move |service| {
        service.dial_punched(peer, addresses, role, answer);
    })
    .await?;
    match timeout(DIAL, answered).await {
        Ok(Ok(dialled)) => dialled,
        Ok(Err(_)) => Err(Error::Stopped),
        Err(_) => Err(late()),
    }
}

fn stream_error(error: std::io::Error) -> Error {
    Error::Stream(error.to_string())
}

fn late() -> Error {
    Error::Stream("context deadline exceeded".to_owned())
}
