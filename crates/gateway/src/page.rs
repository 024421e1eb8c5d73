//! Pages that are made here: listings, blocks, errors. They work without scripts, on small screens
//! and in the dark.

pub(crate) mod dag;
pub(crate) mod error;
pub(crate) mod listing;

use std::fmt::Write;

use basalt_http::mux::escaped;

/// Changes whenever a page of this program looks different: it stands in their validators.
pub(crate) const VERSION: &str = "b1";

const STYLE: &str = include_str!("page/style.css");

/// Writes what stands before the content of a page.
pub(crate) fn begin(out: &mut String, title: &str, description: &str) {
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"description\" content=\"{description}\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<main id=\"main\">\n",
        escaped(title)
    );
}

/// What stands behind the content of a page.
pub(crate) const END: &str = "</main>\n</body>\n</html>\n";

/// A number of bytes for people: `1.2 kB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 10 {
        return format!("{bytes} B");
    }
    let power = (bytes as f64).log(1000.0).floor().clamp(0.0, 6.0);
    let value = (bytes as f64 / 1000f64.powf(power) * 10.0 + 0.5).floor() / 10.0;
    let unit = UNITS[power as usize];
    match value < 10.0 {
        true => format!("{value:.1} {unit}"),
        false => format!("{value:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (9, "9 B"),
            (10, "10 B"),
            (1000, "1.0 kB"),
            (1234, "1.2 kB"),
            (82_854_982, "83 MB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
