use std::time::Duration;

use basalt_block::Cid;
use libp2p_identity::PeerId;

use super::{RequestId, SessionId};
use crate::message::WantType;

/// How soon something that nobody had is asked for again; doubled each time.
pub(super) const RETRY: Duration = Duration::from_secs(2);
pub(super) const RETRY_MAX: Duration = Duration::from_secs(60);

/// Who waits for a block.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) request: RequestId,
    pub(super) session: SessionId,
    /// Its name for the block, which need not be that of the others.
    pub(super) cid: Cid,
}

/// How far the asking of one peer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It will be asked with the next message.
    Queued,
    /// It was asked.
    Sent,
    /// It said that it has the block, and was not asked for it yet.
    Yes,
    /// It said that it has not got the block.
    No,
    /// It did not answer in time.
    Late,
}

/// What one peer is asked.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) peer: PeerId,
    pub(super) kind: WantType,
    pub(super) state: State,
    /// Counts the asks of a peer.
    pub(super) order: u64,
    /// When it was sent.
    pub(super) at: Duration,
    /// Whether the peer may be asked as if it never had been.
    pub(super) stale: bool,
}

impl Ask {
    /// Whether an answer may come that is worth waiting for.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.state, State::Queued | State::Sent)
    }

    /// Whether the want stands, or may stand, on the list that the peer keeps.
    pub(super) fn is_listed(&self) -> bool {
        matches!(self.state, State::Sent | State::No | State::Late)
    }
}

/// A block that is waited for.
#[derive(Debug)]
pub(super) struct Want {
    /// The name that peers are asked by.
    pub(super) cid: Cid,
    pub(super) waiters: Vec<Waiter>,
    pub(super) asks: Vec<Ask>,
    pub(super) since: Duration,
    pub(super) order: u64,
    pub(super) retry_at: Duration,
    pub(super) backoff: Duration,
    /// Whether all were asked in vain since the last retry.
    pub(super) exhausted: bool,
}

impl Want {
    pub(super) fn new(now: Duration, order: u64, waiter: Waiter) -> Self {
        Self {
            cid: waiter.cid,
            waiters: vec![waiter],
            asks: Vec::new(),
            since: now,
            order,
            retry_at: now + RETRY,
            backoff: RETRY,
            exhausted: false,
        }
    }

    pub(super) fn ask(&self, peer: &PeerId) -> Option<&Ask> {
        self.asks.iter().find(|a| a.peer == *peer)
    }

    pub(super) fn ask_mut(&mut self, peer: &PeerId) -> Option<&mut Ask> {
        self.asks.iter_mut().find(|a| a.peer == *peer)
    }

    /// Whether somebody is being asked.
    pub(super) fn is_live(&self) -> bool {
        self.asks.iter().any(Ask::is_live)
    }

    /// Whether somebody is being asked for the block itself.
    pub(super) fn is_fetching(&self) -> bool {
        self.asks
            .iter()
            .any(|a| a.is_live() && a.kind == WantType::Block)
    }

    /// Whether somebody has it and nobody is being asked for it.
    pub(super) fn has_idle_holder(&self) -> bool {
        !self.is_fetching() && self.asks.iter().any(|a| a.state == State::Yes)
    }

    /// Higher for what was wanted earlier.
    pub(super) fn priority(&self) -> i32 {
        i32::MAX - (self.order % (1 << 30)) as i32
    }
}
