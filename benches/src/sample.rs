//! What a work yields.

/// The unit of a value, and how a reader likes to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Shown as s, ms or us.
    Seconds,
    /// Shown as kB, MB or GB (powers of ten).
    Bytes,
    Count,
    PerSecond,
    /// One of the same side's values divided by another.
    Factor,
}

impl Unit {
    /// As the JSON report names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::PerSecond => "1/s",
            Self::Factor => "factor",
        }
    }

    /// Whether a smaller value is the better one; none where neither is.
    pub(crate) fn smaller_is_better(self) -> Option<bool> {
        match self {
            Self::Seconds | Self::Bytes | Self::Factor => Some(true),
            Self::PerSecond => Some(false),
            Self::Count => None,
        }
    }

    /// The value with a unit that fits it.
    pub(crate) fn show(self, value: f64) -> String {
        let (value, unit) = match self {
            Self::Seconds if value >= 1.0 => (value, " s"),
            Self::Seconds if value >= 1e-3 => (value * 1e3, " ms"),
            Self::Seconds if value > 0.0 => (value * 1e6, " us"),
            Self::Seconds => (0.0, " s"),
            Self::Bytes if value.abs() >= 1e9 => (value / 1e9, " GB"),
            Self::Bytes if value.abs() >= 1e6 => (value / 1e6, " MB"),
            Self::Bytes => (value / 1e3, " kB"),
            Self::Count => return format!("{value:.0}"),
            Self::PerSecond => (value, " /s"),
            Self::Factor => (value, "x"),
        };
        let digits = match value.abs() {
            value if value >= 100.0 => 0,
            value if value >= 10.0 => 1,
            _ => 2,
        };
        format!("{value:.digits$}{unit}")
    }
}

/// One measured value.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) work: &'static str,
    pub(crate) metric: &'static str,
    pub(crate) unit: Unit,
    pub(crate) value: f64,
    /// 0 is A, 1 is B.
    pub(crate) side: usize,
}

/// The middle of `values`; none of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        len if len % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn values_are_shown_with_a_fitting_unit() {
        assert_eq!(Unit::Seconds.show(6.4), "6.40 s");
        assert_eq!(Unit::Seconds.show(0.277), "277 ms");
        assert_eq!(Unit::Seconds.show(0.000_132), "132 us");
        assert_eq!(Unit::Bytes.show(1_073_741_824.0), "1.07 GB");
        assert_eq!(Unit::Bytes.show(0.0), "0.00 kB");
        assert_eq!(Unit::Count.show(300_000.0), "300000");
    }
}
