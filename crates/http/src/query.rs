//! Query strings, as Go's `net/url` reads and writes them.

/// Reads a query string into its pairs, in order. A pair that is badly escaped or contains a
/// semicolon is left out, as Go's `URL.Query` does; bytes that are not UTF-8 become U+FFFD.
pub fn parse(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = |part: &str| {
                Some(String::from_utf8_lossy(&unescape(part.as_bytes())?).into_owned())
            };
            Some((text(name)?, text(value)?))
        })
        .collect()
}

/// Undoes the escaping of a query: `+` is a space, `%XX` a byte. `None` if a `%` is not followed by
/// two hexadecimal digits.
pub fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    decode(text, true)
}

/// Undoes the escaping of a path, in which `+` stands for itself.
pub fn unescape_path(text: &[u8]) -> Option<Vec<u8>> {
    decode(text, false)
}

fn decode(text: &[u8], plus: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                out.push(hex(digits[0])? << 4 | hex(digits[1])?);
                rest = after;
            }
            b'+' if plus => out.push(b' '),
            other => out.push(other),
        }
    }
    Some(out)
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|d| d as u8)
}

/// Escapes bytes for a query: everything but letters, digits and `-_.~`; a space becomes `+`.
pub fn escape(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(bytes.len() + 8);
    for &byte in bytes {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            _ if byte.is_ascii_alphanumeric() => out.push(byte as char),
            _ => {
                out.push('%');
                out.push(DIGITS[usize::from(byte >> 4)] as char);
                out.push(DIGITS[usize::from(byte & 15)] as char);
            }
        }
    }
    out
}

/// Writes pairs as a query string, in the order given.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&escape(name.as_bytes()));
        out.push('=');
        out.push_str(&escape(value.as_bytes()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        parse(query)
    }

    #[test]
    fn go_rules() {
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect()
        };
        assert_eq!(
            pairs("arg=a&arg=b&x"),
            own(&[("arg", "a"), ("arg", "b"), ("x", "")])
        );
        assert_eq!(pairs("a+b=c%20d%2B"), own(&[("a b", "c d+")]));
        assert_eq!(pairs("a=b=c&&=v"), own(&[("a", "b=c"), ("", "v")]));
        assert_eq!(pairs("a=%zz&b=1;c=2&d=%4&e=%&f=1"), own(&[("f", "1")]));
        assert_eq!(pairs("a=%ff"), own(&[("a", "\u{fffd}")]));
        assert_eq!(pairs(""), own(&[]));
    }

    #[test]
    fn escapes() {
        assert_eq!(escape(b"a b/c+~\xff"), "a+b%2Fc%2B~%FF");
        assert_eq!(unescape_path(b"a+b%20").unwrap(), b"a+b ");
        assert_eq!(encode([("arg", "a&b"), ("x", "")]), "arg=a%26b&x=");
    }

    proptest! {
        #[test]
        fn round_trip(bytes: Vec<u8>) {
            prop_assert_eq!(unescape(escape(&bytes).as_bytes()).unwrap(), bytes);
        }

        #[test]
        fn survives_anything(text: String) {
            let _ = parse(&text);
        }
    }
}
