//! Percentiles of request times.

use std::time::Duration;

/// The times of a series of requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies {
    times: Vec<Duration>,
}

impl Latencies {
    /// Adds the time of one request.
    pub(crate) fn push(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// Adds those of another series.
    pub(crate) fn extend(&mut self, other: Self) {
        self.times.extend(other.times);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// The shortest time, in seconds, that at least `part` (of 1) of the requests kept to.
    pub(crate) fn percentile(&self, part: f64) -> Option<f64> {
        let mut times = self.times.clone();
        times.sort_unstable();
        let rank = (part * times.len() as f64).ceil() as usize;
        times.get(rank.max(1) - 1).map(Duration::as_secs_f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(0.99), None);
        for second in (1..=100).rev() {
            latencies.push(Duration::from_secs(second));
        }
        assert_eq!(latencies.percentile(0.5), Some(50.0));
        assert_eq!(latencies.percentile(0.99), Some(99.0));
        assert_eq!(latencies.percentile(1.0), Some(100.0));
        assert_eq!(latencies.percentile(0.0), Some(1.0));
    }
}
