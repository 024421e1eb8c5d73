//! What one peer wants, and how far each want has come.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};

use basalt_block::{Cid, Multihash};

use super::as_block;
use crate::message::{Entry, Presence, WantType};

/// Wants looked up in one visit to the store.
const LOOK: usize = 1024;
/// HAVE and DONT_HAVE in one message.
const ANSWERS: usize = 2048;

/// How far a want has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is to be looked up.
    Unknown,
    /// It is being looked up; `true` when it has to be once more.
    Looking(bool),
    /// The store has not got it; the peer may be glad of it later.
    Absent,
    /// A HAVE is to be said.
    Have,
    /// The block is to be read; its size.
    Ready(usize),
    /// The block is being read.
    Reading(usize),
    /// The block has been read.
    Read,
}

#[derive(Debug)]
struct Want {
    cid: Cid,
    priority: i32,
    order: u64,
    kind: WantType,
    send_dont_have: bool,
    state: State,
    /// Whether it stands in `answers`.
    queued: bool,
    /// Whether it stands in `absent`.
    listed: bool,
}

type Place = (Reverse<i32>, u64, Multihash);

/// A bounded wantlist.
#[derive(Debug, Default)]
pub(super) struct Wantlist {
    wants: HashMap<Multihash, Want>,
    unknown: VecDeque<Multihash>,
    ready: BTreeSet<Place>,
    ready_bytes: usize,
    /// Wants whose HAVE or DONT_HAVE is to be said.
    answers: VecDeque<Multihash>,
    /// Being read although the want was withdrawn.
    orphans: HashMap<Multihash, usize>,
    /// Those that the store has not got, the oldest first; some may have gone since.
    absent: VecDeque<Multihash>,
    /// All wants, the least first.
    ranks: BTreeSet<(i32, Reverse<u64>, Multihash)>,
    order: u64,
}

/// What became of a want.
pub(super) struct Added {
    /// Whether it is in the list now and was not before.
    pub(super) new: bool,
    /// Which had to go for it.
    pub(super) evicted: Option<Multihash>,
}

impl Wantlist {
    pub(super) fn is_empty(&self) -> bool {
        self.wants.is_empty()
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = &Multihash> {
        self.wants.keys()
    }

    pub(super) fn cids(&self) -> impl Iterator<Item = Cid> {
        self.wants.values().map(|w| w.cid)
    }

    pub(super) fn ready_bytes(&self) -> usize {
        self.ready_bytes
    }

    /// Adds a want, or renews it. When the list is full, one that the store has not got goes, or
    /// else one of lower priority.
    pub(super) fn want(&mut self, entry: &Entry, max: usize) -> Added {
        let hash = *entry.cid.hash();
        if let Some(want) = self.wants.get_mut(&hash) {
            let stronger = entry.want == WantType::Block && want.kind == WantType::Have;
            want.kind = if stronger { WantType::Block } else { want.kind };
            want.send_dont_have |= entry.send_dont_have;
            want.cid = entry.cid;
            match want.state {
                State::Absent => self.look_again(&hash),
                // It asked whether it is here and now wants it.
                State::Have if stronger => self.look_again(&hash),
                State::Looking(_) if stronger => want.state = State::Looking(true),
                _ => {}
            }
            return Added {
                new: false,
                evicted: None,
            };
        }
        let mut evicted = None;
        if self.wants.len() >= max {
            evicted = self.least(entry.priority);
            match &evicted {
                Some(least) => self.remove(least),
                None => {
                    return Added {
                        new: false,
                        evicted,
                    };
                }
            };
        }
        self.order += 1;
        self.wants.insert(
            hash,
            Want {
                cid: entry.cid,
                priority: entry.priority,
                order: self.order,
                kind: entry.want,
                send_dont_have: entry.send_dont_have,
                state: State::Unknown,
                queued: false,
                listed: false,
            },
        );
        self.unknown.push_back(hash);
        self.ranks
            .insert((entry.priority, Reverse(self.order), hash));
        Added { new: true, evicted }
    }

    /// What has to go for a want of this priority.
    fn least(&mut self, priority: i32) -> Option<Multihash> {
        while let Some(hash) = self.absent.pop_front() {
            if let Some(want) = self.wants.get_mut(&hash) {
                want.listed = false;
                if want.state == State::Absent {
                    return Some(hash);
                }
            }
        }
        let (least, _, hash) = self.ranks.first()?;
        (*least < priority).then_some(*hash)
    }

    /// Forgets a want; says whether there was one.
    pub(super) fn remove(&mut self, hash: &Multihash) -> bool {
        let Some(want) = self.wants.remove(hash) else {
            return false;
        };
        self.ranks
            .remove(&(want.priority, Reverse(want.order), *hash));
        match want.state {
            State::Ready(size) => {
                self.ready
                    .remove(&(Reverse(want.priority), want.order, *hash));
                self.ready_bytes -= size;
            }
            State::Reading(size) => {
                *self.orphans.entry(*hash).or_default() += size;
            }
            _ => {}
        }
        // The queues that name it would grow if wants came and went without being looked at.
        if self.unknown.len() > 2 * self.wants.len() + LOOK {
            self.unknown.retain(|hash| self.wants.contains_key(hash));
        }
        if self.absent.len() > 2 * self.wants.len() + LOOK {
            self.absent.retain(|hash| self.wants.contains_key(hash));
        }
        if self.answers.len() > 2 * self.wants.len() + LOOK {
            self.answers.retain(|hash| self.wants.contains_key(hash));
        }
        true
    }

    pub(super) fn clear(&mut self) -> Vec<Multihash> {
        let all: Vec<Multihash> = self.wants.keys().copied().collect();
        for hash in &all {
            self.remove(hash);
        }
        all
    }

    /// The block may be in the store now, or be wanted otherwise.
    pub(super) fn look_again(&mut self, hash: &Multihash) {
        let Some(want) = self.wants.get_mut(hash) else {
            return;
        };
        match want.state {
            State::Looking(_) => want.state = State::Looking(true),
            State::Absent | State::Have => {
                want.state = State::Unknown;
                self.unknown.push_back(*hash);
            }
            _ => {}
        }
    }

    pub(super) fn next_look(&mut self) -> Vec<Cid> {
        let mut cids = Vec::new();
        while cids.len() < LOOK {
            let Some(hash) = self.unknown.pop_front() else {
                break;
            };
            if let Some(want) = self.wants.get_mut(&hash)
                && want.state == State::Unknown
            {
                want.state = State::Looking(false);
                cids.push(want.cid);
            }
        }
        cids
    }

    /// What the store said of a want.
    pub(super) fn looked(&mut self, hash: &Multihash, size: Option<u64>, replace: usize) {
        let Some(want) = self.wants.get_mut(hash) else {
            return;
        };
        match want.state {
            State::Looking(_) | State::Read => {}
            _ => return,
        }
        match size {
            Some(size) if as_block(want.kind, size, replace) => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                want.state = State::Ready(size);
                self.ready
                    .insert((Reverse(want.priority), want.order, *hash));
                self.ready_bytes = self.ready_bytes.saturating_add(size);
            }
            Some(_) => {
                want.state = State::Have;
                if !std::mem::replace(&mut want.queued, true) {
                    self.answers.push_back(*hash);
                }
            }
            None if want.state == State::Looking(true) => {
                want.state = State::Unknown;
                self.unknown.push_back(*hash);
            }
            None => {
                want.state = State::Absent;
                if !std::mem::replace(&mut want.listed, true) {
                    self.absent.push_back(*hash);
                }
                if want.send_dont_have && !std::mem::replace(&mut want.queued, true) {
                    self.answers.push_back(*hash);
                }
            }
        }
    }

    /// The most urgent block to read, and its size.
    pub(super) fn next_read(&mut self) -> Option<(Cid, usize)> {
        let (_, _, hash) = self.ready.pop_first()?;
        let want = self.wants.get_mut(&hash)?;
        let State::Ready(size) = want.state else {
            return None;
        };
        self.ready_bytes -= size;
        want.state = State::Reading(size);
        Some((want.cid, size))
    }

    /// A block was read; gives the size that it was thought to have.
    pub(super) fn read(&mut self, hash: &Multihash) -> Option<usize> {
        if let Some(size) = self.orphans.remove(hash) {
            return Some(size);
        }
        let want = self.wants.get_mut(hash)?;
        let State::Reading(size) = want.state else {
            return None;
        };
        want.state = State::Read;
        Some(size)
    }

    /// Whether the block is wanted, and has just been read.
    pub(super) fn is_unread(&self, hash: &Multihash) -> bool {
        self.wants.get(hash).is_some_and(|w| w.state == State::Read)
    }

    pub(super) fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// HAVE and DONT_HAVE to say, and the wants that are done with that.
    pub(super) fn take_answers(&mut self) -> (Vec<Presence>, Vec<Multihash>) {
        let (mut presences, mut done) = (Vec::new(), Vec::new());
        while presences.len() < ANSWERS {
            let Some(hash) = self.answers.pop_front() else {
                break;
            };
            let Some(want) = self.wants.get_mut(&hash) else {
                continue;
            };
            want.queued = false;
            let have = match want.state {
                State::Have => true,
                State::Absent => false,
                _ => continue,
            };
            if have {
                done.push(hash);
            }
            presences.push(Presence {
                cid: want.cid,
                have,
            });
        }
        for hash in &done {
            self.remove(hash);
        }
        (presences, done)
    }
}

#[cfg(test)]
impl Wantlist {
    /// Entries of everything that can grow.
    pub(super) fn footprint(&self) -> usize {
        self.wants.len()
            + self.unknown.len()
            + self.ready.len()
            + self.answers.len()
            + self.orphans.len()
            + self.absent.len()
            + self.ranks.len()
    }
}
