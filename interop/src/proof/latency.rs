//! How long one request takes, again and again.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Result;

/// Times of single requests.
#[derive(Debug, Default, Clone)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    /// Calls `request` until `stop`, with a pause so that the probe is no load of its own.
    pub(crate) fn probe(
        stop: &AtomicBool,
        pause: Duration,
        mut request: impl FnMut() -> Result<()>,
    ) -> Result<Self> {
        let mut times = Vec::new();
        while !stop.load(Relaxed) {
            let start = Instant::now();
            request()?;
            times.push(start.elapsed());
            std::thread::sleep(pause);
        }
        times.sort_unstable();
        Ok(Self(times))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time in microseconds that this part of the requests stays within.
    pub(crate) fn micros(&self, part: f64) -> u64 {
        let last = self.0.len().saturating_sub(1);
        let at = (self.0.len() as f64 * part) as usize;
        let time = self.0.get(at.min(last)).copied().unwrap_or_default();
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_sorted_times() {
        let times = Latencies((1..=1000).map(Duration::from_micros).collect());
        assert_eq!(times.micros(0.5), 501);
        assert_eq!(times.micros(0.99), 991);
        assert_eq!(times.micros(1.0), 1000);
        assert_eq!(Latencies::default().micros(0.5), 0);
    }
}
