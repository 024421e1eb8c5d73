//! Paths as Go's `http.ServeMux` understands them.

use std::fmt::Write;

use basalt_http::Result;
use basalt_http::{Headers, Responder};

/// The path without `.`, `..` and doubled slashes.
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut out = String::from("/");
    out.push_str(&parts.join("/"));
    if path.ends_with('/') && !parts.is_empty() {
        out.push('/');
    }
    out
}

/// Sends a browser elsewhere.
pub(crate) fn redirect(
    responder: Responder,
    method: &str,
    status: u16,
    mut headers: Headers,
    to: &str,
) -> Result<()> {
    let has_type = headers.contains("Content-Type");
    headers.set("Location", ascii(to));
    let shows = matches!(method, "GET" | "HEAD") && !has_type;
    if shows {
        headers.set("Content-Type", "text/html; charset=utf-8");
    }
    let body = if method == "GET" && shows {
        let reason = basalt_http::reason(status);
        format!("<a href=\"{}\">{reason}</a>.\n\n", escaped(to))
    } else {
        String::new()
    };
    responder.full(status, &headers, body)
}

/// The path with a query, where there is one.
pub(crate) fn with_query(path: &str, query: &str) -> String {
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

fn escaped(text: &str) -> String {
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
