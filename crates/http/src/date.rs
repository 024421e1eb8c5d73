//! Dates in header fields.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

thread_local! {
    static LAST: Cell<(u64, [u8; 29])> = const { Cell::new((u64::MAX, [0; 29])) };
}

/// Now, as IMF-fixdate (RFC 9110, 5.6.7). Formatted once a second and thread.
pub fn now() -> [u8; 29] {
    let secs = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    LAST.with(|last| {
        let (at, text) = last.get();
        if at == secs {
            return text;
        }
        let text = format(secs);
        last.set((secs, text));
        text
    })
}

/// A moment in seconds since 1970, as IMF-fixdate.
pub fn format(secs: u64) -> [u8; 29] {
    let days = secs / 86_400;
    let (hour, minute, second) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
    // Counted from March of year 0, a leap day is the last of its year.
    let from_march = days + 719_468;
    let era = from_march / 146_097;
    let of_era = from_march % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = (shifted + 2) % 12;
    let year = year_of_era + era * 400 + u64::from(month < 2);
    let weekday = DAYS[(days % 7) as usize];
    let text = format!(
        "{weekday}, {day:02} {} {year:04} {hour:02}:{minute:02}:{second:02} GMT",
        MONTHS[month as usize]
    );
    let mut out = [b' '; 29];
    let length = text.len().min(29);
    out[..length].copy_from_slice(&text.as_bytes()[..length]);
    out
}

/// Reads a date in any of the three forms of HTTP (RFC 9110, 5.6.7), in seconds since 1970.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim_matches([' ', '\t']);
    let words: Vec<&str> = text.split([' ', '-']).filter(|w| !w.is_empty()).collect();
    let (day, month, year, time) = match words.as_slice() {
        [weekday, day, month, year, time, "GMT"] if weekday.ends_with(',') => {
            (*day, *month, *year, *time)
        }
        [_, month, day, time, year] => (*day, *month, *year, *time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|m| *m == month)? as i64;
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| -> Option<i64> {
        let fits = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| text.parse().ok())?
    };
    let mut year = number(year, 2..=4)?;
    if year < 100 {
        // Go reads two digits so.
        year += if year >= 69 { 1900 } else { 2000 };
    }
    let day = number(day, 1..=2).filter(|d| (1..=31).contains(d))?;
    let mut clock = time.split(':').map(|part| number(part, 2..=2));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if clock.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // The inverse of `format`, counted from March of year 0 too.
    let (shifted, year) = ((month + 10) % 12, year - i64::from(month < 2));
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        let text = |secs| String::from_utf8(format(secs).to_vec()).unwrap();
        assert_eq!(text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(text(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(text(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(text(4_102_444_799), "Thu, 31 Dec 2099 23:59:59 GMT");
        assert_eq!(now().len(), 29);
    }

    #[test]
    fn dates_are_read_in_three_forms() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(text), Some(784_111_777), "{text}");
        }
        for secs in [0, 951_782_400, 951_868_800, 4_102_444_799] {
            let text = String::from_utf8(format(secs).to_vec()).unwrap();
            assert_eq!(parse(&text), Some(secs as i64));
        }
        for text in [
            "",
            "x",
            "Sun, 06 Nov 1994",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "0",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
