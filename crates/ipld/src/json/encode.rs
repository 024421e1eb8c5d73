use super::Dialect;
use crate::{
    Error, Value, base64,
    value::{Event, Order, visit},
};

pub(crate) fn encode(value: &Value, dialect: Dialect) -> Result<Vec<u8>, Error> {
    let order = match dialect {
        Dialect::DagJson => Order::ByName,
        Dialect::Json => Order::AsIs,
    };
    let mut writer = Writer {
        out: Vec::new(),
        dialect,
        depth: 0,
    };
    visit(value, order, |event| writer.event(event))?;
    if dialect == Dialect::Json && matches!(value, Value::List(_) | Value::Map(_)) {
        writer.out.push(b'\n');
    }
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    dialect: Dialect,
    depth: usize,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) -> Result<(), Error> {
        match event {
            Event::Scalar(value) => return self.scalar(value),
            Event::Open(value) => {
                self.out.push(if matches!(value, Value::List(_)) {
                    b'['
                } else {
                    b'{'
                });
                self.depth += 1;
            }
            Event::Entry { is_first, name } => {
                if !is_first {
                    self.out.push(b',');
                }
                self.line();
                if let Some(name) = name {
                    self.string(name.as_bytes());
                    self.text(match self.dialect {
                        Dialect::DagJson => ":",
                        Dialect::Json => ": ",
                    });
                }
            }
            Event::Close(value) => {
                self.depth -= 1;
                let (bracket, is_empty) = match value {
                    Value::List(list) => (b']', list.is_empty()),
                    Value::Map(map) => (b'}', map.is_empty()),
                    _ => return Ok(()),
                };
                if !is_empty {
                    self.line();
                }
                self.out.push(bracket);
            }
        }
        Ok(())
    }

    fn scalar(&mut self, value: &Value) -> Result<(), Error> {
        match value {
            Value::Bool(value) => self.text(if *value { "true" } else { "false" }),
            Value::Int(value) => {
                // Kubo writes nothing over 63 bits as JSON, for it could not read it back.
                let int = i64::try_from(*value).map_err(|_| Error::IntOutOfRange(*value))?;
                self.text(&int.to_string());
            }
            Value::Float(value) => self.float(*value)?,
            Value::String(text) => self.string(text.as_bytes()),
            Value::Bytes(_) if self.dialect == Dialect::Json => {
                return Err(Error::Unencodable(
                    "cannot marshal IPLD bytes to this codec",
                ));
            }
            Value::Bytes(bytes) => {
                self.text(r#"{"/":{"bytes":""#);
                base64::encode(bytes, &mut self.out);
                self.text("\"}}");
            }
            Value::Link(_) if self.dialect == Dialect::Json => {
                return Err(Error::Unencodable(
                    "cannot marshal IPLD links to this codec",
                ));
            }
            Value::Link(cid) => {
                self.text(r#"{"/":""#);
                self.text(&basalt_block::cid_string(cid));
                self.text("\"}");
            }
            Value::Null | Value::List(_) | Value::Map(_) => self.text("null"),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn line(&mut self) {
        if self.dialect == Dialect::Json {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + self.depth, b'\t');
        }
    }

    /// Numbers as ECMAScript writes them.
    fn float(&mut self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return Err(Error::Unencodable(if value.is_nan() {
                "unsupported value: NaN"
            } else if value > 0.0 {
                "unsupported value: +Inf"
            } else {
                "unsupported value: -Inf"
            }));
        }
        if value.is_sign_negative() {
            self.out.push(b'-');
        }
        let (digits, exponent) = shortest(value.abs());
        // How many digits stand before the point.
        let whole = exponent + 1;
        match usize::try_from(whole) {
            _ if !(-6..21).contains(&exponent) => {
                let (first, rest) = digits.split_at(1);
                self.text(first);
                if !rest.is_empty() {
                    self.text(".");
                    self.text(rest);
                }
                self.text(&format!("e{exponent:+}"));
            }
            Ok(0) | Err(_) => {
                self.text("0.");
                self.text(&"0".repeat(whole.unsigned_abs() as usize));
                self.text(&digits);
            }
            Ok(whole) if whole < digits.len() => {
                self.text(&digits[..whole]);
                self.text(".");
                self.text(&digits[whole..]);
            }
            Ok(whole) => {
                self.text(&digits);
                self.text(&"0".repeat(whole - digits.len()));
            }
        }
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for chunk in text.utf8_chunks() {
            let valid = chunk.valid();
            let mut written = 0;
            for (at, c) in valid.char_indices() {
                let escape = match c {
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    ..' ' | '\u{2028}' | '\u{2029}' => "",
                    _ => continue,
                };
                self.text(&valid[written..at]);
                if escape.is_empty() {
                    self.text(&format!("\\u{:04x}", u32::from(c)));
                } else {
                    self.text(escape);
                }
                written = at + c.len_utf8();
            }
            self.text(&valid[written..]);
            for _ in chunk.invalid() {
                self.text("\\ufffd");
            }
        }
        self.out.push(b'"');
    }
}

/// The fewest digits that name the float, and the power of ten of the first one. Of two that are
/// equally near, the even one is taken: this is where formatters differ.
fn shortest(value: f64) -> (String, i32) {
    let fewest = format!("{value:e}");
    let count = fewest
        .bytes()
        .take_while(|b| *b != b'e')
        .filter(u8::is_ascii_digit)
        .count();
    let even = format!("{value:.*e}", count - 1);
    // Below a power of two floats are closer: what is rounded down there may be another float.
    let text = if even.parse() == Ok(value) {
        even
    } else {
        fewest
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (
        digits.replace('.', ""),
        exponent.parse().unwrap_or_default(),
    )
}
