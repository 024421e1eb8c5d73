use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use basalt_block::{Cid, Multihash};

use super::want::{Ask, State};
use crate::PeerTraits;
use crate::message::WantType;

/// Blocks asked of one peer at a time: at first, at least, at most.
const WINDOW: f64 = 16.0;
const WINDOW_MIN: f64 = 2.0;
const WINDOW_MAX: f64 = 512.0;
/// Answers that take longer than this mean that too much was asked.
const SLOW: Duration = Duration::from_secs(2);
const QUICK: Duration = Duration::from_millis(800);
/// The patience with a peer that says nothing at all.
const PATIENCE_MIN: Duration = Duration::from_secs(1);
const PATIENCE_MAX: Duration = Duration::from_secs(4);
/// The patience with one want while others are answered.
const OVERTAKEN: Duration = Duration::from_secs(3);
/// The patience with a peer that sends bytes but answers nothing.
const LONGEST: Duration = Duration::from_secs(20);
/// Lines that may wait to be said before those that are void are thrown out.
const QUEUE: usize = 4096;

/// What is to be said to a peer.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) blocks: VecDeque<Multihash>,
    pub(super) haves: VecDeque<Multihash>,
    pub(super) cancels: BTreeMap<Multihash, Cid>,
    /// Whether what is said next replaces all that was said before.
    pub(super) full: bool,
}

impl Outbox {
    /// To ask for something takes back that it was withdrawn: the peer's list has it still.
    pub(super) fn push(&mut self, kind: WantType, hash: Multihash) {
        self.cancels.remove(&hash);
        match kind {
            WantType::Block => self.blocks.push_back(hash),
            WantType::Have => self.haves.push_back(hash),
        }
    }

    pub(super) fn withdraw(&mut self, cid: Cid) {
        self.cancels.insert(*cid.hash(), cid);
    }

    /// Whether a peer that does not listen has let it grow too long.
    pub(super) fn is_long(&self) -> bool {
        self.blocks
            .len()
            .max(self.haves.len())
            .max(self.cancels.len())
            > QUEUE
    }
}

/// A peer, as the client sees it.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) traits: PeerTraits,
    /// Whether it knows HAVE and DONT_HAVE.
    pub(super) presence: bool,
    /// Whether a block or a HAVE ever came from it.
    pub(super) useful: bool,
    pub(super) outbox: Outbox,
    /// Everything it was asked about and that is still wanted.
    pub(super) asked: BTreeSet<Multihash>,
    /// Blocks that it is being asked for.
    pub(super) fetching: usize,
    /// Blocks that it is being asked about.
    pub(super) probing: usize,
    /// Those of them that it has been told of.
    pub(super) probes_sent: usize,
    pub(super) window: f64,
    /// How long an answer takes.
    pub(super) latency: Duration,
    /// When it last answered.
    pub(super) progress: Duration,
    /// When bytes last came from it, of whatever kind.
    pub(super) heard: Duration,
    /// The latest ask that was answered.
    pub(super) answered: u64,
    /// What was asked, the oldest first; some have been answered since.
    pub(super) sent: VecDeque<(Multihash, u64)>,
}

impl Peer {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            traits: PeerTraits::default(),
            presence: true,
            useful: false,
            outbox: Outbox::default(),
            asked: BTreeSet::new(),
            fetching: 0,
            probing: 0,
            probes_sent: 0,
            window: WINDOW,
            latency: Duration::from_millis(200),
            progress: now,
            heard: now,
            answered: 0,
            sent: VecDeque::new(),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        (self.fetching as f64) < self.window
    }

    /// How busy it is, from 0 to about 1000.
    pub(super) fn load(&self) -> usize {
        (self.fetching as f64 * 1000.0 / self.window) as usize
    }

    /// Something is not asked of it any more.
    pub(super) fn settle(&mut self, hash: &Multihash, ask: &Ask) {
        self.asked.remove(hash);
        self.release(ask);
    }

    /// An answer to something is not waited for any more.
    pub(super) fn release(&mut self, ask: &Ask) {
        if ask.is_live() {
            let count = match ask.kind {
                WantType::Block => &mut self.fetching,
                WantType::Have => &mut self.probing,
            };
            *count = count.saturating_sub(1);
            if ask.kind == WantType::Have && ask.state == State::Sent {
                self.probes_sent = self.probes_sent.saturating_sub(1);
            }
        }
    }

    /// It has answered something that was sent at `at`.
    pub(super) fn answered(&mut self, now: Duration, ask: &Ask, block: bool) {
        self.progress = now;
        self.answered = self.answered.max(ask.order);
        let took = now.saturating_sub(ask.at);
        self.latency = (self.latency * 7 + took) / 8;
        if !block {
            return;
        }
        if took < QUICK {
            self.window = (self.window + 1.0).min(WINDOW_MAX);
        } else if took > SLOW {
            self.window = (self.window * 0.95).max(WINDOW_MIN);
        }
    }

    /// How long it may keep silent.
    pub(super) fn patience(&self) -> Duration {
        (self.latency * 4).clamp(PATIENCE_MIN, PATIENCE_MAX)
    }

    /// Whether the answer to this ask is not worth waiting for any longer.
    pub(super) fn is_late(&self, now: Duration, ask: &Ask) -> bool {
        let age = now.saturating_sub(ask.at);
        let still = now.saturating_sub(self.progress);
        let silent = still.min(now.saturating_sub(self.heard));
        let patience = self.patience();
        (age >= patience && silent >= patience)
            || (self.answered > ask.order && age >= OVERTAKEN.max(self.latency * 2).min(LONGEST))
            || (age >= LONGEST && still >= LONGEST)
    }

    /// It has disappointed: less is asked of it for now.
    pub(super) fn failed(&mut self) {
        self.window = (self.window / 2.0).max(WINDOW_MIN);
    }
}
