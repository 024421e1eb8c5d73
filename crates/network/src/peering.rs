//! Peers to which the node always keeps a connection.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, DialFailure};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{DialError, FromSwarm, NetworkBehaviour, THandlerInEvent, ToSwarm};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::wake::Wake;

/// Who protects these peers from being trimmed.
pub(crate) const NAME: &str = "peering";

/// The first wait after a connection was lost or a dial has failed.
const FIRST: Duration = Duration::from_secs(2);
/// The longest.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// Waits differ by so much, so that peers which lost each other do not dial at the same time.
const JITTER: f64 = 0.1;

struct Peer {
    addresses: Vec<Multiaddr>,
    connected: bool,
    wait: Duration,
    /// When it is dialled; `None` while it is connected or being dialled.
    due: Option<Instant>,
}

/// Dials peers that are not connected, ever less often.
#[derive(Default)]
pub(crate) struct Behaviour {
    peers: BTreeMap<PeerId, Peer>,
    wake: Wake,
}

impl Behaviour {
    pub(crate) fn add(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, connected: bool) {
        let due = (!connected).then(Instant::now);
        self.peers.insert(
            peer,
            Peer {
                addresses,
                connected,
                wait: FIRST,
                due,
            },
        );
        self.wake.now();
    }

    pub(crate) fn remove(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
    }

    pub(crate) fn list(&self) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let peers = self.peers.iter();
        peers
            .map(|(id, peer)| (*id, peer.addresses.clone()))
            .collect()
    }

    fn lost(&mut self, peer: &PeerId) {
        if let Some(peer) = self.peers.get_mut(peer)
            && !peer.connected
            && peer.due.is_none()
        {
            peer.due = Some(Instant::now() + jittered(peer.wait));
            peer.wait = (peer.wait * 3 / 2).min(LONGEST);
            self.wake.now();
        }
    }
}

fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * rand::random::<f64>())
}

impl NetworkBehaviour for Behaviour {
    crate::plain::without_streams!();
    crate::plain::admits_inbound!();
    crate::plain::admits_outbound!();

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished { peer_id, .. }) => {
                if let Some(peer) = self.peers.get_mut(&peer_id) {
                    peer.connected = true;
                    peer.due = None;
                    peer.wait = FIRST;
                }
            }
            FromSwarm::ConnectionClosed(ConnectionClosed {
                peer_id,
                remaining_established: 0,
                ..
            }) => {
                if let Some(peer) = self.peers.get_mut(&peer_id) {
                    peer.connected = false;
                }
                self.lost(&peer_id);
            }
            // A dial that was none, because there is one already, does not count.
            FromSwarm::DialFailure(DialFailure {
                error: DialError::DialPeerConditionFalse(_),
                ..
            }) => {}
            FromSwarm::DialFailure(DialFailure {
                peer_id: Some(peer),
                ..
            }) => self.lost(&peer),
            _ => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        loop {
            let now = Instant::now();
            let due = self
                .peers
                .iter_mut()
                .find(|(_, peer)| peer.due.is_some_and(|due| due <= now));
            if let Some((id, peer)) = due {
                peer.due = None;
                let options = DialOpts::peer_id(*id)
                    .addresses(peer.addresses.clone())
                    .extend_addresses_through_behaviour()
                    .condition(PeerCondition::Disconnected)
                    .build();
                return Poll::Ready(ToSwarm::Dial { opts: options });
            }
            let next = self.peers.values().filter_map(|peer| peer.due).min();
            if self.wake.poll_until(next, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
