//! Events as XML, the way Go writes Kubo's types: an element for each field, lists as repeated
//! elements, no attributes, no white space.
//!
//! The JSON of an event is what is written again: the fields are the same, in the same order. Kubo
//! also writes an element for a field that its JSON leaves out; those of a few events are known.

mod names;

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use crate::{Error, Result};

/// Writes one value of JSON, an event of the command at `path`.
pub(crate) fn write(path: &str, json: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if let Some(kind) = names::unsupported(path) {
        return Err(Error::new(format!("xml: unsupported type: {kind}")));
    }
    let (root, from) = (names::root(path), out.len());
    element(root, json, out)?;
    let close = format!("</{root}>");
    for (name, empty) in names::left_out(path) {
        let begin = format!("<{name}>");
        let is_there = |part: &[u8]| part.windows(begin.len()).any(|w| w == begin.as_bytes());
        if !is_there(&out[from..]) && out.ends_with(close.as_bytes()) {
            out.truncate(out.len() - close.len());
            out.extend_from_slice(format!("{begin}{empty}</{name}>{close}").as_bytes());
        }
    }
    Ok(())
}

/// Writes one value of JSON as an element of this name.
pub fn element(name: &str, json: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut value = serde_json::Deserializer::from_slice(json);
    Element { name, out }
        .deserialize(&mut value)
        .map_err(|e| Error::new(e.to_string()))
}

/// What JSON has at one place, as an element of this name.
struct Element<'a> {
    name: &'a str,
    out: &'a mut Vec<u8>,
}

impl Element<'_> {
    fn begin(&mut self) {
        self.out.push(b'<');
        self.out.extend_from_slice(self.name.as_bytes());
        self.out.push(b'>');
    }

    fn end(&mut self) {
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(self.name.as_bytes());
        self.out.push(b'>');
    }

    fn text(mut self, text: &str) {
        self.begin();
        escape(text, self.out);
        self.end();
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.text(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.text(&value.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.text(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.text(&value.to_string());
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.text(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { name, out } = self;
        while let Some(()) = list.next_element_seed(Element {
            name,
            out: &mut *out,
        })? {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        self.begin();
        while let Some(name) = fields.next_key::<String>()? {
            // A link, which is text in XML.
            if name == "/" {
                let cid: String = fields.next_value()?;
                escape(&cid, self.out);
                continue;
            }
            if !names::is_name(&name) {
                return Err(A::Error::custom("xml: unsupported type: map[string]string"));
            }
            let out = &mut *self.out;
            fields.next_value_seed(Element { name: &name, out })?;
        }
        self.end();
        Ok(())
    }
}

fn escape(text: &str, out: &mut Vec<u8>) {
    for c in text.chars() {
        let escaped = match c {
            '"' => "&#34;",
            '\'' => "&#39;",
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\t' => "&#x9;",
            '\n' => "&#xA;",
            '\r' => "&#xD;",
            // XML has no place for them.
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            c => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
        };
        out.extend_from_slice(escaped.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xml(path: &str, json: &str) -> String {
        let mut out = Vec::new();
        match write(path, json.as_bytes(), &mut out) {
            Ok(()) => String::from_utf8(out).unwrap(),
            Err(error) => error.message,
        }
    }

    #[test]
    fn as_go_writes_it() {
        for (path, json, written) in [
            (
                "block/stat",
                r#"{"Key":"Qm","Size":20}"#,
                "<BlockStat><Key>Qm</Key><Size>20</Size></BlockStat>",
            ),
            (
                "files/ls",
                r#"{"Entries":[{"Name":"<a>\n","Size":0},{"Name":"","Size":1}]}"#,
                "<filesLsOutput><Entries><Name>&lt;a&gt;&#xA;</Name><Size>0</Size></Entries><Entries><Name></Name><Size>1</Size></Entries></filesLsOutput>",
            ),
            (
                "files/ls",
                r#"{"Entries":null}"#,
                "<filesLsOutput></filesLsOutput>",
            ),
            (
                "dag/put",
                r#"{"Cid":{"/":"bafy"}}"#,
                "<OutputObject><Cid>bafy</Cid></OutputObject>",
            ),
            (
                "cid/codecs",
                r#"[{"Code":1,"Name":"a"},{"Code":2,"Name":"b"}]"#,
                "<CodeAndName><Code>1</Code><Name>a</Name></CodeAndName><CodeAndName><Code>2</Code><Name>b</Name></CodeAndName>",
            ),
            (
                "pin/add",
                r#"{"Pins":["a","b"],"Bytes":5}"#,
                "<AddPinOutput><Pins>a</Pins><Pins>b</Pins><Bytes>5</Bytes><Progress>0</Progress></AddPinOutput>",
            ),
            (
                "pin/ls",
                "{}",
                "xml: unsupported type: map[string]pin.PinLsType",
            ),
            ("log/tail", r#""line""#, "<string>line</string>"),
        ] {
            assert_eq!(xml(path, json), written);
        }
    }
}
