//! What is said over which connection.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use libp2p_identity::PeerId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Outgoing, Service};
use crate::message::Message;

/// Messages handed to a connection before one of them has left.
pub(super) const UNDER_WAY: usize = 4;

/// A connection, as the service sees it.
pub(super) struct Connection {
    pub(super) peer: PeerId,
    outgoing: mpsc::Sender<Outgoing>,
    pub(super) heard: Arc<AtomicBool>,
    /// What was handed to it and has not left yet, to be said otherwise should it break.
    under_way: VecDeque<Message>,
    /// When each of them was handed over.
    handed: VecDeque<Instant>,
    supported: bool,
}

impl Connection {
    pub(super) fn new(
        peer: PeerId,
        outgoing: mpsc::Sender<Outgoing>,
        heard: Arc<AtomicBool>,
    ) -> Self {
        Self {
            peer,
            outgoing,
            heard,
            under_way: VecDeque::new(),
            handed: VecDeque::new(),
            supported: true,
        }
    }
}

impl Service {
    /// The connection that a peer is spoken to over.
    fn connection(&self, peer: &PeerId) -> Option<u64> {
        let connections = self.peers.get(peer)?;
        connections
            .iter()
            .find(|id| self.connections.get(id).is_some_and(|c| c.supported))
            .copied()
    }

    /// Says to a peer what there is to say, as far as its connection takes it.
    pub(super) fn say(&mut self, peer: &PeerId) {
        let Some(id) = self.connection(peer) else {
            return;
        };
        while self.has_room(id) {
            if !self.client.has_message(peer) && !self.engine.has_message(peer) {
                return;
            }
            let mut message = Message::default();
            self.client.compose(self.now(), peer, &mut message);
            self.engine.compose(peer, &mut message);
            if message.is_empty() && !message.full {
                continue;
            }
            self.hand(id, message);
        }
    }

    fn has_room(&self, id: u64) -> bool {
        self.connections
            .get(&id)
            .is_some_and(|c| c.under_way.len() < UNDER_WAY)
    }

    fn hand(&mut self, id: u64, message: Message) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.under_way.push_back(message.clone());
            connection.handed.push_back(Instant::now());
            // When it is gone, that it has closed is told soon.
            let _ = connection.outgoing.try_send(Outgoing { message });
        }
    }

    pub(super) fn sent(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let peer = connection.peer;
        let handed = connection.handed.pop_front();
        if let Some(message) = connection.under_way.pop_front() {
            if let Some(time) = handed.map(|at| at.elapsed()) {
                self.left(&message, time);
            }
            self.engine.sent(&peer, message.block_bytes());
        }
        self.say(&peer);
    }

    /// A message has left, or was given up.
    fn left(&mut self, message: &Message, time: Duration) {
        let meter = &mut self.meter;
        meter.send_times.time(time);
        if !message.wants.is_empty() {
            meter.wantlists += 1;
            meter.wantlist_items += message.wants.len() as u64;
            meter.wantlist_times.time(time);
        }
        for block in &message.blocks {
            meter.sent.size(block.data.len());
        }
    }

    pub(super) fn messages_under_way(&self) -> usize {
        let connections = self.connections.values();
        connections.map(|c| c.under_way.len()).sum()
    }

    pub(super) fn lost(&mut self, id: u64) {
        if let Some(connection) = self.connections.get(&id) {
            self.client.lost(&connection.peer);
        }
        self.sent(id);
    }

    pub(super) fn unsupported(&mut self, id: u64) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.supported = false;
            let peer = connection.peer;
            let lost = std::mem::take(&mut connection.under_way);
            connection.handed.clear();
            self.fall_back(&peer, lost);
        }
    }

    pub(super) fn closed(&mut self, id: u64) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        let peer = connection.peer;
        if let Some(connections) = self.peers.get_mut(&peer) {
            connections.retain(|c| *c != id);
            if connections.is_empty() {
                self.peers.remove(&peer);
                self.engine.disconnected(&peer);
            }
        }
        self.fall_back(&peer, connection.under_way);
    }

    /// Says what was under way over another connection, if there is one.
    fn fall_back(&mut self, peer: &PeerId, lost: VecDeque<Message>) {
        for message in &lost {
            self.engine.sent(peer, message.block_bytes());
        }
        let now = self.now();
        match self.connection(peer) {
            None => self.client.disconnected(now, peer),
            Some(other) => {
                for mut message in lost {
                    // Wants are composed anew: they may be out of date.
                    message.wants.retain(|w| w.cancel);
                    if !message.is_empty() && self.has_room(other) {
                        self.hand(other, message);
                    }
                }
                self.client.lost(peer);
            }
        }
    }
}
