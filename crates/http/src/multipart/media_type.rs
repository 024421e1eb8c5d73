use crate::headers::is_token;
use crate::query;

/// A media type or disposition with its parameters (RFC 2045, RFC 2183, RFC 2231).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// What stands before the parameters, in lower case.
    pub essence: String,
    params: Vec<(String, Vec<u8>)>,
}

impl MediaType {
    /// Reads a field value; `None` if it is malformed or names a parameter twice.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (essence, mut rest) = match memchr::memchr(b';', text) {
            Some(at) => (&text[..at], &text[at..]),
            None => (text, &[][..]),
        };
        let essence = essence.trim_ascii();
        if essence.is_empty() || !essence.iter().all(|&b| is_token(b) || b == b'/') {
            return None;
        }
        let essence = String::from_utf8(essence.to_ascii_lowercase()).ok()?;
        let mut params: Vec<(String, Vec<u8>)> = Vec::new();
        loop {
            rest = rest.trim_ascii_start();
            let Some(after) = rest.strip_prefix(b";") else {
                break;
            };
            rest = after.trim_ascii_start();
            if rest.is_empty() {
                break;
            }
            let length = rest.iter().take_while(|&&b| is_token(b)).count();
            let (name, after) = rest.split_at(length);
            let name = String::from_utf8(name.to_ascii_lowercase()).ok()?;
            let (value, after) = value(
                after
                    .trim_ascii_start()
                    .strip_prefix(b"=")?
                    .trim_ascii_start(),
            )?;
            if name.is_empty() || params.iter().any(|(have, _)| *have == name) {
                return None;
            }
            params.push((name, value));
            rest = after;
        }
        for at in 0..params.len() {
            let Some(plain) = params[at].0.strip_suffix('*').map(str::to_owned) else {
                continue;
            };
            if let Some(value) = extended(&params[at].1) {
                params.retain(|(name, _)| *name != plain);
                params.push((plain, value));
                break;
            }
        }
        rest.is_empty().then_some(Self { essence, params })
    }

    /// The value of a parameter. The extended form (`name*=UTF-8''%61`) counts before the plain one.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        self.params
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| &value[..])
    }
}

/// A token or a quoted string at the start of `text`, and what follows it.
fn value(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let length = text.iter().take_while(|&&b| is_token(b)).count();
        return (length > 0).then(|| (text[..length].to_vec(), &text[length..]));
    };
    let mut out = Vec::new();
    let mut rest = quoted;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => return Some((out, rest)),
            b'\r' | b'\n' => return None,
            // Old browsers send the backslashes of a Windows path as they are.
            b'\\' => match after.split_first() {
                Some((&next, after)) if !is_token(next) && next > b' ' && next < 0x7f => {
                    out.push(next);
                    rest = after;
                }
                _ => out.push(byte),
            },
            other => out.push(other),
        }
    }
    None
}

/// Decodes `UTF-8''%61`.
fn extended(value: &[u8]) -> Option<Vec<u8>> {
    let mut pieces = value.splitn(3, |&b| b == b'\'');
    let (charset, _language, text) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let known = charset.eq_ignore_ascii_case(b"utf-8") || charset.eq_ignore_ascii_case(b"us-ascii");
    known.then(|| query::unescape_path(text))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn param(text: &str, name: &str) -> Option<String> {
        let media = MediaType::parse(text.as_bytes())?;
        media
            .param(name)
            .map(|value| String::from_utf8(value.to_vec()).unwrap())
    }

    #[test]
    fn parameters() {
        assert_eq!(
            MediaType::parse(b" Text/Plain ").unwrap().essence,
            "text/plain"
        );
        assert_eq!(param("form-data; NAME=x", "name").unwrap(), "x");
        assert_eq!(
            param(
                r#"form-data; name="a;\"b\\"; filename="C:\dir\f""#,
                "filename"
            )
            .unwrap(),
            r"C:\dir\f"
        );
        assert_eq!(
            param(r#"form-data; name="a;\"b\\";"#, "name").unwrap(),
            r#"a;"b\"#
        );
        assert_eq!(
            param("a; f=plain; f*=UTF-8''%e2%82%ac", "f").unwrap(),
            "\u{20ac}"
        );
        assert_eq!(param("a; f*=utf-8'de'x; f=plain", "f").unwrap(), "x");
        assert_eq!(param("a; f*=koi8-r''x", "f"), None);
        assert_eq!(param("a; f=\"\u{20ac} \"", "f").unwrap(), "\u{20ac} ");
    }

    #[test]
    fn malformed() {
        for bad in [
            "",
            ";a=b",
            "a b",
            "a; b",
            "a; =b",
            "a; b=\"c",
            "a; b=c d",
            "a; b=c; b=d",
            "a; b=",
            "a; b=\"\r\"",
        ] {
            assert_eq!(MediaType::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn survives_anything(bytes: Vec<u8>) {
            let _ = MediaType::parse(&bytes);
            let _ = MediaType::parse(&[b"a; f=\"", &bytes[..]].concat());
            let _ = MediaType::parse(&[b"a; f*=utf-8''", &bytes[..]].concat());
        }
    }
}
