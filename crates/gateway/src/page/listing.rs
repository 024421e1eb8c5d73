//! A directory as a page, written entry by entry.

use std::fmt::Write;

use basalt_http::mux::escaped;
use basalt_unixfs::Entry;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};

use super::{END, begin, size};
use crate::answer::Pieces;
use crate::ask::Origin;
use crate::error::Error;
use crate::go_url::escape_path;
use crate::namespace::Visit;
use crate::resolve::Found;

/// A piece of a page is sent when it has so many bytes.
const PIECE: usize = 16 << 10;

/// What rows need to know.
struct Rows {
    /// The path of the directory, as it was asked for.
    base: Vec<u8>,
    /// The host where any content is, with two slashes before it; nothing for this one.
    gateway: String,
    /// Whether this host has no other content than its own.
    website: bool,
}

/// The page.
pub(crate) fn render(
    visit: &Visit<'_>,
    found: &Found,
    dag_size: u64,
    entries: BoxStream<'static, Result<Entry, Error>>,
) -> Pieces {
    let (gateway, website) = match &visit.ask.origin {
        Origin::Path => (String::new(), false),
        Origin::Subdomain(host) => (format!("//{host}"), false),
        Origin::DnsLink(host) => (format!("//{host}"), true),
    };
    let rows = Rows {
        base: visit.ask.original.clone(),
        gateway,
        website,
    };
    let mut head = String::with_capacity(PIECE);
    let title = visit.path.to_string();
    begin(
        &mut head,
        &title,
        "A directory of content-addressed files hosted on IPFS.",
    );
    head.push_str("<h1>Index of ");
    head.push_str(&rows.breadcrumbs(visit));
    head.push_str("</h1>\n<p class=\"dim\"><span class=\"ipfs-hash\" translate=\"no\">");
    let _ = write!(
        head,
        "{}</span> &middot; <span title=\"All blocks, with their links\">{}</span></p>\n<table>\n",
        found.cid,
        size(dag_size)
    );
    if visit.path.segments().next().is_some() {
        let mut back = rows.base.clone();
        let up: &[u8] = if back.ends_with(b"/") { b".." } else { b"/.." };
        back.extend_from_slice(up);
        let back = escaped(&escape_path(&back));
        let _ = writeln!(
            head,
            "<tr><td><a href=\"{back}\">..</a></td><td class=\"hash\"></td><td></td></tr>"
        );
    }
    let state = Some((rows, entries, head));
    stream::unfold(state, |state| async move {
        let (rows, mut entries, mut out) = state?;
        loop {
            match entries.next().await {
                Some(Ok(entry)) => rows.row(&mut out, &entry),
                Some(Err(error)) if out.is_empty() => return Some((Err(error), None)),
                Some(Err(error)) => {
                    // What is there is shown; then that something is not.
                    let failed = stream::iter([Err(error)]).boxed();
                    return Some((Ok(Bytes::from(out)), Some((rows, failed, String::new()))));
                }
                None => {
                    out.push_str("</table>\n");
                    out.push_str(END);
                    return Some((Ok(Bytes::from(out)), None));
                }
            }
            if out.len() >= PIECE {
                let next = String::with_capacity(PIECE + 1024);
                return Some((Ok(Bytes::from(out)), Some((rows, entries, next))));
            }
        }
    })
    .boxed()
}

impl Rows {
    fn row(&self, out: &mut String, entry: &Entry) {
        let mut path = self.base.clone();
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
        path.extend_from_slice(&entry.name);
        let name = String::from_utf8_lossy(&entry.name);
        let cid = entry.cid.to_string();
        let _ = write!(
            out,
            "<tr><td><a href=\"{}\">{}</a></td><td class=\"hash\"><a class=\"ipfs-hash\" translate=\"no\" href=\"",
            escaped(&escape_path(basalt_http::mux::clean_bytes(&path).as_ref())),
            escaped(&name),
        );
        if self.website {
            let _ = write!(
                out,
                "https://cid.ipfs.tech/#{cid}\" target=\"_blank\" rel=\"noreferrer noopener\">"
            );
        } else {
            // Escaped once as a path and once more as a part of a query, as links of gateways are.
            let name = basalt_http::query::escape(escape_path(&entry.name).as_bytes());
            let _ = write!(
                out,
                "{}/ipfs/{cid}?filename={}\">",
                escaped(&self.gateway),
                name.replace('+', "%20")
            );
        }
        short(out, &cid);
        let _ = writeln!(
            out,
            "</a></td><td class=\"size\">{}</td></tr>",
            size(entry.dag_size)
        );
    }

    /// The path with a link to each directory on it.
    fn breadcrumbs(&self, visit: &Visit<'_>) -> String {
        let path = visit.path;
        let namespace = path.namespace().as_str();
        let mut out = format!("/{namespace}");
        let mut at = match self.website {
            true => String::new(),
            false => format!("/{namespace}"),
        };
        let root = path.root().into_owned().into_bytes();
        let segments = std::iter::once(root.as_slice()).chain(path.segments());
        for (number, segment) in segments.enumerate() {
            if !(self.website && number == 0) {
                at.push('/');
                at.push_str(&escape_path(segment));
            }
            let to = if at.is_empty() { "/" } else { &at };
            let name = String::from_utf8_lossy(segment);
            let _ = write!(
                out,
                "/<a href=\"{}{}\">{}</a>",
                escaped(&self.gateway),
                escaped(to),
                escaped(&name)
            );
        }
        out
    }
}

/// The ends of a CID.
fn short(out: &mut String, cid: &str) {
    match (cid.get(..4), cid.len() > 8) {
        (Some(start), true) => {
            out.push_str(start);
            out.push('\u{2026}');
            out.push_str(&cid[cid.len() - 4..]);
        }
        _ => out.push_str(cid),
    }
}
