//! What a network needs to carry Bitswap: a [`Port`] that takes connections, and a [`Link`] for each
//! of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use libp2p_identity::PeerId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::PollSender;

use super::control::{Control, Shared};
use super::outbound::UNDER_WAY;
use crate::PeerTraits;
use crate::message::{MAX_MESSAGE, Message, Version};

/// Bytes of messages that one connection may have in memory on their way in.
const BUDGET: usize = MAX_MESSAGE + (1 << 20);

/// A message that came.
pub struct Incoming {
    pub(super) peer: PeerId,
    pub(super) message: Message,
    /// The room that it takes until it was looked at.
    _room: OwnedSemaphorePermit,
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
    next: Arc<AtomicU64>,
}

impl Port {
    pub(super) fn new(shared: Arc<Shared>, incoming: mpsc::Sender<Incoming>) -> Self {
        Self {
            shared,
            incoming,
            next: Arc::default(),
        }
    }

    /// A connection with a peer was made; it ends when the link is dropped.
    pub fn connected(&self, peer: PeerId, traits: PeerTraits) -> Link {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, outgoing) = mpsc::channel(UNDER_WAY);
        let heard = Arc::new(AtomicBool::new(false));
        self.shared.tell(Control::Opened {
            id,
            peer,
            traits,
            outgoing: sender,
            heard: heard.clone(),
        });
        Link {
            id,
            peer,
            shared: self.shared.clone(),
            incoming: PollSender::new(self.incoming.clone()),
            outgoing,
            heard,
            room: Arc::new(Semaphore::new(BUDGET)),
        }
    }
}

/// A connection with a peer.
pub struct Link {
    id: u64,
    peer: PeerId,
    shared: Arc<Shared>,
    incoming: PollSender<Incoming>,
    outgoing: mpsc::Receiver<Outgoing>,
    heard: Arc<AtomicBool>,
    room: Arc<Semaphore>,
}

impl Link {
    /// The next message to send; `None` when nothing will ever be sent.
    pub fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        self.outgoing.poll_recv(cx)
    }

    /// A stream to the peer was opened, in this version of the protocol.
    pub fn opened(&self, version: Version) {
        self.shared.tell(Control::Version(self.id, version));
    }

    /// A message has left or was given up; there is room for another.
    pub fn sent(&self) {
        self.shared.tell(Control::Sent(self.id));
    }

    /// The peer takes no stream of any version.
    pub fn unsupported(&self) {
        self.shared.tell(Control::Unsupported(self.id));
    }

    /// Bytes have come.
    pub fn heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// The room for messages on their way in, in bytes. Whoever reads a message takes as much of it
    /// as the message is long, before reading.
    pub fn room(&self) -> &Arc<Semaphore> {
        &self.room
    }

    /// Waits until a message can be given to [`Link::deliver`]; an error when nobody listens.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.incoming.poll_reserve(cx).map_err(|_| ())
    }

    /// A message has come, after [`Link::poll_ready`].
    pub fn deliver(&mut self, message: Message, room: OwnedSemaphorePermit) {
        let incoming = Incoming {
            peer: self.peer,
            message,
            _room: room,
        };
        let _ = self.incoming.send_item(incoming);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.tell(Control::Closed(self.id));
    }
}
