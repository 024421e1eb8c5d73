//! Figures of what was done many times.

use std::time::Duration;

/// How long each of many took.
pub(crate) struct Times(pub(crate) Vec<Duration>);

impl Times {
    /// Prints the median, the hundredth that took longest, and the worst.
    pub(crate) fn print(mut self, what: &str) {
        self.0.sort();
        let at = |share: f64| self.0[((self.0.len() - 1) as f64 * share) as usize];
        let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
        println!("{what:32} p50 {p50:>9.2?}  p99 {p99:>9.2?}  max {max:>9.2?}");
    }
}
