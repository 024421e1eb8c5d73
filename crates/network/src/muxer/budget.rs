use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::account::Account;

/// What may have come and not been read, on all connections. Beyond it a connection gets one frame of
/// usual size at a time.
const UNREAD: usize = 16 << 20;
/// What may wait to be sent, on all connections. Beyond it a connection has one frame at a time waiting.
const UNSENT: usize = 8 << 20;
/// A connection that holds no more than this is in nobody's way.
const LITTLE: usize = 256 << 10;
/// What is left when the budget is short.
const SHORT: usize = 128 << 10;
/// How long connections are waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// One on which so long nothing was read makes room for others.
    pub(super) deaf: Duration,
    /// One for whose next frame there is no room, and on which nothing is read for so long, ends.
    pub(super) stuck: Duration,
    /// One that takes no byte for so long ends.
    pub(super) untaken: Duration,
    /// How often one that waits looks around.
    pub(super) look: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            deaf: Duration::from_secs(3),
            stuck: Duration::from_secs(60),
            untaken: Duration::from_secs(60),
            look: Duration::from_millis(500),
        }
    }
}

/// What all connections may hold together.
#[derive(Default)]
pub(crate) struct Budget {
    pub(super) patience: Patience,
    unread: AtomicUsize,
    unsent: AtomicUsize,
    accounts: Mutex<Vec<Weak<Account>>>,
    /// Whether some connection waits for room.
    short: AtomicBool,
}

impl Budget {
    fn accounts(&self) -> MutexGuard<'_, Vec<Weak<Account>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn join(&self, account: Weak<Account>) {
        let mut accounts = self.accounts();
        // Those that have ended go when there is no room left for new ones.
        if accounts.len() == accounts.capacity() {
            accounts.retain(|account| account.strong_count() > 0);
        }
        accounts.push(account);
    }

    /// Takes room for what has come, if there is some.
    pub(super) fn try_take(&self, cost: usize) -> bool {
        let taken = |used: usize| Some(used + cost).filter(|used| *used <= UNREAD);
        let fits = self
            .unread
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, taken);
        if fits.is_err() {
            self.short.store(true, Ordering::Release);
        }
        fits.is_ok()
    }

    /// Takes room even if there is none.
    pub(super) fn take(&self, cost: usize) {
        self.unread.fetch_add(cost, Ordering::AcqRel);
    }

    /// Gives room back.
    pub(super) fn give(&self, cost: usize) {
        self.unread.fetch_sub(cost, Ordering::AcqRel);
        if cost > 0
            && self.short.load(Ordering::Acquire)
            && self.short.swap(false, Ordering::AcqRel)
        {
            let all: Vec<_> = self.accounts().iter().filter_map(Weak::upgrade).collect();
            for account in all {
                account.wake();
            }
        }
    }

    /// When the budget is short, ends the connection that holds the most of those on which nothing is read,
    /// if that is much.
    pub(super) fn make_room(&self) {
        if self.unread.load(Ordering::Acquire) + SHORT < UNREAD {
            return;
        }
        let all: Vec<_> = self.accounts().iter().filter_map(Weak::upgrade).collect();
        let least = self.patience.deaf;
        let deaf = all
            .into_iter()
            .filter(|account| account.deaf_for() >= least);
        let largest = deaf.max_by_key(|account| account.held());
        if let Some(account) = largest.filter(|account| account.held() > LITTLE) {
            account.condemn();
        }
    }

    pub(super) fn may_send(&self) -> bool {
        self.unsent.load(Ordering::Acquire) < UNSENT
    }

    pub(super) fn queued(&self, bytes: usize) {
        self.unsent.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.unsent.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// What is unread and unsent, on all connections.
    #[cfg(test)]
    pub(super) fn used(&self) -> (usize, usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::Acquire);
        (read(&self.unread), read(&self.unsent))
    }
}
