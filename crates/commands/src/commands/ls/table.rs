//! Listings as text.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{GO_DIRECTORY, Link, Listing, NO_TIME, Options};
use crate::commands::support::{MONTHS, write_columns};
use crate::{Result, View};

/// The directory that was written last.
#[derive(Default)]
pub(crate) struct State {
    last: String,
}

/// Half a year: younger files show the time, older ones the year.
const RECENT: i64 = 182 * 86_400;

pub(super) fn write(
    view: &View<Options>,
    state: &mut State,
    event: &Listing,
    w: &mut dyn Write,
) -> Result<()> {
    let options = &view.options;
    let mut lines = Vec::new();
    for object in &event.objects {
        if object.hash != state.last {
            if event.several || view.meta.args.len() > 1 {
                if !state.last.is_empty() {
                    lines.push(Vec::new());
                }
                lines.push(format!("{}:", object.hash).into_bytes());
            }
            if options.headers {
                lines.push(row(options, "Mode", "Hash", "Size", "ModTime", "Name"));
            }
            state.last.clone_from(&object.hash);
        }
        lines.extend(object.links.iter().map(|link| line(options, link)));
    }
    // What comes piece by piece cannot be aligned with what is still to come.
    write_columns(w, &lines, if options.stream { 10 } else { 1 })?;
    Ok(())
}

fn line(options: &Options, link: &Link) -> Vec<u8> {
    let directory = matches!(link.r#type, 1 | 5 | 3);
    let size = if directory {
        "-".to_owned()
    } else {
        link.size.to_string()
    };
    let slash = if directory { "/" } else { "" };
    let mut line = row(
        options,
        &mode_text(link.mode),
        &link.hash,
        &size,
        &time_text(&link.mod_time),
        "",
    );
    line.extend_from_slice(&link.name.shown());
    line.extend_from_slice(slash.as_bytes());
    line
}

fn row(options: &Options, mode: &str, hash: &str, size: &str, time: &str, name: &str) -> Vec<u8> {
    let row = match (options.long, options.size) {
        (true, true) => format!("{mode}\t{hash}\t{size}\t{time}\t{name}"),
        (true, false) => format!("{mode}\t{hash}\t{time}\t{name}"),
        (false, true) => format!("{hash}\t{size}\t{name}"),
        (false, false) => format!("{hash}\t{name}"),
    };
    row.into_bytes()
}

/// Permissions as `ls -l` shows them; a dash where none were stored.
fn mode_text(mode: u32) -> String {
    if mode == 0 {
        return "-".to_owned();
    }
    let mut text = String::with_capacity(10);
    text.push(if mode & GO_DIRECTORY != 0 { 'd' } else { '-' });
    for (shift, special, letters) in [
        (6, 1 << 23, ('s', 'S')),
        (3, 1 << 22, ('s', 'S')),
        (0, 1 << 20, ('t', 'T')),
    ] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => letters.0,
            (false, true) => letters.1,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// A moment as `ls -l` shows it, in UTC; a dash where none was stored.
fn time_text(time: &str) -> String {
    if time == NO_TIME || time.len() < 16 {
        return "-".to_owned();
    }
    // The text is our own: year-month-dayThour:minute…
    let number = |range: std::ops::Range<usize>| {
        time.get(range)
            .and_then(|t| t.parse::<i64>().ok())
            .unwrap_or(0)
    };
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let name = usize::try_from(month - 1)
        .ok()
        .and_then(|m| MONTHS.get(m))
        .unwrap_or(&"???");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs() as i64);
    let age = now - approximate_seconds(year, month, day);
    if (-86_400..RECENT).contains(&age) {
        return format!("{name} {day:02} {}", &time[11..16]);
    }
    format!("{name} {day:02}  {year:04}")
}

/// Seconds since 1970 of a day, right to a day or two: it only tells recent from old.
fn approximate_seconds(year: i64, month: i64, day: i64) -> i64 {
    let days = (year - 1970) * 1461 / 4 + (month - 1) * 3044 / 100 + day;
    days * 86_400
}
