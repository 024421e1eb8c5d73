//! Sizes for people, as the library that Kubo uses writes them.

const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// A number of bytes in units of a thousand: `82 MB`, `1.5 kB`.
pub(crate) fn human_bytes(bytes: u64) -> String {
    if bytes < 10 {
        return format!("{bytes} B");
    }
    let power = bytes.ilog(1000) as usize;
    let value = bytes as f64 / 1000f64.powi(power as i32);
    // Rounded to one decimal first, and half up: 9.96 is shown as 10.
    let value = (value * 10.0 + 0.5).floor() / 10.0;
    let decimals = usize::from(value < 10.0);
    format!("{value:.decimals$} {}", UNITS[power])
}

/// A number of bytes in units of 1024, as Kubo's progress shows them: `2.86 MiB`.
pub(crate) fn binary_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let power = (bytes.ilog(1024) as usize).min(UNITS.len());
    let value = bytes as f64 / 1024f64.powi(power as i32);
    format!("{value:.2} {}", UNITS[power - 1])
}

#[cfg(test)]
mod tests {
    use super::human_bytes;

    #[test]
    fn sizes_read_as_kubo_writes_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (9, "9 B"),
            (10, "10 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1549, "1.5 kB"),
            (1550, "1.6 kB"),
            (9960, "10 kB"),
            (82_854_982, "83 MB"),
            (10_000_000_000, "10 GB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(human_bytes(bytes), text);
        }
    }
}
