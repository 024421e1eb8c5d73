//! Strings as Go's `%q` quotes them: error texts that clients see contain them.

mod newer;

use std::cmp::Ordering;
use std::fmt::Write as _;

fn push_escaped(out: &mut String, c: char, quote: char) {
    match c {
        c if c == quote || c == '\\' => {
            out.push('\\');
            out.push(c);
        }
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        c if (c as u32) < 0x20 || c == '\u{7f}' => {
            let _ = write!(out, "\\x{:02x}", c as u32);
        }
        c if is_print(c) => out.push(c),
        c if c <= '\u{ffff}' => {
            let _ = write!(out, "\\u{:04x}", c as u32);
        }
        c => {
            let _ = write!(out, "\\U{:08x}", c as u32);
        }
    }
}

/// Whether Go's `strconv.IsPrint` takes `c` for something that can be shown: letters, marks,
/// numbers, punctuation, symbols and the plain space.
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let is_newer = newer::NEWER
        .binary_search_by(|(first, last)| match c as u32 {
            code if code < *first => Ordering::Greater,
            code if code > *last => Ordering::Less,
            _ => Ordering::Equal,
        })
        .is_ok();
    if is_newer {
        return false;
    }
    // Rust escapes the same, and combining marks where they come first.
    let mut after_a_letter = [b'x'; 5];
    let len = 1 + c.encode_utf8(&mut after_a_letter[1..]).len();
    std::str::from_utf8(&after_a_letter[..len]).is_ok_and(|text| text.escape_debug().count() == 2)
}

/// `text` in double quotes, as `%q` writes it. Bytes that are not UTF-8 are escaped one by one.
pub fn quote(text: impl AsRef<[u8]>) -> String {
    let text = text.as_ref();
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut out, c, '"');
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

/// `c` in single quotes, as Go's JSON decoder names an unexpected character.
pub(crate) fn quote_char(c: char) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, c, '\'');
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted with Go 1.26. A newer Rust may know more characters: they belong into `NEWER`.
    #[test]
    fn as_many_characters_are_printable_as_in_go() {
        let all = ('\u{80}'..=char::MAX).filter(|c| is_print(*c));
        assert_eq!(all.count(), 148_903);
    }

    #[test]
    fn quotes_as_go() {
        assert_eq!(quote("a\"b\\c\n\u{1}é"), "\"a\\\"b\\\\c\\n\\x01é\"");
        assert_eq!(quote(b"\xff\x7fx"), r#""\xff\x7fx""#);
        assert_eq!(
            quote("e\u{301}\u{301}\u{200b}\u{a0}\u{e0001}"),
            "\"e\u{301}\u{301}\\u200b\\u00a0\\U000e0001\""
        );
        assert!(is_print('\u{fffd}') && is_print('\u{301}') && !is_print('\u{85}'));
        assert_eq!(quote_char('\''), "'\\''");
        assert_eq!(quote_char('"'), "'\"'");
    }
}
