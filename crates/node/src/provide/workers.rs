//! How much is announced side by side: `Provide.DHT.MaxWorkers`, of which some do one kind of work alone.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Workers at most, whatever the config says: each may hold some hundred kilobytes.
const MOST: usize = 2048;

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Announcing what is new: Kubo's bursts.
    New,
    /// Announcing again what is due: Kubo's periodic work.
    Again,
}

/// Who works, and who waits for a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkerStats {
    /// Workers that announce what is new, and what is due again.
    pub active: (u64, u64),
    /// Announcements that wait for one.
    pub queued: (u64, u64),
}

pub(super) struct Workers {
    /// Those that do either work.
    free: Semaphore,
    kinds: [Kind; 2],
}

struct Kind {
    own: Semaphore,
    all: usize,
    active: AtomicU64,
    queued: AtomicU64,
}

/// A worker, until it is dropped.
pub(super) struct Worker<'a> {
    _permit: Option<SemaphorePermit<'a>>,
    _active: Counted<'a>,
}

/// Counts one, until it is dropped.
struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Workers {
    /// So many workers, of which some are kept for what is due again, and some for what is new.
    pub(super) fn new((most, again, new): (i64, i64, i64)) -> Self {
        let count = |n: i64| usize::try_from(n).unwrap_or(0).min(MOST);
        let (again, new) = (count(again), count(new));
        let most = if most == 0 { MOST } else { count(most) };
        let free = most.saturating_sub(again + new);
        // Kubo would never do a kind of work that nobody is left for.
        let free = match free == 0 && (again == 0 || new == 0) {
            true => 1,
            false => free,
        };
        let kind = |own: usize| Kind {
            own: Semaphore::new(own),
            all: own + free,
            active: AtomicU64::default(),
            queued: AtomicU64::default(),
        };
        Self {
            free: Semaphore::new(free),
            kinds: [kind(new), kind(again)],
        }
    }

    fn kind(&self, work: Work) -> &Kind {
        match work {
            Work::New => &self.kinds[0],
            Work::Again => &self.kinds[1],
        }
    }

    /// How many can do this work at a time.
    pub(super) fn most(&self, work: Work) -> usize {
        self.kind(work).all
    }

    /// Waits for a worker. One that is kept for this work is taken first.
    pub(super) async fn get(&self, work: Work) -> Worker<'_> {
        let kind = self.kind(work);
        let permit = match kind.own.try_acquire().or_else(|_| self.free.try_acquire()) {
            Ok(permit) => Some(permit),
            Err(_) => {
                let _queued = Counted::new(&kind.queued);
                // Nothing closes them.
                tokio::select! {
                    biased;
                    permit = kind.own.acquire() => permit.ok(),
                    permit = self.free.acquire() => permit.ok(),
                }
            }
        };
        Worker {
            _permit: permit,
            _active: Counted::new(&kind.active),
        }
    }

    pub(super) fn stats(&self) -> WorkerStats {
        let [new, again] = &self.kinds;
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        WorkerStats {
            active: (count(&new.active), count(&again.active)),
            queued: (count(&new.queued), count(&again.queued)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn some_are_kept_for_one_kind_of_work() {
        let workers = Workers::new((4, 2, 1));
        assert_eq!((workers.most(Work::New), workers.most(Work::Again)), (2, 3));
        let mut new = vec![workers.get(Work::New).await, workers.get(Work::New).await];
        assert!(workers.get(Work::New).now_or_never().is_none());
        let again = [
            workers.get(Work::Again).await,
            workers.get(Work::Again).await,
        ];
        {
            let mut waits = Box::pin(workers.get(Work::Again));
            assert!(waits.as_mut().now_or_never().is_none());
            let stats = workers.stats();
            assert_eq!((stats.active, stats.queued), ((2, 2), (0, 1)));
            // The second of them was free for either.
            new.pop();
            assert!(waits.now_or_never().is_some());
        }
        drop((new, again));
        assert_eq!(workers.stats(), WorkerStats::default());
    }

    #[tokio::test]
    async fn no_work_is_left_to_nobody() {
        for settings in [(2, 2, 0), (1, 0, 1), (1, 0, 0), (0, 0, 0), (i64::MAX, 1, 1)] {
            let workers = Workers::new(settings);
            for work in [Work::New, Work::Again] {
                assert!((1..=MOST).contains(&workers.most(work)), "{settings:?}");
                assert!(workers.get(work).now_or_never().is_some());
            }
        }
    }
}
