//! Figures as Kubo's statistics write them.

use basalt::repo::GoDuration;

/// A number with commas, and with so many digits of its fraction at most.
pub(crate) fn full(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", truncated(value, digits));
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, fraction.trim_end_matches('0')),
        None => (text.as_str(), ""),
    };
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => ("-", whole),
        None => ("", whole),
    };
    let mut out = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Digits are cut off, not rounded.
fn truncated(value: f64, digits: usize) -> f64 {
    let scale = 10f64.powi(i32::try_from(digits).unwrap_or(0));
    // What is one digit short of a number because of binary fractions is that number.
    ((value * scale) + 1e-9).trunc() / scale
}

/// A number with a prefix for thousands.
pub(crate) fn si(value: f64, digits: usize) -> String {
    let mut scaled = value;
    for prefix in ["", "k", "M", "G", "T"] {
        if scaled.abs() < 1000.0 {
            return format!("{}{prefix}", full(scaled, digits));
        }
        scaled /= 1000.0;
    }
    format!("{}P", full(scaled, digits))
}

/// A count, short and in full where those differ.
pub(crate) fn count(value: u64) -> String {
    let (short, long) = (si(value as f64, 0), full(value as f64, 0));
    match short == long {
        true => short,
        false => format!("{short}\t({long})"),
    }
}

/// What there is only if it is more than nothing.
pub(crate) fn or_none(value: f64, write: impl Fn(f64) -> String) -> String {
    match value > 0.0 {
        true => write(value),
        false => "N/A".to_owned(),
    }
}

/// A duration in nanoseconds, to tenths of a second.
pub(crate) fn duration(nanos: i64) -> String {
    let step = if nanos > 1_000_000_000 {
        100_000_000
    } else {
        1000
    };
    GoDuration::from_nanos(nanos - nanos % step).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_kubo_writes_them() {
        assert_eq!(full(1234.56, 1), "1,234.5");
        assert_eq!(full(20.0, 1), "20");
        assert_eq!(full(999.0, 0), "999");
        assert_eq!(si(12_345.0, 1), "12.3k");
        assert_eq!(si(0.0, 1), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(12_345), "12k\t(12,345)");
        assert_eq!(or_none(0.0, |v| full(v, 1)), "N/A");
        assert_eq!(duration(98_321_000_000), "1m38.3s");
        assert_eq!(duration(1_234_567), "1.234ms");
    }
}
