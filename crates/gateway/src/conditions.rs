//! `If-Match` and its relatives (RFC 9110, 13), in Go's reading.

use basalt_http::{Headers, date};

use crate::ask::Ask;

/// What follows from the conditions of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Answer, with this range if one was asked for.
    Answer(Option<String>),
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// Looks at the conditions for an answer with these fields that was changed at `modified`.
pub(crate) fn check(ask: &Ask, headers: &Headers, modified: Option<i64>) -> Verdict {
    let etag = headers.get("Etag").unwrap_or_default();
    // Nobody knows when it was changed, is no moment to compare with.
    let modified = modified.filter(|seconds| *seconds != 0);
    let header = |name: &str| Some(ask.header(name)).filter(|value| !value.is_empty());
    let since = |name: &str| Some((header(name).and_then(|text| date::parse(&text))?, modified?));

    let matches = match header("If-Match") {
        Some(listed) => any(&listed, |tag| strong(tag, &etag)),
        None => since("If-Unmodified-Since").is_none_or(|(then, modified)| modified <= then),
    };
    if !matches {
        return Verdict::Failed;
    }
    let fresh = match header("If-None-Match") {
        Some(listed) => any(&listed, |tag| weak(tag, &etag)),
        None => since("If-Modified-Since").is_some_and(|(then, modified)| modified <= then),
    };
    if fresh {
        return Verdict::NotModified;
    }
    let range = header("Range").filter(|_| match header("If-Range") {
        None => true,
        Some(condition) => match tag(&condition) {
            Some((tag, _)) => strong(tag, &etag),
            None => {
                let then = date::parse(&condition);
                then.is_some() && then == modified
            }
        },
    });
    Verdict::Answer(range)
}

/// Whether a list of tags, or `*`, has one of `etags`.
pub(crate) fn lists(listed: &str, etag: &str) -> bool {
    any(listed, |tag| weak(tag, etag))
}

fn any(listed: &str, matches: impl Fn(&str) -> bool) -> bool {
    let mut rest = listed;
    loop {
        rest = rest.trim_matches([' ', '\t', '\r', '\n']);
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
            continue;
        }
        if rest.starts_with('*') {
            return true;
        }
        let Some((tag, after)) = tag(rest) else {
            return false;
        };
        if matches(tag) {
            return true;
        }
        rest = after;
    }
}

/// The tag at the start of a text, and what follows it.
fn tag(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let start = if text.starts_with("W/") { 2 } else { 0 };
    let quoted = text[start..].strip_prefix('"')?;
    let length = quoted
        .bytes()
        .position(|b| !(b == 0x21 || (0x23..=0x7e).contains(&b) || b >= 0x80))?;
    (quoted.as_bytes()[length] == b'"').then(|| text.split_at(start + length + 2))
}

fn strong(a: &str, b: &str) -> bool {
    a == b && a.starts_with('"')
}

fn weak(a: &str, b: &str) -> bool {
    a.strip_prefix("W/").unwrap_or(a) == b.strip_prefix("W/").unwrap_or(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_are_found_in_lists() {
        for (listed, wanted) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            (",,\"a\"", true),
            ("*", true),
            ("\"b\",*", true),
            ("a", false),
            ("\"a", false),
            ("\"b\" a", false),
            ("", false),
        ] {
            assert_eq!(lists(listed, "\"a\""), wanted, "{listed}");
        }
        assert!(lists("\"a\"", "W/\"a\""));
    }

    proptest! {
        #[test]
        fn survives_anything(text: String) {
            lists(&text, "\"a\"");
        }
    }
}
