//! Figures for those who watch a node.

use std::time::Duration;

/// Bounds of the sizes of blocks, as Kubo has them.
const BLOCK_SIZES: &[f64] = &[64.0, 1024.0, 16_384.0, 262_144.0, 262_159.0, 4_194_304.0];
/// Bounds of the sizes of what peers answer, in bytes, as Kubo has them.
pub const ANSWER_SIZES: &[f64] = &[
    1.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
    2_097_152.0,
    4_190_208.0,
];
/// Bounds of the seconds that it takes to send a message.
const SEND_TIMES: &[f64] = &[1.0, 10.0, 30.0, 60.0, 90.0, 120.0, 600.0];
/// Bounds of the seconds that it takes to send a wantlist, as Kubo has them.
pub const WANTLIST_TIMES: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0,
];

/// How values are spread over bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// The bounds.
    pub bounds: &'static [f64],
    /// A count for each bound, and one for what is above them.
    pub counts: Vec<u64>,
    /// All values together.
    pub sum: f64,
}

impl Spread {
    /// Nothing yet over bounds that ascend.
    pub fn over(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
        }
    }

    fn note(&mut self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at] += 1;
        self.sum += value;
    }

    /// Counts so many bytes.
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    pub fn size(&mut self, bytes: usize) {
        self.note(bytes as f64);
    }

    /// Counts seconds.
    pub fn time(&mut self, time: Duration) {
        self.note(time.as_secs_f64());
    }
}

/// What passed since the start.
#[derive(Debug, Clone)]
pub struct Meter {
    /// Blocks that came.
    pub received: Spread,
    /// Those of them that nobody waited for.
    pub duplicate: Spread,
    /// Blocks that were sent.
    pub sent: Spread,
    /// Messages with blocks that came.
    pub answers: Spread,
    /// How long messages took to leave.
    pub send_times: Spread,
    /// How long messages with wants took to leave.
    pub wantlist_times: Spread,
    /// Messages with wants that were sent.
    pub wantlists: u64,
    /// Lines of those.
    pub wantlist_items: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            received: Spread::over(BLOCK_SIZES),
            duplicate: Spread::over(BLOCK_SIZES),
            sent: Spread::over(BLOCK_SIZES),
            answers: Spread::over(ANSWER_SIZES),
            send_times: Spread::over(SEND_TIMES),
            wantlist_times: Spread::over(WANTLIST_TIMES),
            wantlists: 0,
            wantlist_items: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_under_the_first_bound_that_holds_them() {
        let mut spread = Spread::over(BLOCK_SIZES);
        for size in [0, 64, 65, 5 << 20] {
            spread.size(size);
        }
        assert_eq!(spread.counts, [2, 1, 0, 0, 0, 0, 1]);
        assert!((spread.sum - (129 + (5 << 20)) as f64).abs() < 0.5);
    }
}
