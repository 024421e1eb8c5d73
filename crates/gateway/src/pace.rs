//! How much memory an answer holds while its client takes it.
//!
//! An answer on a *lane* holds the blocks that it sends and reads some ahead. Lanes are few; when they get
//! scarce, a client that takes nothing for a moment loses its own. Every other answer holds a copy of at
//! most [`PIECE`] bytes, and reads what the client had no room for again once it has. So a thousand
//! clients that stand still cost no more than a few that do not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use basalt_block::{Block, Cid};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How many answers may hold blocks.
const LANES: usize = 32;
/// With fewer free lanes, nothing is read ahead, and lanes are lost.
const PLENTY: usize = 24;
/// With more answers at a time, long blocks are held in turns.
const CROWD: usize = 32;
/// What is read ahead of a client, in bytes.
const READ_AHEAD: usize = 512 << 10;
/// How long a client may take nothing before it loses its lane.
pub(crate) const PATIENCE: Duration = Duration::from_millis(200);
/// How many answers without a lane may have a block in hand at a time.
const TURNS: usize = 16;
/// Who waits longer for a turn reads without one: those before may be waiting for other nodes.
const LONG: Duration = Duration::from_millis(50);
/// What is sent at once where nothing can be taken back.
pub(crate) const PIECE: usize = 64 << 10;

/// The lanes of a gateway.
#[derive(Debug, Clone)]
pub(crate) struct Lanes {
    lanes: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    running: Arc<AtomicUsize>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            lanes: Arc::new(Semaphore::new(LANES)),
            turns: Arc::new(Semaphore::new(TURNS)),
            running: Arc::default(),
        }
    }
}

impl Lanes {
    /// For a new answer, which has no lane yet.
    pub(crate) fn pace(&self) -> Pace {
        self.running.fetch_add(1, Ordering::Relaxed);
        Pace(Arc::new(Inner {
            lanes: self.clone(),
            held: Mutex::default(),
        }))
    }

    fn are_plenty(&self) -> bool {
        self.lanes.available_permits() >= PLENTY
    }
}

/// The pace of one answer. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Pace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lanes: Lanes,
    held: Mutex<Held>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.lanes.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Held {
    lane: Option<OwnedSemaphorePermit>,
    turn: Option<OwnedSemaphorePermit>,
    block: Option<(Cid, Bytes)>,
    ahead: VecDeque<Block>,
}

impl Pace {
    /// The pace of another answer of the same gateway.
    pub(crate) fn another(&self) -> Self {
        self.0.lanes.pace()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a lane if one is free; whether the answer has one.
    pub(crate) fn enter(&self) -> bool {
        let mut held = self.held();
        if held.lane.is_none() {
            held.lane = self.0.lanes.lanes.clone().try_acquire_owned().ok();
        }
        if held.lane.is_some() {
            held.turn = None;
        }
        held.lane.is_some()
    }

    /// Whether the answer has a lane.
    pub(crate) fn is_fast(&self) -> bool {
        self.held().lane.is_some()
    }

    /// Gives the lane up, and what is held with it.
    pub(crate) fn leave(&self) {
        *self.held() = Held::default();
    }

    /// Whether so many answers are being made that each must wait for its turn to hold a block.
    pub(crate) fn is_crowded(&self) -> bool {
        self.0.lanes.running.load(Ordering::Relaxed) > CROWD
    }

    /// Waits until a block may be read and held: at once on a lane, or when it has its turn already.
    pub(crate) async fn take_turn(&self) {
        {
            let held = self.held();
            if held.lane.is_some() || held.turn.is_some() {
                return;
            }
        }
        let turns = self.0.lanes.turns.clone();
        let turn = timeout(LONG, turns.acquire_owned()).await;
        self.held().turn = turn.ok().and_then(Result::ok);
    }

    /// No block is held any more.
    pub(crate) fn put_down(&self) {
        self.held().turn = None;
    }

    /// Whether others need the lane of a client that stands still.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.0.lanes.are_plenty()
    }

    /// How many bytes are worth reading ahead.
    pub(crate) fn ahead(&self) -> usize {
        match self.is_fast() && self.0.lanes.are_plenty() {
            true => READ_AHEAD,
            false => 0,
        }
    }

    /// Keeps a block that is needed again, as long as the answer has a lane.
    pub(crate) fn keep(&self, cid: &Cid, bytes: &Bytes) {
        let mut held = self.held();
        if held.lane.is_some() {
            held.block = Some((*cid, bytes.clone()));
        }
    }

    /// Keeps blocks that come next, as long as the answer has a lane.
    pub(crate) fn keep_ahead(&self, blocks: impl Iterator<Item = Block>) {
        let mut held = self.held();
        held.ahead.clear();
        if held.lane.is_some() {
            held.ahead.extend(blocks);
        }
    }

    /// The block, if it is among those that come next.
    pub(crate) fn next_ahead(&self, cid: &Cid) -> Option<Block> {
        let mut held = self.held();
        while let Some(block) = held.ahead.pop_front() {
            if block.cid() == cid {
                return Some(block);
            }
        }
        None
    }

    /// The block, if it was kept.
    pub(crate) fn kept(&self, cid: &Cid) -> Option<Bytes> {
        let kept = self.held().block.take();
        kept.filter(|(have, _)| have == cid).map(|(_, bytes)| bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_few_and_come_back() {
        let lanes = Lanes::default();
        let mut paces: Vec<Pace> = (0..LANES).map(|_| lanes.pace()).collect();
        assert_eq!(paces[0].ahead(), 0);
        assert!(paces.iter().all(Pace::enter));
        let late = lanes.pace();
        assert!(!late.enter() && !late.is_fast() && late.is_wanted());
        let cid = Cid::default();
        late.keep(&cid, &Bytes::from_static(b"x"));
        assert_eq!(late.kept(&cid), None);
        paces[0].keep(&cid, &Bytes::from_static(b"x"));
        assert_eq!(paces[0].kept(&cid).as_deref(), Some(&b"x"[..]));
        paces[0].keep(&cid, &Bytes::from_static(b"x"));
        paces[0].leave();
        assert_eq!(paces[0].kept(&cid), None);
        assert!(late.enter());
        assert_eq!(late.ahead(), 0);
        paces.truncate(4);
        assert_eq!(late.ahead(), READ_AHEAD);
    }
}
