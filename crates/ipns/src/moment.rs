//! Moments as records have them: text of RFC 3339 in UTC, with nanoseconds.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment in UTC. Its text has as many digits of a second as there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Seconds since 1970.
    pub secs: i64,
    /// Nanoseconds below a second.
    pub nanos: u32,
}

const NANOS: i128 = 1_000_000_000;

impl Moment {
    /// The present moment.
    pub fn now() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            secs: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            nanos: now.subsec_nanos(),
        }
    }

    /// The moment so many nanoseconds later.
    pub fn after(self, nanos: i64) -> Self {
        let all = i128::from(self.secs) * NANOS + i128::from(self.nanos) + i128::from(nanos);
        Self {
            secs: i64::try_from(all.div_euclid(NANOS)).unwrap_or(i64::MAX),
            nanos: all.rem_euclid(NANOS) as u32,
        }
    }

    /// The time since another moment; none if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        let all = |moment: Self| i128::from(moment.secs) * NANOS + i128::from(moment.nanos);
        let nanos = (all(self) - all(earlier)).max(0);
        let secs = u64::try_from(nanos / NANOS).unwrap_or(u64::MAX);
        Duration::new(secs, (nanos % NANOS) as u32)
    }

    /// Year, month and day of the Gregorian calendar.
    pub fn date(self) -> (i64, u32, u32) {
        let days = self.secs.div_euclid(86_400);
        // Eras of 400 years that begin in March, so that a leap day ends its year.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = (from_march + 2) % 12 + 1;
        (
            year_of_era + era * 400 + i64::from(month <= 2),
            month as u32,
            (day_of_year - (153 * from_march + 2) / 5 + 1) as u32,
        )
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let second = self.secs.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if self.nanos != 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text.as_bytes()).ok_or_else(|| {
            format!(
                "parsing time {text:?} as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \
                 {text:?} as \"2006\""
            )
        })
    }
}

fn read(text: &[u8]) -> Option<Moment> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let number = |from: usize, to: usize| digits(&date_time[from..to]);
    let marks = [4, 7, 10, 13, 16].map(|at| date_time[at]);
    if &marks != b"--T::" {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month)
        || !(1..=days_in(year, month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    let offset = offset(rest)?;
    let secs = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Moment {
        secs: secs - offset,
        nanos,
    })
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        Some(number * 10 + i64::from(digit))
    })
}

/// Digits behind a point; those below a nanosecond are passed over.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(rest) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let end = rest.iter().take_while(|c| c.is_ascii_digit()).count();
    if end == 0 {
        return None;
    }
    let mut nanos = [b'0'; 9];
    let known = end.min(9);
    nanos[..known].copy_from_slice(&rest[..known]);
    Some((digits(&nanos)? as u32, &rest[end..]))
}

/// `Z`, or hours and minutes ahead of UTC; in seconds.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        b"Z" => Some(0),
        [sign @ (b'+' | b'-'), clock @ ..] if clock.len() == 5 && clock[2] == b':' => {
            let (hours, minutes) = (digits(&clock[..2])?, digits(&clock[3..])?);
            let seconds = hours * 3600 + minutes * 60;
            (hours <= 24 && minutes < 60).then_some(if *sign == b'+' { seconds } else { -seconds })
        }
        _ => None,
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_moment() {
        for text in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00Zx",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00+25:00",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
        let same = [
            "2026-01-01T02:30:00.5+02:30",
            "2026-01-01T00:00:00.5000000009Z",
        ];
        for text in same {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(moment.to_string(), "2026-01-01T00:00:00.5Z");
        }
    }

    proptest::proptest! {
        #[test]
        fn text_and_moment_are_one(secs in -62_135_596_800_i64..253_402_300_799, nanos in 0..1_000_000_000_u32) {
            let moment = Moment { secs, nanos };
            assert_eq!(moment.to_string().parse::<Moment>().unwrap(), moment);
        }
    }
}
