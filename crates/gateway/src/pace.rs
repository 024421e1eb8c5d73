//! How much memory an answer holds while its client takes it.
//!
//! An answer on a *lane* holds the blocks that it sends and reads some ahead. Lanes are few; when they get
//! scarce, a client that takes nothing for a moment loses its own, and gets none again before it has shown
//! that it keeps up. Every other answer holds a copy of at most [`PIECE`] bytes, and reads what the client
//! had no room for again once it has. To read and hand out a longer block it takes its *turn*: a part of
//! one budget of bytes, for as long as the block is in hand. A turn is never held while something else is
//! waited for, be it the client or another node, so it always comes. A thousand clients that stand still
//! cost no more than a few that do not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use basalt_block::{Block, Cid};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many answers may hold blocks.
const LANES: usize = 32;
/// With fewer free lanes, nothing is read ahead, and lanes are lost.
const PLENTY: usize = 24;
/// With more answers at a time, long blocks are held in turns.
const CROWD: usize = 32;
/// What is read ahead of a client, in bytes.
const READ_AHEAD: usize = 512 << 10;
/// With more free lanes, long steps are taken through what is in the store.
const MOST: usize = LANES - 4;
/// What is read ahead then, in two steps: each takes some turns of threads, whatever its length.
const LONG_STEPS: usize = 4 << 20;
/// How long a client may take nothing before it loses its lane.
pub(crate) const PATIENCE: Duration = Duration::from_millis(200);
/// How many pieces in a row a client that lost its lane has to take at once before it may have one that
/// others want.
const PROBATION: u8 = 8;
/// What answers without a lane may have in hand together, in bytes of blocks.
const BUDGET: usize = 16 << 20;
/// The budget is given out in pieces of so many bytes.
const UNIT: usize = 4 << 10;
/// Blocks that are longer are rare: so much is taken where the length is not known.
const LONG: usize = 1 << 20;
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
            turns: Arc::new(Semaphore::new(BUDGET / UNIT)),
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
    /// How many pieces the client still has to take at once.
    probation: u8,
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
        if held.lane.is_none() && (held.probation == 0 || self.0.lanes.are_plenty()) {
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
        *self.held() = Held {
            probation: PROBATION,
            ..Held::default()
        };
    }

    /// The client took a piece at once.
    pub(crate) fn kept_up(&self) {
        let mut held = self.held();
        held.probation = held.probation.saturating_sub(1);
    }

    /// Whether a block may be read and held without a turn: there is a lane, or few answers are being
    /// made.
    pub(crate) fn is_free(&self) -> bool {
        self.0.lanes.running.load(Ordering::Relaxed) <= CROWD || self.is_fast()
    }

    /// Takes a turn for a block of any length, if that can be had at once or the answer has its turn.
    pub(crate) fn try_turn(&self) -> bool {
        let mut held = self.held();
        if held.turn.is_none() {
            let turns = self.0.lanes.turns.clone();
            held.turn = turns.try_acquire_many_owned(units(LONG)).ok();
        }
        held.turn.is_some()
    }

    /// Waits for a turn that is long enough for so many bytes.
    pub(crate) async fn take_turn(&self, bytes: usize) {
        {
            let mut held = self.held();
            if held
                .turn
                .as_ref()
                .is_some_and(|turn| turn.num_permits() >= units(bytes) as usize)
            {
                return;
            }
            // Nobody waits with a turn in hand.
            held.turn = None;
        }
        let turns = self.0.lanes.turns.clone();
        // It is never closed.
        let turn = turns.acquire_many_owned(units(bytes)).await.ok();
        self.held().turn = turn;
    }

    /// Gives back what a block of so many bytes does not need of a turn.
    pub(crate) fn trim_turn(&self, bytes: usize) {
        let mut held = self.held();
        let needed = match bytes {
            0..=PIECE => 0,
            bytes => units(bytes) as usize,
        };
        if needed == 0 {
            held.turn = None;
        } else if let Some(turn) = &mut held.turn {
            drop(turn.split(turn.num_permits().saturating_sub(needed)));
        }
    }

    /// Ends the turn: no block is held any more.
    pub(crate) fn put_down(&self) {
        let mut held = self.held();
        held.turn = None;
        if held.lane.is_none() {
            held.block = None;
        }
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

    /// The same for `length` bytes of the store: what comes from elsewhere had better come bit by bit.
    pub(crate) fn ahead_in_store(&self, length: u64) -> usize {
        let ahead = self.ahead();
        let longer = self.0.lanes.lanes.available_permits() >= MOST;
        match ahead > 0 && longer && length > ahead as u64 {
            true => LONG_STEPS,
            false => ahead,
        }
    }

    /// Keeps a block that is needed again, as long as the answer has a lane or its turn.
    pub(crate) fn keep(&self, cid: &Cid, bytes: &Bytes) {
        let mut held = self.held();
        if held.lane.is_some() || held.turn.is_some() {
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

/// What so many bytes take of the budget: at most all of it.
fn units(bytes: usize) -> u32 {
    bytes.div_ceil(UNIT).clamp(1, BUDGET / UNIT) as u32
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn turns_share_one_budget_and_are_waited_for() {
        let lanes = Lanes::default();
        let paces: Vec<Pace> = (0..40).map(|_| lanes.pace()).collect();
        assert!(!paces[0].is_free());
        let took = |pace: &Pace| pace.take_turn(4 << 20).now_or_never().is_some();
        assert!(paces[..4].iter().all(took));
        assert!(took(&paces[0]) && !took(&paces[4]) && !paces[4].try_turn());
        // A block turned out to be shorter.
        paces[0].trim_turn(3 << 20);
        assert!(paces[4].try_turn() && !took(&paces[5]));
        // One that is longer than the budget gets all of it, when nobody else has any.
        assert!(paces[6].take_turn(BUDGET * 2).now_or_never().is_none());
        paces.iter().for_each(Pace::put_down);
        assert!(paces[6].take_turn(BUDGET * 2).now_or_never().is_some());
        assert!(!paces[0].try_turn());
        // What is kept in a turn goes with it.
        let cid = Cid::default();
        paces[6].keep(&cid, &Bytes::from_static(b"x"));
        paces[6].put_down();
        assert_eq!(paces[6].kept(&cid), None);
        assert!(paces[0].try_turn());
        paces[0].trim_turn(PIECE);
        assert!(took(&paces[7]));
    }

    #[test]
    fn who_lost_a_lane_gets_none_that_others_want_before_it_keeps_up() {
        let lanes = Lanes::default();
        let paces: Vec<Pace> = (0..10).map(|_| lanes.pace()).collect();
        assert!(paces.iter().all(Pace::enter));
        paces[0].leave();
        assert!(!paces[0].enter());
        (0..PROBATION).for_each(|_| paces[0].kept_up());
        assert!(paces[0].enter());
        paces[0].leave();
        drop(paces[5..].to_vec());
        paces[1..4].iter().for_each(Pace::leave);
        assert!(paces[0].enter());
    }

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
        assert!(!paces[0].enter() && late.enter());
        assert_eq!(late.ahead(), 0);
        paces.truncate(5);
        assert_eq!(late.ahead(), READ_AHEAD);
        let long = READ_AHEAD as u64 + 1;
        assert_eq!(late.ahead_in_store(long), READ_AHEAD);
        paces.truncate(4);
        assert_eq!(late.ahead_in_store(long - 1), READ_AHEAD);
        assert_eq!(late.ahead_in_store(long), LONG_STEPS);
    }
}
