//! JSON as Go's `encoding/json` writes and reads it.
//!
//! Clients of Kubo compare its JSON byte by byte more often than one would think, and its config
//! file is diffed by people. Three habits of Go's encoder differ from `serde_json`'s: `<`, `>`,
//! `&`, U+2028 and U+2029 are escaped, numbers are printed without a needless fraction, and the
//! keys of maps (not of structures) are sorted.

mod float;
mod scan;

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

pub use scan::{MAX_DEPTH, SyntaxError};

/// Writes `value` in Go's compact form, as `json.Marshal` does: no newline at the end.
///
/// # Errors
///
/// When the value cannot be represented (a map whose keys are not strings) or `writer` fails.
pub fn to_writer<T: Serialize + ?Sized>(writer: impl io::Write, value: &T) -> io::Result<()> {
    let formatter = GoFormatter(CompactFormatter);
    value
        .serialize(&mut Serializer::with_formatter(writer, formatter))
        .map_err(io::Error::from)
}

/// The compact form of `value`, as `json.Marshal` gives it.
///
/// # Errors
///
/// When the value cannot be represented: a map whose keys are not strings.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(128);
    to_writer(&mut out, value)?;
    Ok(out)
}

/// As [`to_vec`], as text.
///
/// # Errors
///
/// As [`to_vec`].
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> io::Result<String> {
    String::from_utf8(to_vec(value)?).map_err(io::Error::other)
}

/// The form with two spaces of indentation, as `json.MarshalIndent(value, "", "  ")` gives it.
///
/// # Errors
///
/// As [`to_vec`].
pub fn to_string_indented<T: Serialize + ?Sized>(value: &T) -> io::Result<String> {
    to_string_indented_by(value, "  ")
}

/// As [`to_string_indented`], with another indentation.
///
/// # Errors
///
/// As [`to_vec`].
pub fn to_string_indented_by<T: Serialize + ?Sized>(value: &T, indent: &str) -> io::Result<String> {
    let mut out = Vec::new();
    let formatter = GoFormatter(PrettyFormatter::with_indent(indent.as_bytes()));
    value
        .serialize(&mut Serializer::with_formatter(&mut out, formatter))
        .map_err(io::Error::from)?;
    String::from_utf8(out).map_err(io::Error::other)
}

/// Sorts the keys of every object in `value` by their bytes: what Go does with a map.
pub fn sort_keys(value: &mut Value) {
    value.sort_all_objects();
}

/// Gives every number in `value` the form it has after being written and read: `1e2` and `100.0` are
/// written as `100`, an integer.
pub fn plain_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(Ok(plain)) = to_vec(number)
                .ok()
                .map(|text| serde_json::from_slice(&text))
            {
                *number = plain;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(plain_numbers),
        Value::Object(values) => values.values_mut().for_each(plain_numbers),
        _ => {}
    }
}

/// Decodes one JSON document that fills all of `text`, as `json.Unmarshal` does.
///
/// Bytes that are not UTF-8 become U+FFFD, as in Go. At most [`MAX_DEPTH`] levels deep.
///
/// # Errors
///
/// The first offence against the grammar, in Go's words.
pub fn parse(text: &[u8]) -> Result<Value, SyntaxError> {
    let end = scan::document(text).map_err(|e| e.in_unmarshal(text))?;
    scan::only_space(&text[end..])?;
    build(&text[..end])
}

/// Decodes the first JSON document of `text` and ignores what follows it, as one call of
/// `json.Decoder.Decode` does. `None` when there is nothing but white space.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_first(text: &[u8]) -> Result<Option<Value>, SyntaxError> {
    if scan::only_space(text).is_ok() {
        return Ok(None);
    }
    let end = scan::document(text)?;
    build(&text[..end]).map(Some)
}

fn build(document: &[u8]) -> Result<Value, SyntaxError> {
    let text = String::from_utf8_lossy(document);
    serde_json::from_str(&text).map_err(|e| SyntaxError::other(e.to_string()))
}

/// Wraps a layout and changes how strings and numbers are written.
struct GoFormatter<F>(F);

/// The pieces that Go's encoder escapes and JSON does not require to be escaped.
fn go_escape(c: char) -> Option<&'static str> {
    match c {
        '<' => Some("\\u003c"),
        '>' => Some("\\u003e"),
        '&' => Some("\\u0026"),
        '\u{2028}' => Some("\\u2028"),
        '\u{2029}' => Some("\\u2029"),
        _ => None,
    }
}

impl<F: Formatter> Formatter for GoFormatter<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Most strings have nothing to escape; 0xe2 begins the two separators.
        if !fragment
            .bytes()
            .any(|b| matches!(b, b'<' | b'>' | b'&' | 0xe2))
        {
            return writer.write_all(fragment.as_bytes());
        }
        let mut start = 0;
        for (at, c) in fragment.char_indices() {
            if let Some(escape) = go_escape(c) {
                writer.write_all(&fragment.as_bytes()[start..at])?;
                writer.write_all(escape.as_bytes())?;
                start = at + c.len_utf8();
            }
        }
        writer.write_all(&fragment.as_bytes()[start..])
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer
            .write_all(float::format(value, &format!("{value}"), &format!("{value:e}")).as_bytes())
    }

    fn write_f32<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        let text = float::format(f64::from(value), &format!("{value}"), &format!("{value:e}"));
        writer.write_all(text.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_numbers_are_what_is_read_back() {
        for text in [
            "0e20",
            "1e2",
            "-0.0",
            "1.5",
            "1e30",
            "[0.0, {\"a\": 2.0}]",
            "1e-9",
        ] {
            let mut value: Value = serde_json::from_str(text).unwrap();
            plain_numbers(&mut value);
            let again: Value = serde_json::from_slice(&to_vec(&value).unwrap()).unwrap();
            assert_eq!(again, value, "{text}");
        }
    }

    #[test]
    fn escapes_as_go_does() {
        let value = json!({"a<b": "x & y > \u{2028}\u{2029} \u{8}\u{c}\u{1f}\u{7f}\"\\/é"});
        assert_eq!(
            to_string(&value).unwrap(),
            "{\"a\\u003cb\":\"x \\u0026 y \\u003e \\u2028\\u2029 \\b\\f\\u001f\u{7f}\\\"\\\\/é\"}"
        );
    }

    #[test]
    fn numbers_lose_their_needless_fraction() {
        let value = json!([
            1.0,
            0.1,
            1e20,
            1e21,
            1e-6,
            1e-7,
            -0.5,
            1.5e300,
            12,
            u64::MAX
        ]);
        assert_eq!(
            to_string(&value).unwrap(),
            "[1,0.1,100000000000000000000,1e+21,0.000001,1e-7,-0.5,1.5e+300,12,18446744073709551615]"
        );
        assert_eq!(to_string(&[0.1f32, 1e21]).unwrap(), "[0.1,1e+21]");
    }

    #[test]
    fn numbers_are_read_to_the_last_bit() {
        let text = "[0,100,5.1e+248]";
        assert_eq!(to_string(&parse(text.as_bytes()).unwrap()).unwrap(), text);
    }

    #[test]
    fn indentation_leaves_empty_collections_on_one_line() {
        let value = json!({"a": {}, "b": [], "c": [1, {"d": null}]});
        assert_eq!(
            to_string_indented(&value).unwrap(),
            "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    1,\n    {\n      \"d\": null\n    }\n  ]\n}"
        );
    }

    #[test]
    fn parse_wants_all_and_parse_first_wants_one() {
        assert_eq!(parse(b" [1] \n").unwrap(), json!([1]));
        assert_eq!(parse_first(b"[1] x").unwrap(), Some(json!([1])));
        assert_eq!(parse_first(b" \n").unwrap(), None);
        assert_eq!(
            parse(b"[] x").unwrap_err().to_string(),
            "invalid character 'x' after top-level value"
        );
        assert_eq!(parse(b"\"a\xff\"").unwrap(), json!("a\u{fffd}"));
    }
}
