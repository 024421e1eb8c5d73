//! Reading small blocks without a change of threads, as long as the disk answers like memory.
//!
//! A block that is in the system's page cache is read in a few microseconds, a tenth of what it
//! costs to hand the read to another thread and to be woken again. Whether it is there is known
//! only by reading. So small reads are done in line, and watched; one that had to wait for long
//! sends those that follow to the pool for a while, twice as long each time, and nobody waits behind
//! a slow disk more than now and then. A read that took long because the thread had to give its
//! processor to another one says nothing of the disk.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The largest block that is read in line, in bytes.
pub(crate) const SMALL: u64 = 32 << 10;
/// A read that takes longer came from the disk.
const SLOW: Duration = Duration::from_micros(150);
/// How long the pool reads after the first slow read, and after many.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Swift {
    origin: Instant,
    /// Microseconds after `origin` until which the pool reads.
    until: AtomicU64,
    /// Microseconds of the next such while.
    pause: AtomicU32,
}

impl Swift {
    pub(crate) fn new() -> Self {
        let pause = AtomicU32::new(SHORTEST.as_micros() as u32);
        Self {
            origin: Instant::now(),
            until: AtomicU64::new(0),
            pause,
        }
    }

    /// Runs `read` if reads are swift at present.
    pub(crate) fn try_read<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        let began = Instant::now();
        if self.micros(began) < self.until.load(Ordering::Relaxed) {
            return None;
        }
        let waits = waits_of_thread();
        let value = read();
        let ended = Instant::now();
        if ended - began > SLOW && (waits.is_none() || waits != waits_of_thread()) {
            let pause = self.pause.load(Ordering::Relaxed);
            let next = pause.saturating_mul(2).min(LONGEST.as_micros() as u32);
            self.pause.store(next, Ordering::Relaxed);
            let until = self.micros(ended) + u64::from(pause);
            self.until.store(until, Ordering::Relaxed);
        } else {
            self.pause
                .store(SHORTEST.as_micros() as u32, Ordering::Relaxed);
        }
        Some(value)
    }

    fn micros(&self, at: Instant) -> u64 {
        (at - self.origin).as_micros() as u64
    }
}

/// How often this thread has waited for something so far, where the system tells.
fn waits_of_thread() -> Option<i64> {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let usage = getrusage(UsageWho::RUSAGE_THREAD).ok()?;
        Some(usage.voluntary_context_switches())
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_read_sends_the_next_ones_away() {
        let swift = Swift::new();
        assert_eq!(swift.try_read(|| 1), Some(1));
        let slow = || std::thread::sleep(2 * SLOW);
        assert!(swift.try_read(slow).is_some());
        assert_eq!(swift.try_read(|| 1), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_read_that_worked_all_the_time_is_not_slow() {
        // Something else may make the thread wait; not each time.
        let worked = (0..50).any(|_| {
            let swift = Swift::new();
            let work = || {
                let began = Instant::now();
                while began.elapsed() < 2 * SLOW {}
            };
            swift.try_read(work).is_some() && swift.try_read(|| 1).is_some()
        });
        assert!(worked);
    }
}
