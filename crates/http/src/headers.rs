use std::borrow::Cow;
use std::fmt;

/// Header fields in order, duplicates kept, names compared without case and written in canonical
/// case (`Content-Type`), as Go does.
///
/// A name that is no token is not taken; line breaks and NUL in a value become spaces, so that
/// nothing put in here can forge a second field.
#[derive(Clone, Default)]
pub struct Headers {
    /// Names and values, one after the other.
    text: Vec<u8>,
    fields: Vec<Field>,
}

#[derive(Clone, Copy)]
struct Field {
    start: u32,
    name: u16,
    value: u32,
}

impl Headers {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Adds a field after those of the same name.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let value = value.as_ref().trim_ascii();
        let (Ok(start), Ok(length), Ok(value_length)) = (
            u32::try_from(self.text.len()),
            u16::try_from(name.len()),
            u32::try_from(value.len()),
        ) else {
            return;
        };
        if name.is_empty() || !name.bytes().all(is_token) {
            return;
        }
        let mut first = true;
        self.text.extend(name.bytes().map(|b| {
            let cased = if first {
                b.to_ascii_uppercase()
            } else {
                b.to_ascii_lowercase()
            };
            first = b == b'-';
            cased
        }));
        self.text.extend(value.iter().map(|&b| {
            if matches!(b, b'\r' | b'\n' | 0) {
                b' '
            } else {
                b
            }
        }));
        self.fields.push(Field {
            start,
            name: length,
            value: value_length,
        });
    }

    /// Adds a field in place of all of the same name.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Removes every field of this name.
    pub fn remove(&mut self, name: &str) {
        let text = &self.text;
        self.fields
            .retain(|field| !field.name(text).eq_ignore_ascii_case(name.as_bytes()));
    }

    /// The first value of this name as bytes.
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The first value of this name; bytes that are not UTF-8 become U+FFFD.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get_bytes(name).map(String::from_utf8_lossy)
    }

    /// Whether there is a field of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.get_bytes(name).is_some()
    }

    /// Every value of this name, in order.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.fields
            .iter()
            .filter(move |field| field.name(&self.text).eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value(&self.text))
    }

    /// Whether a comma-separated field lists `token`, without case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(|&b| b == b','))
            .any(|listed| listed.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Every field in order: the name in canonical case and the value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| {
            let name = std::str::from_utf8(field.name(&self.text)).unwrap_or_default();
            (name, field.value(&self.text))
        })
    }

    /// Writes the fields as lines.
    pub(crate) fn write(&self, out: &mut bytes::BytesMut) {
        out.reserve(self.text.len() + 4 * self.fields.len());
        for field in &self.fields {
            out.extend_from_slice(field.name(&self.text));
            out.extend_from_slice(b": ");
            out.extend_from_slice(field.value(&self.text));
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl Field {
    fn name(self, text: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &text[start..start + usize::from(self.name)]
    }

    fn value(self, text: &[u8]) -> &[u8] {
        let start = self.start as usize + usize::from(self.name);
        &text[start..start + self.value as usize]
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(n, v)| (n, String::from_utf8_lossy(v))))
            .finish()
    }
}

impl<'a, V: AsRef<[u8]>> FromIterator<(&'a str, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, V)>>(fields: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        headers
    }
}

/// Whether a byte may stand in a name (RFC 9110, 5.6.2).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_case_and_duplicates() {
        let mut headers =
            Headers::from_iter([("x-b", "1"), ("CONTENT-type", "text/plain"), ("X-B", "2")]);
        let all: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.to_owned(), v.to_vec()))
            .collect();
        assert_eq!(all[1].0, "Content-Type");
        assert_eq!(headers.all("X-b").collect::<Vec<_>>(), [b"1", b"2"]);
        headers.set("x-B", "3");
        assert_eq!(headers.all("X-b").collect::<Vec<_>>(), [b"3"]);
        assert_eq!(headers.len(), 2);
        headers.remove("content-type");
        assert_eq!(headers.get("content-type"), None);
    }

    #[test]
    fn nothing_forges_a_field() {
        let mut headers = Headers::new();
        headers.append("X", " a\r\nEvil: 1\0 ");
        headers.append("Bad Name", "x");
        headers.append("", "x");
        headers.append("Bad\r\n", "x");
        let mut out = bytes::BytesMut::new();
        headers.write(&mut out);
        assert_eq!(&out[..], b"X: a  Evil: 1 \r\n");
    }

    #[test]
    fn tokens() {
        let headers = Headers::from_iter([("Connection", "keep-alive, Close"), ("X", "\u{ff}")]);
        assert!(headers.has_token("connection", "close"));
        assert!(!headers.has_token("connection", "clos"));
        let latin = Headers::from_iter([("Origin", [0xff_u8])]);
        assert_eq!(latin.get("origin").as_deref(), Some("\u{fffd}"));
    }
}
