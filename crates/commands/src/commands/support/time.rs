//! Moments as text, in UTC.

use basalt::ipns::Moment;

/// The day and time of a moment.
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
}

/// Short names of the months.
pub(crate) const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The Gregorian date of a moment, in seconds since 1970.
pub(crate) fn civil(secs: i64) -> Civil {
    let (year, month, day) = Moment { secs, nanos: 0 }.date();
    let second = secs.rem_euclid(86_400) as u32;
    Civil {
        year,
        month,
        day,
        hour: second / 3600,
        minute: second / 60 % 60,
        second: second % 60,
    }
}

/// A moment as Go's JSON has it: RFC 3339, with as many digits of a second as there are.
pub(crate) fn rfc3339(secs: i64, nanos: u32) -> String {
    Moment { secs, nanos }.to_string()
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn dates_are_gregorian() {
        assert_eq!(rfc3339(0, 0), "1970-01-01T00:00:00Z");
        assert_eq!(
            rfc3339(1_795_263_158, 118_820_497),
            "2026-11-21T12:12:38.118820497Z"
        );
        assert_eq!(rfc3339(951_782_400, 500_000_000), "2000-02-29T00:00:00.5Z");
        assert_eq!(rfc3339(-62_135_596_800, 0), "0001-01-01T00:00:00Z");
    }
}
