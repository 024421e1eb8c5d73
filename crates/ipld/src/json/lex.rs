use crate::Error;

/// A number without fraction and exponent, or another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

/// Takes text apart, byte by byte.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    data: &'a [u8],
    at: usize,
    /// Within a list or map, where Kubo has another word for the end.
    pub(super) inside: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            inside: false,
        }
    }

    /// The next byte that is not white space, taken.
    pub(super) fn token(&mut self) -> Result<u8, Error> {
        loop {
            match self.byte()? {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                byte => return Ok(byte),
            }
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        let Some(byte) = self.data.get(self.at) else {
            return Err(self.cut());
        };
        self.at += 1;
        Ok(*byte)
    }

    /// Skips what is left if it is white space or zero bytes.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        for byte in &self.data[self.at..] {
            if !b" \0\t\r\n".contains(byte) {
                return Err(self.bad("unexpected content after end of json object"));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Lets one byte pass, as happens behind a number at the top.
    pub(super) fn skip_one(&mut self) {
        self.at = self.data.len().min(self.at + 1);
    }

    /// The text ends too early.
    pub(super) fn cut(&self) -> Error {
        self.bad(if self.inside { "EOF" } else { "unexpected EOF" })
    }

    /// The rest of a literal whose first letter has been taken.
    pub(super) fn literal(&mut self, rest: &'static str) -> Result<(), Error> {
        let Some(found) = self.data[self.at..].get(..rest.len()) else {
            return Err(self.cut());
        };
        if found != rest.as_bytes() {
            let found = crate::quote::go_quote(found);
            return Err(self.bad(format!(
                "invalid literal suffix: expected \"{rest}\", got {found}"
            )));
        }
        self.at += rest.len();
        Ok(())
    }

    /// A string whose first quote has been taken. What is not UTF-8 becomes U+FFFD.
    pub(super) fn string(&mut self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        loop {
            let start = self.at;
            while self
                .data
                .get(self.at)
                .is_some_and(|b| !matches!(b, b'"' | b'\\' | ..0x20))
            {
                self.at += 1;
            }
            for chunk in self.data[start..self.at].utf8_chunks() {
                out.extend_from_slice(chunk.valid().as_bytes());
                for _ in chunk.invalid() {
                    push('\u{fffd}', &mut out);
                }
            }
            match self.byte()? {
                b'"' => return Ok(out),
                b'\\' => self.escape(&mut out)?,
                byte => {
                    return Err(self.bad(format!(
                        "invalid unprintable byte in string literal: 0x{byte:x}"
                    )));
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.push(match self.byte()? {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            byte @ (b'\\' | b'/' | b'"') => byte,
            b'u' => {
                let unit = self.hex4()?;
                push(self.character(unit), out);
                return Ok(());
            }
            byte => {
                return Err(self.bad(format!(
                    "invalid byte in string escape sequence: 0x{byte:x}"
                )));
            }
        });
        Ok(())
    }

    /// The character of a UTF-16 unit, with the second of a pair of surrogates if one follows.
    fn character(&mut self, unit: u16) -> char {
        if let (0xd800..0xdc00, Some(b"\\u")) = (unit, self.data.get(self.at..self.at + 2)) {
            let before = self.at;
            self.at += 2;
            if let Ok(second) = self.hex4()
                && let Some(Ok(c)) = char::decode_utf16([unit, second]).next()
            {
                return c;
            }
            self.at = before;
        }
        char::from_u32(unit.into()).unwrap_or('\u{fffd}')
    }

    fn hex4(&mut self) -> Result<u16, Error> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.byte()?;
            let digit = char::from(byte).to_digit(16).ok_or_else(|| {
                self.bad(format!(
                    "invalid byte in \\u hexadecimal character escape: 0x{byte:x}"
                ))
            })?;
            unit = unit << 4 | digit as u16;
        }
        Ok(unit)
    }

    /// A number whose first byte, a digit or a minus, has been taken.
    pub(super) fn number(&mut self) -> Result<Number, Error> {
        let start = self.at - 1;
        self.scan_number(self.data[start]);
        // Only ASCII has been scanned.
        let text = String::from_utf8_lossy(&self.data[start..self.at]);
        let fail = |function: &str, why: &str| {
            self.bad(format!("strconv.{function}: parsing \"{text}\": {why}"))
        };
        if text
            .trim_start_matches('-')
            .bytes()
            .all(|b| b.is_ascii_digit())
            && text != "-"
        {
            return text
                .parse()
                .map(Number::Int)
                .map_err(|_| fail("ParseInt", "value out of range"));
        }
        // Kubo tries the integer first and gives up where it overflows, whatever follows.
        let integer = text.trim_start_matches('-');
        let integer = &integer[..integer.bytes().take_while(u8::is_ascii_digit).count()];
        if integer.len() > 19 && integer.parse::<u64>().is_err() {
            return Err(fail("ParseInt", "value out of range"));
        }
        match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Number::Float(float)),
            Ok(_) => Err(fail("ParseFloat", "value out of range")),
            Err(_) => Err(fail("ParseFloat", "invalid syntax")),
        }
    }

    // Stops before the first byte that cannot go on, even where a digit would have to follow.
    fn scan_number(&mut self, first: u8) {
        if first == b'-' {
            match self.data.get(self.at) {
                Some(b'0') => self.at += 1,
                Some(b'1'..=b'9') => self.digits(),
                _ => return,
            }
        } else if first != b'0' {
            self.digits();
        }
        if self.data.get(self.at) == Some(&b'.') {
            self.at += 1;
            let from = self.at;
            self.digits();
            if self.at == from {
                return;
            }
        }
        if matches!(self.data.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.data.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits();
        }
    }

    fn digits(&mut self) {
        while self.data.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    #[cold]
    pub(super) fn bad(&self, reason: impl Into<String>) -> Error {
        Error::Malformed {
            offset: self.at,
            reason: reason.into(),
        }
    }
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
