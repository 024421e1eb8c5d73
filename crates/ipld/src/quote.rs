/// Text in double quotes as Go's `%q` writes it.
pub fn go_quote(text: impl AsRef<[u8]>) -> String {
    use std::fmt::Write;
    let text = text.as_ref();
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            let escaped = match c {
                '"' | '\\' => write!(out, "\\{c}"),
                '\x07' => write!(out, "\\a"),
                '\x08' => write!(out, "\\b"),
                '\x0c' => write!(out, "\\f"),
                '\n' => write!(out, "\\n"),
                '\r' => write!(out, "\\r"),
                '\t' => write!(out, "\\t"),
                '\x0b' => write!(out, "\\v"),
                ..' ' | '\x7f' => write!(out, "\\x{:02x}", u32::from(c)),
                _ if is_printable(c) => write!(out, "{c}"),
                _ if c <= '\u{ffff}' => write!(out, "\\u{:04x}", u32::from(c)),
                _ => write!(out, "\\U{:08x}", u32::from(c)),
            };
            debug_assert!(escaped.is_ok(), "a string takes every character");
        }
        for byte in chunk.invalid() {
            let escaped = write!(out, "\\x{byte:02x}");
            debug_assert!(escaped.is_ok(), "a string takes every character");
        }
    }
    out.push('"');
    out
}

fn is_printable(c: char) -> bool {
    // Rust escapes combining marks that stand alone, Go does not.
    c.is_ascii() || c.escape_debug().count() == 1 || ('\u{300}'..='\u{36f}').contains(&c)
}

#[test]
fn quotes_as_go_does() {
    assert_eq!(
        go_quote("a \"b\"\\\n'é\u{301}\u{200b}\u{7}"),
        "\"a \\\"b\\\"\\\\\\n'é\u{301}\\u200b\\a\""
    );
    assert_eq!(go_quote(b"\xff\x7fx"), r#""\xff\x7fx""#);
    assert_eq!(go_quote("\u{e0001}"), r#""\U000e0001""#);
}
