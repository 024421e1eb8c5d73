use crate::go_text::quote_char;

/// How many arrays and objects may be open at once. Kubo allows 10,000; nothing that is meant
/// for a node comes near this bound, and decoding stays within a small stack.
pub const MAX_DEPTH: usize = 100;

/// An offence against JSON's grammar, in the words of Go's decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    message: String,
    /// The document ended too early.
    pub(crate) eof: bool,
}

impl SyntaxError {
    pub(super) fn other(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            eof: false,
        }
    }

    fn unexpected(byte: u8, context: &str) -> Self {
        Self::other(format!(
            "invalid character {} {context}",
            quote_char(byte as char)
        ))
    }

    /// Go says "unexpected EOF" for a stream that ends early.
    fn end() -> Self {
        Self {
            message: "unexpected EOF".to_owned(),
            eof: true,
        }
    }

    /// For a byte slice it reads on as if a space followed, and says what is wrong with that.
    pub(super) fn in_unmarshal(self, text: &[u8]) -> Self {
        if !self.eof {
            return self;
        }
        let mut longer = text.to_owned();
        longer.push(b' ');
        match document(&longer) {
            Err(error) if !error.eof => error,
            _ => Self {
                message: "unexpected end of JSON input".to_owned(),
                eof: true,
            },
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Checks that nothing but white space is left.
pub(super) fn only_space(text: &[u8]) -> Result<(), SyntaxError> {
    match text.iter().find(|b| !is_space(**b)) {
        None => Ok(()),
        Some(byte) => Err(SyntaxError::unexpected(*byte, "after top-level value")),
    }
}

/// Checks the first document of `text` and gives the offset of its end.
pub(super) fn document(text: &[u8]) -> Result<usize, SyntaxError> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.document()?;
    Ok(scanner.at)
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

enum Open {
    Array,
    Object,
}

impl Scanner<'_> {
    fn next(&mut self) -> Result<u8, SyntaxError> {
        let byte = *self.text.get(self.at).ok_or_else(SyntaxError::end)?;
        self.at += 1;
        Ok(byte)
    }

    fn next_after_space(&mut self) -> Result<u8, SyntaxError> {
        loop {
            let byte = self.next()?;
            if !is_space(byte) {
                return Ok(byte);
            }
        }
    }

    fn document(&mut self) -> Result<(), SyntaxError> {
        let mut open: Vec<Open> = Vec::new();
        let mut first = self.next_after_space()?;
        loop {
            let mut complete = true;
            match first {
                b'{' => {
                    check_depth(&open)?;
                    match self.next_after_space()? {
                        b'}' => {}
                        byte => {
                            self.key(byte)?;
                            open.push(Open::Object);
                            complete = false;
                        }
                    }
                }
                b'[' => {
                    check_depth(&open)?;
                    match self.next_after_space()? {
                        b']' => {}
                        byte => {
                            open.push(Open::Array);
                            first = byte;
                            continue;
                        }
                    }
                }
                byte => self.scalar(byte)?,
            }
            if complete {
                while let Some(kind) = open.last() {
                    let byte = self.next_after_space()?;
                    match (kind, byte) {
                        (Open::Array, b']') | (Open::Object, b'}') => {
                            open.pop();
                        }
                        (Open::Array, b',') => break,
                        (Open::Object, b',') => {
                            let byte = self.next_after_space()?;
                            self.key(byte)?;
                            break;
                        }
                        (Open::Array, byte) => {
                            return Err(SyntaxError::unexpected(byte, "after array element"));
                        }
                        (Open::Object, byte) => {
                            return Err(SyntaxError::unexpected(
                                byte,
                                "after object key:value pair",
                            ));
                        }
                    }
                }
                if open.is_empty() {
                    return Ok(());
                }
            }
            first = self.next_after_space()?;
        }
    }

    /// The key whose first byte is `byte`, and the colon after it.
    fn key(&mut self, byte: u8) -> Result<(), SyntaxError> {
        if byte != b'"' {
            return Err(SyntaxError::unexpected(
                byte,
                "looking for beginning of object key string",
            ));
        }
        self.string()?;
        match self.next_after_space()? {
            b':' => Ok(()),
            byte => Err(SyntaxError::unexpected(byte, "after object key")),
        }
    }

    fn scalar(&mut self, byte: u8) -> Result<(), SyntaxError> {
        match byte {
            b'"' => self.string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' | b'0'..=b'9' => self.number(byte),
            _ => Err(SyntaxError::unexpected(
                byte,
                "looking for beginning of value",
            )),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), SyntaxError> {
        for expected in word.bytes().skip(1) {
            let byte = self.next()?;
            if byte != expected {
                let context = format!(
                    "in literal {word} (expecting {})",
                    quote_char(expected as char)
                );
                return Err(SyntaxError::unexpected(byte, &context));
            }
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), SyntaxError> {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => match self.next()? {
                    b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let byte = self.next()?;
                            if !byte.is_ascii_hexdigit() {
                                return Err(SyntaxError::unexpected(
                                    byte,
                                    "in \\u hexadecimal character escape",
                                ));
                            }
                        }
                    }
                    byte => {
                        return Err(SyntaxError::unexpected(byte, "in string escape code"));
                    }
                },
                byte if byte < 0x20 => {
                    return Err(SyntaxError::unexpected(byte, "in string literal"));
                }
                _ => {}
            }
        }
    }

    fn peek_digit(&self) -> bool {
        self.text.get(self.at).is_some_and(u8::is_ascii_digit)
    }

    fn digits(&mut self) {
        while self.peek_digit() {
            self.at += 1;
        }
    }

    fn number(&mut self, mut first: u8) -> Result<(), SyntaxError> {
        if first == b'-' {
            first = self.next()?;
            if !first.is_ascii_digit() {
                return Err(SyntaxError::unexpected(first, "in numeric literal"));
            }
        }
        if first != b'0' {
            self.digits();
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            let byte = self.next()?;
            if !byte.is_ascii_digit() {
                return Err(SyntaxError::unexpected(
                    byte,
                    "after decimal point in numeric literal",
                ));
            }
            self.digits();
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            let mut byte = self.next()?;
            if matches!(byte, b'+' | b'-') {
                byte = self.next()?;
            }
            if !byte.is_ascii_digit() {
                return Err(SyntaxError::unexpected(
                    byte,
                    "in exponent of numeric literal",
                ));
            }
            self.digits();
        }
        Ok(())
    }
}

fn check_depth(open: &[Open]) -> Result<(), SyntaxError> {
    if open.len() < MAX_DEPTH {
        return Ok(());
    }
    Err(SyntaxError::other("exceeded max depth"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        document(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn says_what_go_says() {
        for (text, expected) in [
            ("", "unexpected EOF"),
            ("{", "unexpected EOF"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("[,", "invalid character ',' looking for beginning of value"),
            ("[1 2", "invalid character '2' after array element"),
            (
                "{x",
                "invalid character 'x' looking for beginning of object key string",
            ),
            ("{\"a\" 1", "invalid character '1' after object key"),
            (
                "{\"a\":1 2",
                "invalid character '2' after object key:value pair",
            ),
            (
                "{\"a\":1,}",
                "invalid character '}' looking for beginning of object key string",
            ),
            (
                "tru'",
                "invalid character '\\'' in literal true (expecting 'e')",
            ),
            ("-x", "invalid character 'x' in numeric literal"),
            (
                "1.x",
                "invalid character 'x' after decimal point in numeric literal",
            ),
            (
                "1e+\"",
                "invalid character '\"' in exponent of numeric literal",
            ),
            ("\"\n", "invalid character '\\n' in string literal"),
            ("\"\\x", "invalid character 'x' in string escape code"),
            (
                "\"\\u12g",
                "invalid character 'g' in \\u hexadecimal character escape",
            ),
        ] {
            assert_eq!(fault(text), expected, "for {text:?}");
        }
    }

    #[test]
    fn a_slice_that_ends_early() {
        for (text, expected) in [
            ("", "unexpected end of JSON input"),
            ("{", "unexpected end of JSON input"),
            ("-", "invalid character ' ' in numeric literal"),
            (
                "nul",
                "invalid character ' ' in literal null (expecting 'l')",
            ),
        ] {
            let error = crate::go_json::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected, "for {text:?}");
        }
    }

    #[test]
    fn gives_the_end_of_the_first_document() {
        for (text, end) in [
            ("12 ", 2),
            ("{\"a\":[1,{}]}x", 12),
            ("null,", 4),
            ("01", 1),
            ("[[],{}]", 7),
        ] {
            assert_eq!(document(text.as_bytes()).unwrap(), end, "for {text:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(fault(&"[".repeat(1_000_000)), "exceeded max depth");
        let deepest = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        assert!(crate::go_json::parse(deepest.as_bytes()).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_serde_on_what_is_json(text in "[\\[\\]{}\",:a0-9eE.+\\- tn\\\\u]{0,24}") {
            let ours = crate::go_json::parse(text.as_bytes());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            // The only texts that Go takes and serde does not: lone surrogates, endless numbers.
            if let Ok(value) = theirs {
                proptest::prop_assert_eq!(ours.unwrap(), value);
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = crate::go_json::parse(&bytes);
            let _ = crate::go_json::parse_first(&bytes);
        }
    }
}
