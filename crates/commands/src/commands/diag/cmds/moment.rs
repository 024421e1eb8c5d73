//! Moments as Go's JSON has them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::commands::support::{MONTHS, rfc3339};

/// Nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(i128);

const SECOND: i128 = 1_000_000_000;

impl Moment {
    /// What Go has where there is no moment: the first of the year 1.
    pub(super) const NONE: Self = Self(-62_135_596_800 * SECOND);

    pub(super) fn at(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i128::try_from(since.as_nanos()).unwrap_or_default())
    }

    pub(super) fn nanos_since(self, earlier: Self) -> i64 {
        i64::try_from(self.0 - earlier.0).unwrap_or_default()
    }

    /// `Nov 21 12:02:53`.
    pub(super) fn stamp(self) -> String {
        let text = self.text();
        let month: usize = text[5..7].parse().unwrap_or(1);
        let day = text[8..10].trim_start_matches('0');
        format!("{} {day:>2} {}", MONTHS[(month - 1) % 12], &text[11..19])
    }

    fn text(self) -> String {
        let secs = i64::try_from(self.0.div_euclid(SECOND)).unwrap_or_default();
        rfc3339(
            secs,
            u32::try_from(self.0.rem_euclid(SECOND)).unwrap_or_default(),
        )
    }

    /// Reads `2026-11-21T12:02:53.5Z`, also with an offset in place of the `Z`.
    fn parse(text: &str) -> Option<Self> {
        let digits = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
        let time = digits(11, 13)? * 3600 + digits(14, 16)? * 60 + digits(17, 19)?;
        let rest = text.get(19..)?;
        let zone_at = rest.find(['Z', '+', '-'])?;
        let fraction = rest[..zone_at].trim_start_matches('.');
        let nanos: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        let zone = &rest[zone_at..];
        let offset = match zone.split_at(1) {
            ("Z", _) => 0,
            (sign, clock) => {
                let (hours, minutes) = clock.split_once(':')?;
                let size = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
                if sign == "-" { -size } else { size }
            }
        };
        // Years begin in March here, so that a leap day ends its year.
        let (years, months) = if month > 2 {
            (year, month - 3)
        } else {
            (year - 1, month + 9)
        };
        let days = years * 365 + years.div_euclid(4) - years.div_euclid(100)
            + years.div_euclid(400)
            + (months * 153 + 2) / 5
            + day
            - 1
            - 719_468;
        Some(Self(
            i128::from(days * 86_400 + time - offset) * SECOND + i128::from(nanos),
        ))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is not a time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_back() {
        for secs in [
            0i128,
            951_782_400,
            1_795_263_158,
            4_102_444_799,
            -62_135_596_800,
        ] {
            for nanos in [0, 5, 500_000_000] {
                let moment = Moment(secs * SECOND + nanos);
                assert_eq!(
                    Moment::parse(&moment.text()),
                    Some(moment),
                    "{}",
                    moment.text()
                );
            }
        }
        assert_eq!(Moment::NONE.text(), "0001-01-01T00:00:00Z");
        assert_eq!(
            Moment::parse("1970-01-01T01:30:00.25+01:30"),
            Some(Moment(SECOND / 4))
        );
        assert_eq!(Moment(1_795_263_158 * SECOND).stamp(), "Nov 21 12:12:38");
        assert_eq!(Moment(0).stamp(), "Jan  1 00:00:00");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,40}", near in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.0-9Z+:-]{0,12}") {
            let _ = Moment::parse(&text);
            let _ = Moment::parse(&near);
        }
    }
}
