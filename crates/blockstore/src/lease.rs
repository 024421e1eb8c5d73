//! Epochs: what lets garbage collection run beside writers without stopping them.
//!
//! Every stored block carries the epoch in which it was last written, where writing a block that
//! is there already counts. A [`Lease`] keeps every block of its own epoch and later; a sweep
//! ([`Horizon`]) deletes only what is older than its beginning and than every lease that was alive
//! then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The clock of one store: epochs are minutes since 1970 that never run backwards, so that writing
/// the same blocks again within a minute costs nothing. A sweep moves the clock on; a store keeps
/// the last epoch it wrote, for what was written after a sweep would be spared for a minute
/// otherwise.
#[derive(Debug, Clone, Default)]
pub struct Epochs(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    current: u32,
    leases: BTreeMap<u32, usize>,
}

/// Keeps what is written or written again while it lives. Dropped when the writer's root is pinned,
/// or given up.
#[derive(Debug)]
pub struct Lease {
    epochs: Epochs,
    epoch: u32,
}

/// What a sweep may delete: blocks last written before `oldest_kept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// The first epoch that is spared.
    pub oldest_kept: u32,
    /// Whether leases from before the sweep keep what is older than its beginning.
    pub held_back: bool,
}

impl Epochs {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Epochs that go on from the last one of a store that was closed.
    pub fn starting_at(last: u32) -> Self {
        let epochs = Self::default();
        epochs.lock().current = last;
        epochs
    }

    /// The epoch that a write of now belongs to.
    pub fn current(&self) -> u32 {
        self.lock().tick()
    }

    /// Begins a lease: blocks written from now on are kept while it lives.
    pub fn lease(&self) -> Lease {
        let mut inner = self.lock();
        let epoch = inner.tick();
        *inner.leases.entry(epoch).or_default() += 1;
        drop(inner);
        Lease {
            epochs: self.clone(),
            epoch,
        }
    }

    /// Begins a sweep: everything written from now on, or under a lease that lives now, is spared.
    pub fn begin_sweep(&self) -> Horizon {
        let mut inner = self.lock();
        let began = inner.tick().saturating_add(1);
        inner.current = began;
        let oldest_lease = inner.leases.keys().next().copied();
        Horizon {
            oldest_kept: oldest_lease.map_or(began, |lease| began.min(lease)),
            held_back: oldest_lease.is_some_and(|lease| lease < began),
        }
    }

    /// The oldest epoch that a live lease keeps; `None` when nothing is leased.
    pub fn oldest_lease(&self) -> Option<u32> {
        self.lock().leases.keys().next().copied()
    }
}

impl Inner {
    fn tick(&mut self) -> u32 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_secs() / 60);
        self.current = self.current.max(u32::try_from(now).unwrap_or(u32::MAX - 1));
        self.current
    }
}

impl Horizon {
    /// What spares this epoch and all later ones.
    pub fn of(oldest_kept: u32) -> Self {
        Self {
            oldest_kept,
            held_back: false,
        }
    }

    /// Whether a block last written in `epoch` is spared. An epoch later than `current` was written
    /// under a clock that has since been set back: nobody holds it.
    pub fn spares(&self, epoch: u32, current: u32) -> bool {
        epoch >= self.oldest_kept && epoch <= current
    }
}

impl Lease {
    /// The first epoch that this lease keeps.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The clock that it is a lease of, for those who keep something of their own beside the blocks.
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut inner = self.epochs.lock();
        if let Some(count) = inner.leases.get_mut(&self.epoch) {
            *count -= 1;
            if *count == 0 {
                inner.leases.remove(&self.epoch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_spares_what_is_written_after_it_began() {
        let epochs = Epochs::default();
        let before = epochs.current();
        let horizon = epochs.begin_sweep();
        assert!(!horizon.spares(before, epochs.current()));
        assert!(horizon.spares(epochs.current(), epochs.current()));
    }

    #[test]
    fn a_sweep_spares_what_a_live_lease_wrote() {
        let epochs = Epochs::default();
        let lease = epochs.lease();
        let horizon = epochs.begin_sweep();
        assert!(horizon.held_back && horizon.spares(lease.epoch(), epochs.current()));
        drop(lease);
        let next = epochs.begin_sweep();
        assert!(!next.held_back);
        assert!(!next.spares(horizon.oldest_kept, epochs.current()));
    }
}
