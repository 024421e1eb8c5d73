use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Bytes so far, and bytes in a second lately.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Bandwidth {
    /// Received.
    pub total_in: u64,
    /// Sent.
    pub total_out: u64,
    /// Received in a second.
    pub rate_in: f64,
    /// Sent in a second.
    pub rate_out: f64,
}

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Counts bytes in both directions; many count at a time.
#[derive(Default)]
pub(crate) struct Meter {
    received: Count,
    sent: Count,
}

impl Meter {
    pub(crate) fn receive(&self, bytes: usize) {
        self.received.add(bytes);
    }

    pub(crate) fn send(&self, bytes: usize) {
        self.sent.add(bytes);
    }

    pub(crate) fn read(&self) -> Bandwidth {
        let elapsed = BEGAN.elapsed();
        let (now, part) = (
            elapsed.as_secs() + 1,
            f64::from(elapsed.subsec_millis()) / 1e3,
        );
        Bandwidth {
            total_in: self.received.total.load(Relaxed),
            total_out: self.sent.total.load(Relaxed),
            rate_in: self.received.rate(now, part),
            rate_out: self.sent.rate(now, part),
        }
    }
}

/// Bytes of the present second and of the one before. Two that count at the turn of a second may lose
/// some of the rate, never of the total.
#[derive(Default)]
struct Count {
    total: AtomicU64,
    second: AtomicU64,
    present: AtomicU64,
    before: AtomicU64,
}

impl Count {
    fn add(&self, bytes: usize) {
        let bytes = bytes as u64;
        let now = BEGAN.elapsed().as_secs() + 1;
        self.total.fetch_add(bytes, Relaxed);
        let second = self.second.swap(now, Relaxed);
        if second == now {
            self.present.fetch_add(bytes, Relaxed);
        } else {
            let present = self.present.swap(bytes, Relaxed);
            let before = if second + 1 == now { present } else { 0 };
            self.before.store(before, Relaxed);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    fn rate(&self, now: u64, part: f64) -> f64 {
        let second = self.second.load(Relaxed);
        let (present, before) = (self.present.load(Relaxed), self.before.load(Relaxed));
        match now.checked_sub(second) {
            Some(0) => before as f64 * (1.0 - part) + present as f64,
            Some(1) => present as f64 * (1.0 - part),
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted() {
        let meter = Meter::default();
        meter.receive(3);
        meter.receive(4);
        meter.send(5);
        let read = meter.read();
        assert_eq!((read.total_in, read.total_out), (7, 5));
    }

    #[test]
    fn rates_fade() {
        let count = Count::default();
        count.second.store(10, Relaxed);
        count.present.store(100, Relaxed);
        count.before.store(1000, Relaxed);
        assert!((count.rate(10, 0.25) - 850.0).abs() < 1e-9);
        assert!((count.rate(11, 0.25) - 75.0).abs() < 1e-9);
        assert!(count.rate(12, 0.0).abs() < 1e-9);
    }
}
