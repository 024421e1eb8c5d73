//! Durations in Go's notation: `1h30m`, `22h0m0s`, `250ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::go_text::quote;

const NANOS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A signed duration in nanoseconds, written and read as Go's `time.Duration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct GoDuration(i64);

/// A text that is not a duration in Go's notation, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("time: {problem} {}", quote(text))]
pub struct DurationError {
    problem: String,
    text: String,
}

impl GoDuration {
    /// A duration of so many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A duration of so many seconds; saturates at about 292 years.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The nanoseconds of the duration, which may be negative.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The duration for Rust's clocks; a negative one is `None`.
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.0).ok().map(Duration::from_nanos)
    }
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let error = |problem: String| DurationError {
            problem,
            text: text.to_owned(),
        };
        let invalid = || error("invalid duration".to_owned());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let limit = 1u64 << 63;
        let mut total = 0u64;
        while !rest.is_empty() {
            if !rest.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
                return Err(invalid());
            }
            let (whole, after) = split_digits(rest);
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => split_digits(after),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let end = after
                .find(|c: char| c == '.' || c.is_ascii_digit())
                .unwrap_or(after.len());
            let name = &after[..end];
            if name.is_empty() {
                return Err(error("missing unit in duration".to_owned()));
            }
            let Some((_, unit)) = NANOS.iter().find(|(n, _)| *n == name) else {
                return Err(error(format!("unknown unit {} in duration", quote(name))));
            };
            let whole: u64 = if whole.is_empty() {
                0
            } else {
                whole.parse().map_err(|_| invalid())?
            };
            let mut nanos = whole
                .checked_mul(*unit)
                .filter(|n| *n <= limit)
                .ok_or_else(invalid)?;
            nanos += fraction_nanos(fraction, *unit);
            total = total
                .checked_add(nanos)
                .filter(|n| *n <= limit)
                .ok_or_else(invalid)?;
            rest = &after[end..];
        }
        if negative {
            return Ok(Self((total as i64).wrapping_neg()));
        }
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// What the digits after the point are worth; digits beyond the 18th do not count.
fn fraction_nanos(digits: &str, unit: u64) -> u64 {
    let mut value = 0u64;
    let mut scale = 1f64;
    for digit in digits.bytes().take(18) {
        value = value * 10 + u64::from(digit - b'0');
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{sign}{nanos}ns"),
            1_000..1_000_000 => write!(f, "{sign}{}\u{b5}s", decimal(nanos, 1_000)),
            1_000_000..1_000_000_000 => write!(f, "{sign}{}ms", decimal(nanos, 1_000_000)),
            _ => {
                let minutes = nanos / 60_000_000_000;
                let seconds = decimal(nanos % 60_000_000_000, 1_000_000_000);
                f.write_str(sign)?;
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write!(f, "{seconds}s")
            }
        }
    }
}

/// `nanos / unit` without trailing zeros in the fraction.
fn decimal(nanos: u64, unit: u64) -> String {
    let fraction = nanos % unit;
    if fraction == 0 {
        return (nanos / unit).to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{}.{}", nanos / unit, digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_as_go() {
        for (text, canonical) in [
            ("0", "0s"),
            ("22h", "22h0m0s"),
            ("1m", "1m0s"),
            ("1h30m", "1h30m0s"),
            ("-1.5h", "-1h30m0s"),
            (".5s", "500ms"),
            ("1.5ms", "1.5ms"),
            ("100us", "100\u{b5}s"),
            ("7ns", "7ns"),
            ("1h1ns", "1h0m0.000000001s"),
            ("-9223372036854775808ns", "-2562047h47m16.854775808s"),
        ] {
            let parsed: GoDuration = text.parse().unwrap();
            assert_eq!(parsed.to_string(), canonical, "for {text}");
        }
    }

    #[test]
    fn faults_in_go_words() {
        for (text, message) in [
            ("", "time: invalid duration \"\""),
            ("a", "time: invalid duration \"a\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5x", "time: unknown unit \"x\" in duration \"5x\""),
            (
                "9223372036854775808ns",
                "time: invalid duration \"9223372036854775808ns\"",
            ),
            (".s", "time: invalid duration \".s\""),
        ] {
            assert_eq!(text.parse::<GoDuration>().unwrap_err().to_string(), message);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos: i64) {
            let d = GoDuration::from_nanos(nanos);
            proptest::prop_assert_eq!(d.to_string().parse::<GoDuration>().unwrap(), d);
        }

        #[test]
        fn any_text_is_survived(text in "[-+0-9.hmsnu\u{b5}]{0,20}") {
            let _ = text.parse::<GoDuration>();
        }
    }
}
