//! Bytes as a table.

use std::fmt::Write as _;

/// Sixteen bytes a line: where they stand, in hexadecimal, and as text, as Go's `hex.Dump` and
/// `hexdump -C` show them.
pub(crate) fn hex_dump(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (line, bytes) in bytes.chunks(16).enumerate() {
        // Writing to a string does not fail.
        let _ = write!(out, "{:08x} ", line * 16);
        for at in 0..16 {
            if at % 8 == 0 {
                out.push(' ');
            }
            match bytes.get(at) {
                Some(byte) => drop(write!(out, "{byte:02x} ")),
                None => out.push_str("   "),
            }
        }
        out.push_str(" |");
        out.extend(bytes.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        }));
        out.push_str("|\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::hex_dump;

    #[test]
    fn the_last_line_is_filled_up() {
        let text = hex_dump(b"0123456789abcdef\x00z");
        let blank = " ".repeat(14 * 3 + 1);
        assert_eq!(
            text,
            format!(
                "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n\
                 00000010  00 7a {blank} |.z|\n"
            )
        );
    }
}
