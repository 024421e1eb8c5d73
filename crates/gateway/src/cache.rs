//! `Etag`, `Cache-Control`, `Last-Modified`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basalt_block::Cid;
use basalt_http::{Headers, date};

use crate::format::{Format, media_type_of};
use crate::page;

const IMMUTABLE: &str = "public, max-age=29030400, immutable";

/// What is known of how long an answer may be kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Freshness {
    /// Whether the path may mean something else later.
    pub(crate) mutable: bool,
    /// For how long its meaning may be kept.
    pub(crate) ttl: Duration,
    /// When the content was last changed, in seconds since 1970.
    pub(crate) modified: Option<i64>,
}

impl Freshness {
    /// `Cache-Control` of plain content.
    pub(crate) fn content(&self) -> Option<String> {
        match (self.mutable, self.ttl.as_secs()) {
            (false, _) => Some(IMMUTABLE.to_owned()),
            (true, 0) if self.ttl.is_zero() => None,
            (true, seconds) => Some(format!("public, max-age={seconds}")),
        }
    }

    /// `Cache-Control` of a listing that this program made.
    pub(crate) fn listing(&self) -> Option<String> {
        let keep = "stale-while-revalidate=2678400";
        if !self.ttl.is_zero() {
            return Some(format!("public, max-age={}, {keep}", self.ttl.as_secs()));
        }
        (!self.mutable).then(|| format!("public, max-age=604800, {keep}"))
    }

    /// What `Last-Modified` says: when the content was changed, or for what may change, now.
    pub(crate) fn last_modified(&self) -> Option<i64> {
        self.modified.or_else(|| self.mutable.then(now))
    }

    /// Sets `Etag` and `Cache-Control` of plain content.
    pub(crate) fn apply(&self, headers: &mut Headers, cid: &Cid, format: Format) {
        if let Some(etag) = etag(cid, format) {
            headers.set("Etag", etag);
        }
        if let Some(text) = self.content() {
            headers.set("Cache-Control", text);
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// Sets `Last-Modified`, except for moments that only say that nobody knows.
pub(crate) fn set_last_modified(headers: &mut Headers, modified: Option<i64>) {
    if let Some(seconds) = modified
        .and_then(|s| u64::try_from(s).ok())
        .filter(|s| *s > 0)
    {
        headers.set("Last-Modified", date::format(seconds));
    }
}

/// The validator of content in a format; `None` for those that have their own.
pub(crate) fn etag(cid: &Cid, format: Format) -> Option<String> {
    let media = match format {
        Format::Default => media_type_of(cid.codec()),
        Format::Car | Format::IpnsRecord => return None,
        format => Some(format.media_type()),
    };
    let weak = if format == Format::Tar { "W/" } else { "" };
    let suffix = media.map(|media| {
        let short = media.rsplit(['/', '.']).next().unwrap_or_default();
        format!(".{short}")
    });
    Some(format!("{weak}\"{cid}{}\"", suffix.unwrap_or_default()))
}

/// The validator of a listing.
pub(crate) fn listing_etag(cid: &Cid) -> String {
    format!("\"DirIndex-{}_CID-{cid}\"", page::VERSION)
}

/// The validator of a page that shows a block.
pub(crate) fn dag_etag(cid: &Cid) -> String {
    format!("\"DagIndex-{}_CID-{cid}\"", page::VERSION)
}
