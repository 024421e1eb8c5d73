//! How announcing goes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use basalt_routing::{Announced, Cycle};

use super::Provider;

/// How announcing goes, as of now.
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
}

#[derive(Default)]
struct State {
    online_since: Option<SystemTime>,
    scheduled: u64,
    parts: u64,
    due: Option<u64>,
    cycle: Option<Cycle>,
    keys: u64,
    records: u64,
    failed: u64,
    rates: [(u64, Duration); 2],
    regions: u64,
    peers: (u64, u64),
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

    fn begin(&self, which: usize, keys: usize) -> GoingOn<'_> {
        let keys = keys as u64;
        self.going_on[which].fetch_add(keys, Ordering::Relaxed);
        GoingOn {
            counters: self,
            which,
            keys,
            began: Instant::now(),
        }
    }

    pub(super) fn providing(&self, keys: usize) -> GoingOn<'_> {
        self.begin(0, keys)
    }

    pub(super) fn reproviding(&self, keys: usize) -> GoingOn<'_> {
        self.begin(1, keys)
    }

    pub(super) fn online(&self) {
        let mut state = self.state();
        state.online_since.get_or_insert_with(SystemTime::now);
    }

    pub(super) fn offline(&self) {
        self.state().online_since = None;
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

    pub(super) fn told(&self, keys: u64, records: u64) {
        let mut state = self.state();
        state.keys += keys;
        state.records += records;
    }

    fn add(&self, which: usize, done: &Announced) {
        let mut state = self.state();
        state.keys += done.keys;
        state.records += done.records;
        state.failed += done.failed;
        state.rates[which].0 += done.keys;
        state.peers = (done.peers, done.reached.min(done.peers));
    }

    pub(super) fn announced(&self, done: &Announced) {
        self.add(0, done);
    }

    pub(super) fn announced_again(&self, done: &Announced) {
        self.add(1, done);
        self.state().regions += 1;
    }
}

impl Provider {
    /// How announcing goes.
    pub fn stats(&self) -> ProvideStats {
        let counters = &self.0.counters;
        let state = counters.state();
        let mut rates = state.rates;
        for (rate, busy) in rates.iter_mut().zip(&counters.busy) {
            rate.1 = *busy.lock().unwrap_or_else(PoisonError::into_inner);
        }
        let going_on = |which: usize| counters.going_on[which].load(Ordering::Relaxed);
        let next = state.due.and_then(|due| {
            let place = state.cycle?.target(due, self.0.settings.interval);
            Some((moment(due)?, place))
        });
        let online = self.has_peers().then_some(state.online_since).flatten();
        ProvideStats {
            online_since: online,
            queued: self.0.queue.length.load(Ordering::Relaxed),
            scheduled: state.scheduled,
            parts: state.parts,
            next,
            uptime: counters.began.elapsed(),
            cycle_began: state.cycle.and_then(|cycle| moment(cycle.began)),
            going_on: (going_on(0), going_on(1)),
            keys: state.keys,
            records: state.records,
            failed: state.failed,
            rates,
            regions: state.regions,
            peers: state.peers,
        }
    }
}
