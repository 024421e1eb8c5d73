//! Escaping in URLs, as Go's `net/url` does it.

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

fn escape(bytes: &[u8], plain: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

/// A path.
pub(crate) fn escape_path(path: &[u8]) -> String {
    escape(path, |b| b"$&+,/:;=@".contains(&b))
}

/// One segment of a path: slashes are escaped too.
pub(crate) fn escape_segment(segment: &[u8]) -> String {
    escape(segment, |b| b"$&+:=@".contains(&b))
}

/// How a path that came as `raw`, and means `path`, is written again: as it came if that is a good
/// way to write it without percent signs, or else in the usual way.
pub(crate) fn rewrite_path(raw: &str, path: &[u8]) -> String {
    let usual = escape_path(path);
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]/".contains(&b);
    if raw != usual && raw.bytes().all(good) {
        return raw.to_owned();
    }
    usual
}

/// The scheme, host, path and query of a URL, each as it is written; `None` for what Go cannot read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    pub(crate) scheme: String,
    pub(crate) host: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
}

impl<'a> Url<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.bytes().any(|b| b < b' ' || b == 0x7f) {
            return None;
        }
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        let (scheme, rest) = scheme(text)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let at = rest.find('/').unwrap_or(rest.len());
                (Some(&rest[..at]), &rest[at..])
            }
            None => (None, rest),
        };
        let whole = basalt_http::query::unescape_path(path.as_bytes()).is_some();
        let good_host = host.is_none_or(|host| {
            host.bytes().all(|b| {
                b.is_ascii_alphanumeric() || b >= 0x80 || b"-_.~!$&'()*+,;=:[]@%<>\"".contains(&b)
            })
        });
        // In a path without a scheme a colon may not stand before the first slash.
        let first = path.split('/').next().unwrap_or_default();
        if !whole || !good_host || (scheme.is_empty() && host.is_none() && first.contains(':')) {
            return None;
        }
        Some(Self {
            scheme,
            host,
            path,
            query,
        })
    }
}

/// A scheme in lower case and what follows its colon; an empty one where there is none.
fn scheme(text: &str) -> Option<(String, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at > 0 => return Some((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            b':' => return None,
            _ => break,
        }
    }
    Some((String::new(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_go_s() {
        assert_eq!(escape_path(b"/a b/c?d%\xff+:"), "/a%20b/c%3Fd%25%FF+:");
        assert_eq!(escape_segment(b"a/b;c,d?e&f=g"), "a%2Fb%3Bc%2Cd%3Fe&f=g");
        assert_eq!(rewrite_path("/a(b)", b"/a(b)"), "/a(b)");
        assert_eq!(rewrite_path("/%61", b"/a"), "/a");
        assert_eq!(rewrite_path("/a%20(b)", b"/a (b)"), "/a%20%28b%29");
    }

    #[test]
    fn urls_fall_into_parts() {
        let url = Url::parse("IPFS://cid/a%20b?c=d#e").unwrap();
        assert_eq!((&*url.scheme, url.host), ("ipfs", Some("cid")));
        assert_eq!((url.path, url.query), ("/a%20b", "c=d"));
        assert_eq!(Url::parse("/x").unwrap().scheme, "");
        for bad in [":", "a\nb", "x%zz", "ipfs://a b/", "1:x"] {
            assert!(Url::parse(bad).is_none(), "{bad}");
        }
    }
}
