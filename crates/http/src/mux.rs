//! What Go's `net/http` does around handlers: clean paths, redirects and plain errors.

use std::fmt::Write;

use bytes::Bytes;

use crate::{Headers, Responder, Result, reason};

/// The path without `.`, `..` and doubled slashes.
pub fn clean(path: &str) -> String {
    // Whole segments are taken from a text and joined by slashes: that is text again.
    String::from_utf8_lossy(&clean_bytes(path.as_bytes())).into_owned()
}

/// As [`clean`], for a path that need not be text.
pub fn clean_bytes(path: &[u8]) -> Vec<u8> {
    let parts = segments(path);
    let mut out = vec![b'/'];
    out.extend(parts.join(&b'/'));
    if path.ends_with(b"/") && !parts.is_empty() {
        out.push(b'/');
    }
    out
}

/// The parts of a path between its slashes, without empty ones, `.` and `..`.
pub fn segments(path: &[u8]) -> Vec<&[u8]> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

/// Sends a browser elsewhere.
pub fn redirect(
    responder: Responder,
    method: &str,
    status: u16,
    mut headers: Headers,
    to: &str,
) -> Result<()> {
    let body = redirect_body(method, status, &mut headers, to);
    responder.full(status, &headers, body)
}

/// Puts the fields of a redirect into `headers` and gives its body.
pub fn redirect_body(method: &str, status: u16, headers: &mut Headers, to: &str) -> Bytes {
    let has_type = headers.contains("Content-Type");
    headers.set("Location", ascii(to));
    let shows = matches!(method, "GET" | "HEAD") && !has_type;
    if shows {
        headers.set("Content-Type", "text/html; charset=utf-8");
    }
    if method == "GET" && shows {
        format!("<a href=\"{}\">{}</a>.\n\n", escaped(to), reason(status)).into()
    } else {
        Bytes::new()
    }
}

/// Sends a text as Go's `http.Error` does.
pub fn plain(responder: Responder, status: u16, mut headers: Headers, text: &str) -> Result<()> {
    let body = plain_body(&mut headers, text);
    responder.full(status, &headers, body)
}

/// Puts the fields of a plain error into `headers` and gives its body.
pub fn plain_body(headers: &mut Headers, text: &str) -> Bytes {
    headers.remove("Content-Length");
    headers.set("Content-Type", "text/plain; charset=utf-8");
    headers.set("X-Content-Type-Options", "nosniff");
    format!("{text}\n").into()
}

/// The path with a query, where there is one.
pub fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// Bytes that are not ASCII, percent-encoded.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii() {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out
}

/// Text as it may stand in HTML.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (path, want) in [
            ("/version", "/version"),
            ("//version", "/version"),
            ("/a/../version", "/version"),
            ("/./webui/", "/webui/"),
            ("/a//b/", "/a/b/"),
            ("/../../x", "/x"),
            ("/", "/"),
            ("", "/"),
            ("/a/..", "/"),
            ("/a/../", "/"),
        ] {
            assert_eq!(clean(path), want, "{path}");
        }
    }

    #[test]
    fn what_stands_in_a_page_is_escaped() {
        assert_eq!(escaped("/a?<b>&\"c'"), "/a?&lt;b&gt;&amp;&#34;c&#39;");
        assert_eq!(ascii("/é"), "/%c3%a9");
    }
}
