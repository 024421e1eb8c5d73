//! What a network needs to carry Bitswap: a [`Port`] that takes connections, and a [`Link`] for each
//! of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use basalt_block::Block;
use libp2p_identity::PeerId;
use tokio::sync::{Semaphore, mpsc};

use super::control::{Control, Shared};
use super::outbound::UNDER_WAY;
use super::rooms::{Room, Rooms};
use crate::PeerTraits;
use crate::message::{MAX_MESSAGE, Message, Presence, Version};

/// Bytes of messages that one connection may have in memory on their way in.
const BUDGET: usize = MAX_MESSAGE + (1 << 20);

/// A message that came.
pub struct Incoming {
    pub(super) peer: PeerId,
    pub(super) message: Message,
    /// Blocks that were checked against their CIDs already.
    pub(super) blocks: Vec<Block>,
    /// The room that it takes until it was looked at.
    _room: Room,
}

/// A message to send. That it has left, or cannot leave, is said by [`Link::sent`].
pub struct Outgoing {
    /// The message.
    pub message: Message,
}

/// Where a network gives its connections.
#[derive(Clone)]
pub struct Port {
    shared: Arc<Shared>,
    incoming: mpsc::Sender<Incoming>,
    rooms: Arc<Rooms>,
    next: Arc<AtomicU64>,
}

impl Port {
    pub(super) fn new(shared: Arc<Shared>, incoming: mpsc::Sender<Incoming>) -> Self {
        Self {
            shared,
            incoming,
            rooms: Arc::default(),
            next: Arc::default(),
        }
    }

    /// The node is always connected to the peer from now on, or is not any more.
    pub fn peered(&self, peer: PeerId, yes: bool) {
        self.shared.tell(Control::Peered(peer, yes));
    }

    /// A connection with a peer was made; it ends when the link is dropped.
    pub fn connected(&self, peer: PeerId, traits: PeerTraits) -> Link {
        let inlet = Inlet {
            peer,
            incoming: self.incoming.clone(),
            heard: Arc::new(AtomicBool::new(false)),
            rooms: self.rooms.clone(),
            room: Arc::new(Semaphore::new(BUDGET)),
        };
        let (id, outgoing) = self.open(&inlet, traits);
        Link {
            id,
            port: self.clone(),
            traits,
            outgoing,
            inlet,
        }
    }

    fn open(&self, inlet: &Inlet, traits: PeerTraits) -> (u64, mpsc::Receiver<Outgoing>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, outgoing) = mpsc::channel(UNDER_WAY);
        self.shared.tell(Control::Opened {
            id,
            peer: inlet.peer,
            traits,
            outgoing: sender,
            heard: inlet.heard.clone(),
        });
        (id, outgoing)
    }
}

/// A connection with a peer.
pub struct Link {
    id: u64,
    port: Port,
    traits: PeerTraits,
    outgoing: mpsc::Receiver<Outgoing>,
    inlet: Inlet,
}

impl Link {
    /// The next message to send; `None` when nothing will ever be sent.
    pub fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        self.outgoing.poll_recv(cx)
    }

    /// Where its messages go that come.
    pub fn inlet(&self) -> &Inlet {
        &self.inlet
    }

    /// A stream to the peer was opened, in this version of the protocol.
    pub fn opened(&self, version: Version) {
        self.port.shared.tell(Control::Version(self.id, version));
    }

    /// A message has left; there is room for another.
    pub fn sent(&self) {
        self.port.shared.tell(Control::Sent(self.id));
    }

    /// A message was given up, and what was sent before it may not have arrived either.
    pub fn lost(&self) {
        self.port.shared.tell(Control::Lost(self.id));
    }

    /// The peer takes no stream of any version.
    pub fn unsupported(&self) {
        self.port.shared.tell(Control::Unsupported(self.id));
    }

    /// Takes that back: the connection is as one that was made just now. What it was asked to send and
    /// has not is said anew.
    pub fn renew(&mut self) {
        let (id, outgoing) = self.port.open(&self.inlet, self.traits);
        let before = std::mem::replace(&mut self.id, id);
        self.outgoing = outgoing;
        // Only now, so that the peer is never without a connection.
        self.port.shared.tell(Control::Closed(before));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.port.shared.tell(Control::Closed(self.id));
    }
}

/// Where the messages of a connection go that come, on any number of streams.
#[derive(Clone)]
pub struct Inlet {
    peer: PeerId,
    incoming: mpsc::Sender<Incoming>,
    heard: Arc<AtomicBool>,
    rooms: Arc<Rooms>,
    /// What is left of this connection's own part.
    room: Arc<Semaphore>,
}

impl Inlet {
    /// Takes room for a message of `len` bytes, before it is read; `None` when it is longer than
    /// any may be.
    pub async fn room(&self, len: usize) -> Option<Room> {
        if len > MAX_MESSAGE {
            return None;
        }
        let len = u32::try_from(len).ok()?;
        let own = self.room.clone().acquire_many_owned(len).await.ok()?;
        self.rooms.take(len, own).await
    }

    /// Bytes have come.
    pub fn heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// A message has come. Waits until there is time for it; says whether anybody listens.
    pub async fn deliver(&self, message: Message, room: Room) -> bool {
        self.send(message, Vec::new(), room).await
    }

    /// As [`Inlet::deliver`], for blocks that were checked against their CIDs.
    pub async fn give(&self, blocks: Vec<Block>, presences: Vec<Presence>, room: Room) -> bool {
        let message = Message {
            presences,
            ..Message::default()
        };
        self.send(message, blocks, room).await
    }

    async fn send(&self, message: Message, blocks: Vec<Block>, room: Room) -> bool {
        room.filled();
        let incoming = Incoming {
            peer: self.peer,
            message,
            blocks,
            _room: room,
        };
        self.incoming.send(incoming).await.is_ok()
    }
}
