//! What fuzz targets call: every reader of what clients and websites send.

use basalt_http::Headers;

use crate::ask::{Ask, Origin};
use crate::car::{ByteRange, Params};
use crate::format::Wanted;
use crate::range::{self, Parts};
use crate::{conditions, go_url, mime, redirects};

/// The request of a fuzz target.
fn ask(query: &str, accept: &[u8]) -> Ask {
    let mut headers = Headers::new();
    headers.append("Accept", accept);
    Ask {
        method: "GET".to_owned(),
        path: b"/ipfs/x".to_vec(),
        original: b"/ipfs/x".to_vec(),
        raw: "/ipfs/x".to_owned(),
        query: query.to_owned(),
        pairs: basalt_http::query::parse(query),
        headers,
        origin: Origin::Path,
        known_host: None,
        began: std::time::Instant::now(),
    }
}

/// A `Range` field.
pub fn range(text: &str, size: u64) {
    let Some(parts) = range::parts(text, size) else {
        assert!(!range::is_valid(text));
        return;
    };
    if let Parts::One(part) = parts {
        assert!(
            part.start
                .checked_add(part.length)
                .is_some_and(|end| end <= size)
        );
    }
}

/// An `Accept` field with a query.
pub fn accept(query: &str, accept: &[u8]) {
    let ask = ask(query, accept);
    if let Ok(wanted) = Wanted::of(&ask) {
        let _ = wanted.location(&ask);
        let _ = Params::of(&ask, &wanted);
    }
}

/// Lists of validators, and ranges of a CAR.
pub fn conditions(text: &str, size: u64) {
    conditions::lists(text, "\"a\"");
    if let Some((from, to)) = ByteRange::parse(text).ok().and_then(|r| r.within(size)) {
        assert!(from <= to && to < size);
    }
}

/// A `_redirects` file and a path.
pub fn redirects(file: &str, path: &str) {
    for rule in redirects::parse(file).unwrap_or_default() {
        if let Some(to) = rule.matches(path) {
            assert!(to.len() <= redirects::MAX_SIZE);
        }
    }
}

/// A path, a name and the first bytes of a file.
pub fn names(raw: &str, bytes: &[u8]) {
    let _ = go_url::rewrite_path(raw, bytes);
    let _ = go_url::Url::parse(raw);
    let _ = mime::of_name(raw);
    let _ = mime::of_content(&bytes[..bytes.len().min(3072)]);
}

/// A denylist.
pub fn denylist(text: &str) {
    basalt_denylist::read_text(text);
}
