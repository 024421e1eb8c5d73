//! How announcing goes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use basalt_routing::{Announced, Cycle, Scope};

use super::Provider;
use super::workers::{Work, WorkerStats};
use crate::route::Told;

/// How announcing goes in one DHT, as of now.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct ProvideStats {
    /// Since when there is somebody to tell; `None` while there is nobody.
    pub online_since: Option<SystemTime>,
    /// Roots that wait to be announced for the first time.
    pub queued: u64,
    /// What the strategy names.
    pub scheduled: u64,
    /// How many parts the space is announced in.
    pub parts: u64,
    /// When the next keys are announced again, and the first bits of their places.
    pub next: Option<(SystemTime, u64)>,
    /// How long it has been announced.
    pub uptime: Duration,
    /// When the cycle began.
    pub cycle_began: Option<SystemTime>,
    /// Keys that are being announced: new ones, and ones that are announced again.
    pub going_on: (u64, u64),
    /// Keys that were announced.
    pub keys: u64,
    /// How often a peer was told of a key.
    pub records: u64,
    /// Keys that nobody could be told of.
    pub failed: u64,
    /// Keys that were announced for the first time, and again, and how long either took.
    pub rates: [(u64, Duration); 2],
    /// Groups of keys that were announced again.
    pub regions: u64,
    /// Peers that the last announcement found, and how many of them could be told.
    pub peers: (u64, u64),
    /// Who announces.
    pub workers: WorkerStats,
}

#[derive(Default)]
struct State {
    scheduled: u64,
    parts: u64,
    due: Option<u64>,
    cycle: Option<Cycle>,
    /// Of the internet's DHT, and of the local network's.
    told: [Figures; 2],
}

/// What has happened in one DHT.
#[derive(Default)]
struct Figures {
    online_since: Option<SystemTime>,
    keys: u64,
    records: u64,
    failed: u64,
    announced: [u64; 2],
    regions: u64,
    peers: (u64, u64),
}

impl Figures {
    fn add(&mut self, work: Work, done: &Announced) {
        self.keys += done.keys;
        self.records += done.records;
        self.failed += done.failed;
        self.announced[work as usize] += done.keys;
        self.regions += u64::from(work == Work::Again);
        self.peers = (done.peers, done.reached.min(done.peers));
    }
}

pub(super) struct Counters {
    began: Instant,
    going_on: [AtomicU64; 2],
    busy: [Mutex<Duration>; 2],
    state: Mutex<State>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            going_on: Default::default(),
            busy: Default::default(),
            state: Mutex::default(),
        }
    }
}

/// Keys that are being announced until this is dropped.
pub(super) struct GoingOn<'a> {
    counters: &'a Counters,
    which: usize,
    keys: u64,
    began: Instant,
}

impl Drop for GoingOn<'_> {
    fn drop(&mut self) {
        self.counters.going_on[self.which].fetch_sub(self.keys, Ordering::Relaxed);
        let busy = &self.counters.busy[self.which];
        *busy.lock().unwrap_or_else(PoisonError::into_inner) += self.began.elapsed();
    }
}

fn moment(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

impl Counters {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, work: Work, keys: usize) -> GoingOn<'_> {
        let (which, keys) = (work as usize, keys as u64);
        self.going_on[which].fetch_add(keys, Ordering::Relaxed);
        GoingOn {
            counters: self,
            which,
            keys,
            began: Instant::now(),
        }
    }

    /// Whether there is somebody to tell now.
    pub(super) fn online(&self, scope: Scope, is: bool) {
        let since = &mut self.state().told[scope as usize].online_since;
        *since = is.then(|| since.unwrap_or_else(SystemTime::now));
    }

    pub(super) fn scheduled(&self, keys: u64, parts: u64) {
        let mut state = self.state();
        state.scheduled = keys;
        state.parts = parts;
    }

    pub(super) fn next(&self, due: u64) {
        self.state().due = Some(due);
    }

    pub(super) fn cycle(&self, cycle: Cycle) {
        self.state().cycle = Some(cycle);
    }

    /// So many peers were told of a single key.
    pub(super) fn told(&self, scope: Scope, records: u64) {
        let figures = &mut self.state().told[scope as usize];
        figures.keys += 1;
        figures.records += records;
    }

    pub(super) fn announced(&self, work: Work, told: &Told) {
        let mut state = self.state();
        for (figures, done) in state.told.iter_mut().zip(told) {
            if let Some(done) = done {
                figures.add(work, done);
            }
        }
    }
}

impl Provider {
    /// How announcing goes in the internet's DHT, or in the local network's; `None` where the config puts routing
    /// together itself, so that there are no two.
    pub fn stats(&self, scope: Scope) -> Option<ProvideStats> {
        if scope == Scope::Lan && self.0.routing.dht().is_none() {
            return None;
        }
        self.note_peers();
        let counters = &self.0.counters;
        let state = counters.state();
        let figures = &state.told[scope as usize];
        let busy = |which: usize| {
            let busy = &counters.busy[which];
            *busy.lock().unwrap_or_else(PoisonError::into_inner)
        };
        let rates = [0, 1].map(|which| (figures.announced[which], busy(which)));
        let going_on = |which: usize| counters.going_on[which].load(Ordering::Relaxed);
        let next = state.due.and_then(|due| {
            let place = state.cycle?.target(due, self.0.settings.interval);
            Some((moment(due)?, place))
        });
        Some(ProvideStats {
            online_since: figures.online_since,
            queued: self.0.queue.length.load(Ordering::Relaxed),
            scheduled: state.scheduled,
            parts: state.parts,
            next,
            uptime: counters.began.elapsed(),
            cycle_began: state.cycle.and_then(|cycle| moment(cycle.began)),
            going_on: (going_on(0), going_on(1)),
            keys: figures.keys,
            records: figures.records,
            failed: figures.failed,
            rates,
            regions: figures.regions,
            peers: figures.peers,
            workers: self.0.workers.stats(),
        })
    }
}
