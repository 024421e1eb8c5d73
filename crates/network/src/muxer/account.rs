use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::budget::Budget;

/// What may have come on one connection and not been read.
const UNREAD: usize = 8 << 20;
/// What may wait to be sent on one connection.
const UNSENT: usize = 1 << 20;
/// Senders go on when so much is left.
const HALF: usize = UNSENT / 2;
/// What a frame costs besides its bytes: its place in the queue of its stream, and what allocating adds.
const OVERHEAD: usize = 128;
/// A frame up to this size always has room when nothing else is unread. Those of Kubo have 64 KiB at most.
const USUAL: usize = 66 << 10;

/// What one connection holds.
pub(super) struct Account {
    budget: Arc<Budget>,
    remote_is_odd: bool,
    state: Mutex<State>,
}

struct State {
    /// What the frames cost that came, and the one that comes.
    held: usize,
    streams: HashMap<u32, Unread>,
    /// When something was read, or when there was nothing to read.
    read_at: Instant,
    unsent: usize,
    /// Who moves the connection on.
    connection: Option<Waker>,
    /// Who wants to send more.
    senders: Vec<Waker>,
    condemned: bool,
}

/// What came on a stream and was not read.
#[derive(Default)]
struct Unread {
    bytes: usize,
    cost: usize,
}

impl Account {
    pub(super) fn open(budget: Arc<Budget>, remote_is_odd: bool) -> Arc<Self> {
        let account = Arc::new(Self {
            budget,
            remote_is_odd,
            state: Mutex::new(State {
                held: 0,
                streams: HashMap::new(),
                read_at: Instant::now(),
                unsent: 0,
                connection: None,
                senders: Vec::new(),
                condemned: false,
            }),
        });
        account.budget.join(Arc::downgrade(&account));
        account
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream has begun.
    pub(super) fn opened(&self, id: u32) {
        self.state().streams.entry(id).or_default();
    }

    /// The other side begins a stream, if it may have this number.
    pub(super) fn opened_by_remote(&self, id: u32) {
        if (id % 2 == 1) == self.remote_is_odd {
            self.opened(id);
        }
    }

    /// A stream has ended; what was not read is gone.
    pub(super) fn ended(&self, id: u32) {
        let gone = self.state().streams.remove(&id);
        self.release(gone.map_or(0, |unread| unread.cost));
    }

    /// Makes room for a frame, if there is some.
    pub(super) fn admit(&self, body: usize) -> bool {
        let cost = body + OVERHEAD;
        let mut state = self.state();
        let admitted = state.held + cost <= UNREAD && self.budget.try_take(cost);
        if !admitted {
            if state.held > 0 || cost > USUAL {
                return false;
            }
            self.budget.take(cost);
        }
        if state.held == 0 {
            state.read_at = Instant::now();
        }
        state.held += cost;
        true
    }

    /// A frame that was admitted has come whole.
    pub(super) fn came(&self, id: u32, body: usize) {
        let cost = body + OVERHEAD;
        if let Some(unread) = self.state().streams.get_mut(&id) {
            unread.bytes += body;
            unread.cost += cost;
            return;
        }
        // The multiplexer drops it.
        self.release(cost);
    }

    /// Bytes were read.
    pub(super) fn read(&self, id: u32, bytes: usize) {
        let freed = {
            let mut state = self.state();
            let Some(unread) = state.streams.get_mut(&id) else {
                return;
            };
            let freed = match unread.bytes {
                all if all <= bytes => unread.cost,
                all => unread.cost * bytes / all,
            };
            unread.bytes = unread.bytes.saturating_sub(bytes);
            unread.cost -= freed;
            freed
        };
        self.release(freed);
    }

    fn release(&self, cost: usize) {
        if cost == 0 {
            return;
        }
        let waker = {
            let mut state = self.state();
            state.held -= cost;
            state.read_at = Instant::now();
            state.connection.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        self.budget.give(cost);
    }

    /// The connection waits for room, and wants to know when there is some.
    pub(super) fn wait(&self, cx: &mut Context<'_>) {
        self.state().connection = Some(cx.waker().clone());
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self.state().connection.take() {
            waker.wake();
        }
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn held(&self) -> usize {
        self.state().held
    }

    /// For how long nothing was read of what there is to read.
    pub(super) fn deaf_for(&self) -> Duration {
        let state = self.state();
        match state.held {
            0 => Duration::ZERO,
            _ => state.read_at.elapsed(),
        }
    }

    /// The connection shall end.
    pub(super) fn condemn(&self) {
        self.state().condemned = true;
        self.wake();
    }

    pub(super) fn is_condemned(&self) -> bool {
        self.state().condemned
    }

    /// Whether there is room for something to send.
    pub(super) fn poll_send(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.unsent == 0 || (state.unsent < UNSENT && self.budget.may_send()) {
            return Poll::Ready(());
        }
        if !state
            .senders
            .iter()
            .any(|known| known.will_wake(cx.waker()))
        {
            state.senders.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Bytes wait to be sent.
    pub(super) fn queued(&self, bytes: usize) {
        self.state().unsent += bytes;
        self.budget.queued(bytes);
    }

    /// Bytes were sent.
    pub(super) fn sent(&self, bytes: usize) {
        let (sent, senders) = {
            let mut state = self.state();
            let sent = bytes.min(state.unsent);
            state.unsent -= sent;
            let senders = match state.unsent {
                ..=HALF => std::mem::take(&mut state.senders),
                _ => Vec::new(),
            };
            (sent, senders)
        };
        self.budget.sent(sent);
        for sender in senders {
            sender.wake();
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let (held, unsent) = {
            let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
            (state.held, state.unsent)
        };
        self.budget.give(held);
        self.budget.sent(unsent);
    }
}
