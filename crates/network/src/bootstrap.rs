//! The way into the network: peers that are dialled while there are few others.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, DialFailure};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, FromSwarm, NetworkBehaviour, THandlerInEvent, ToSwarm};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::wake::Wake;

/// With fewer peers the node looks for more.
const FEW: usize = 4;
/// How often it is looked.
const OFTEN: Duration = Duration::from_secs(30);

/// How long the peers that are the way in may take, before others are tried.
const SOON: Duration = Duration::from_secs(5);

type Peers = Vec<(PeerId, Vec<Multiaddr>)>;

/// Dials bootstrap peers, first at the start and then while there are few peers; those of last time,
/// too, where these do not suffice.
pub(crate) struct Behaviour {
    peers: Peers,
    /// Added to the peers after the first round.
    backup: Peers,
    connected: usize,
    due: Option<Instant>,
    round: usize,
    dials: Vec<DialOpts>,
    /// Those of the first round that have come to nothing are no longer among these.
    first: Vec<ConnectionId>,
    wake: Wake,
}

impl Behaviour {
    pub(crate) fn new(mut peers: Peers, mut backup: Peers) -> Self {
        if peers.is_empty() {
            std::mem::swap(&mut peers, &mut backup);
        }
        Self {
            due: (!peers.is_empty()).then(Instant::now),
            peers,
            backup,
            connected: 0,
            round: usize::from(rand::random::<u16>()),
            dials: Vec::new(),
            first: Vec::new(),
            wake: Wake::default(),
        }
    }

    /// Chooses others each time, so that those that do not answer keep nobody out.
    fn choose(&mut self) {
        for _ in 0..FEW.saturating_sub(self.connected).min(self.peers.len()) {
            let (peer, addresses) = &self.peers[self.round % self.peers.len()];
            self.round = self.round.wrapping_add(1);
            let options = DialOpts::peer_id(*peer)
                .addresses(addresses.clone())
                .extend_addresses_through_behaviour()
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build();
            if !self.backup.is_empty() {
                self.first.push(options.connection_id());
            }
            self.dials.push(options);
        }
    }

    /// A dial has come to nothing. When all of the first round have, the others are tried at once.
    fn failed(&mut self, id: ConnectionId) {
        let before = self.first.len();
        self.first.retain(|dial| *dial != id);
        if before > 0 && self.first.is_empty() && self.connected == 0 {
            self.due = Some(Instant::now());
            self.wake.now();
        }
    }
}

impl NetworkBehaviour for Behaviour {
    crate::plain::without_streams!();
    crate::plain::admits_inbound!();
    crate::plain::admits_outbound!();

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                other_established: 0,
                ..
            }) => self.connected += 1,
            FromSwarm::ConnectionClosed(ConnectionClosed {
                remaining_established: 0,
                ..
            }) => self.connected = self.connected.saturating_sub(1),
            FromSwarm::DialFailure(DialFailure { connection_id, .. }) => self.failed(connection_id),
            _ => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        loop {
            if let Some(opts) = self.dials.pop() {
                return Poll::Ready(ToSwarm::Dial { opts });
            }
            if self.wake.poll_until(self.due, cx).is_pending() {
                return Poll::Pending;
            }
            self.choose();
            // Next time there is more to choose from, and it comes soon.
            let wait = if self.backup.is_empty() { OFTEN } else { SOON };
            self.due = Some(Instant::now() + wait);
            self.peers.append(&mut self.backup);
        }
    }
}
