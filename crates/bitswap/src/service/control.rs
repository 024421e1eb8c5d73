use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use basalt_block::Cid;
use basalt_exchange::Event;
use libp2p_identity::PeerId;
use tokio::sync::{Notify, mpsc};

use super::{Outgoing, Service};
use crate::PeerTraits;
use crate::message::Version;

/// Controls that may wait before those who bring news of blocks have to wait.
const MANY: usize = 4096;

/// A question to the service; it carries the way back for its answer.
pub(super) type Question = Box<dyn FnOnce(&Service) + Send>;

/// What connections and callers tell the service. Each connection has a few of them under way at
/// most, and so has each caller.
pub(super) enum Control {
    Opened {
        id: u64,
        peer: PeerId,
        traits: PeerTraits,
        outgoing: mpsc::Sender<Outgoing>,
        heard: Arc<AtomicBool>,
    },
    Peered(PeerId, bool),
    Version(u64, Version),
    Sent(u64),
    Lost(u64),
    Unsupported(u64),
    Closed(u64),
    Fetch {
        id: u64,
        session: u64,
        cids: Vec<Cid>,
        answers: mpsc::Sender<Event>,
    },
    Taken {
        id: u64,
        blocks: usize,
        bytes: usize,
    },
    Ended(u64),
    SessionEnded(u64),
    Notify(Vec<Cid>),
    Ask(Question),
}

/// What the service shares with connections and callers. Unlike with a channel, saying something
/// never waits, so that it can be done where a connection or a request is dropped.
#[derive(Default)]
pub(super) struct Shared {
    queue: Mutex<Queue>,
    pub(super) wake: Notify,
    emptied: Notify,
    /// Whether anybody, here or elsewhere, waits for a block.
    pub(super) interested: AtomicBool,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Control>,
    closed: bool,
}

impl Shared {
    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, control: Control) {
        {
            let mut queue = self.queue();
            if queue.closed {
                return;
            }
            queue.waiting.push(control);
        }
        self.wake.notify_one();
    }

    /// Waits until the service has caught up.
    pub(super) async fn caught_up(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            {
                let queue = self.queue();
                if queue.closed || queue.waiting.len() < MANY {
                    return;
                }
            }
            emptied.await;
        }
    }

    pub(super) fn take(&self) -> Vec<Control> {
        let taken = std::mem::take(&mut self.queue().waiting);
        if taken.len() >= MANY {
            self.emptied.notify_waiters();
        }
        taken
    }

    /// Nothing is listened to any more; those who wait for answers see their channels close.
    pub(super) fn close(&self) {
        let left = {
            let mut queue = self.queue();
            queue.closed = true;
            std::mem::take(&mut queue.waiting)
        };
        drop(left);
        self.emptied.notify_waiters();
    }
}
