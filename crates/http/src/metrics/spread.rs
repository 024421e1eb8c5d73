//! How values are spread: quantiles of the late ones, and counts below bounds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::exposition::{Exposition, number};

/// Values that quantiles are made of, at most.
const KEPT: usize = 1024;
/// How long a value counts for quantiles.
const AGE: Duration = Duration::from_secs(600);
const QUANTILES: [(&str, f64); 3] = [("0.5", 0.5), ("0.9", 0.9), ("0.99", 0.99)];

/// A summary: sum, count, and quantiles over the values of the last ten minutes.
#[derive(Debug, Default)]
pub struct Summary {
    late: VecDeque<(Instant, f64)>,
    sum: f64,
    count: u64,
}

impl Summary {
    /// Notes a value.
    pub fn note(&mut self, now: Instant, value: f64) {
        if self.late.len() == KEPT {
            self.late.pop_front();
        }
        self.late.push_back((now, value));
        self.sum += value;
        self.count += 1;
    }

    /// Writes the samples of a metric.
    pub fn write(&self, out: &mut Exposition, name: &str, labels: &[(&str, &str)]) {
        let mut late: Vec<f64> = self
            .late
            .iter()
            .filter(|(at, _)| at.elapsed() < AGE)
            .map(|(_, value)| *value)
            .collect();
        late.sort_unstable_by(f64::total_cmp);
        for (text, quantile) in QUANTILES {
            let mut labels = labels.to_vec();
            labels.push(("quantile", text));
            let rank = (late.len() as f64 * quantile).ceil() as usize;
            let value = late.get(rank.saturating_sub(1)).copied();
            out.sample(name, &labels, value.unwrap_or(f64::NAN));
        }
        out.sample(&format!("{name}_sum"), labels, self.sum);
        out.sample(&format!("{name}_count"), labels, self.count as f64);
    }
}

/// A histogram over fixed bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// Nothing yet, over these bounds.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
        }
    }

    /// One that was counted elsewhere: a count for each bound, and one for what is above them.
    pub fn of(bounds: &'static [f64], counts: Vec<u64>, sum: f64) -> Self {
        Self {
            bounds,
            counts,
            sum,
        }
    }

    /// Notes a value.
    pub fn note(&mut self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at] += 1;
        self.sum += value;
    }

    /// Writes the samples of a metric.
    pub fn write(&self, out: &mut Exposition, name: &str, labels: &[(&str, &str)]) {
        let mut below = 0;
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        for (bound, count) in bounds.zip(&self.counts) {
            below += count;
            let bound = number(bound);
            let mut labels = labels.to_vec();
            labels.push(("le", &bound));
            out.sample(&format!("{name}_bucket"), &labels, below as f64);
        }
        out.sample(&format!("{name}_sum"), labels, self.sum);
        out.sample(&format!("{name}_count"), labels, below as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_there() {
        let mut summary = Summary::default();
        (1..=2000).for_each(|n| summary.note(Instant::now(), f64::from(n)));
        let mut out = Exposition::default();
        summary.write(&mut out, "s", &[]);
        let text = out.text();
        assert!(text.contains("s{quantile=\"0.5\"} 1488\n"), "{text}");
        assert!(text.contains("s_sum 2001000\n"), "{text}");
        assert!(text.contains("s_count 2000\n"), "{text}");
    }

    #[test]
    fn an_empty_summary_has_no_quantiles() {
        let mut out = Exposition::default();
        Summary::default().write(&mut out, "s", &[]);
        assert!(out.text().starts_with("s{quantile=\"0.5\"} NaN\n"));
    }

    #[test]
    fn buckets_add_up() {
        let mut histogram = Histogram::new(&[1.0, 2.5]);
        [0.5, 1.0, 2.0, 9.0]
            .into_iter()
            .for_each(|value| histogram.note(value));
        let mut out = Exposition::default();
        histogram.write(&mut out, "h", &[("a", "b")]);
        assert_eq!(
            out.text(),
            "h_bucket{a=\"b\",le=\"1\"} 2\nh_bucket{a=\"b\",le=\"2.5\"} 3\nh_bucket{a=\"b\",le=\"+Inf\"} 4\nh_sum{a=\"b\"} 12.5\nh_count{a=\"b\"} 4\n"
        );
    }
}
