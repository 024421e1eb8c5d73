//! Files: what they are called, what type they have, which bytes of them.

use std::sync::{Mutex, PoisonError};

use basalt_block::{Block, Cid, codec};
use basalt_http::Headers;
use basalt_ipld::Path;
use basalt_ipld::dag_pb::Node;
use basalt_unixfs::{File, Symlink};
use bytes::BytesMut;
use futures::{StreamExt, TryStreamExt, stream};

use crate::answer::{Answer, Body, Refusal, Result};
use crate::backend::Backend;
use crate::error::Error;
use crate::format::Format;
use crate::metrics::Kind;
use crate::mime;
use crate::namespace::Visit;
use crate::range::Part;
use crate::raw::{self, set_disposition};
use crate::reading::Reading;
use crate::resolve::Found;

const FILE: &[Kind] = &[Kind::Any, Kind::File];

/// The type of what nobody can look at.
const UNKNOWN: &str = "application/octet-stream";
/// How many bytes tell the type of a file.
const SNIFFED: u64 = 3072;

/// As what a file is shown.
pub(crate) struct Shown<'a> {
    /// The path whose last name is the file's.
    pub(crate) name: &'a Path,
    /// The CID that stands in the validator: of an index it is the directory's.
    pub(crate) etag: &'a Cid,
    /// The type, where it is known.
    pub(crate) media: Option<&'static str>,
}

/// Answers with a file, or the part of it that was asked for.
pub(crate) async fn serve(
    visit: &Visit<'_>,
    mut headers: Headers,
    shown: Shown<'_>,
    file: &File,
) -> Result<Answer> {
    let (ask, size) = (visit.ask, file.size());
    let range = ask.header("Range");
    check_range(visit, &headers, size)?;
    visit.fresh.apply(&mut headers, shown.etag, Format::Default);
    let name = named(visit, &mut headers, shown.name);
    let by_name = mime::of_name(&name);
    let media = match (by_name, shown.media) {
        (Some(media), _) => media,
        (None, Some(media)) => media.to_owned(),
        (None, None) if file.cid().codec() == codec::RAW => {
            mime::of_content(sniffed(file.block().data()))
        }
        // Of a range too the type is that of the file, whatever stands in the range.
        (None, None) => {
            let mut head = BytesMut::new();
            match beginning(file, &mut head).await {
                // A part may be had where the beginning is not.
                Err(_) if !range.is_empty() && head.is_empty() => UNKNOWN.to_owned(),
                Err(e) if range.is_empty() => {
                    let text = format!("cannot detect content-type: {e}");
                    return Err(Refusal::new(500, text).with(&headers));
                }
                _ => mime::of_content(&head),
            }
        }
    };
    headers.set("Content-Type", without_charset(&media));
    let modified = visit.fresh.last_modified();
    let answer = raw::content(ask, headers, modified, size, |part| {
        body(visit.backend, file, part)
    });
    Ok(answer.counted(FILE))
}

/// Of large files no parts are given where the config says so.
fn check_range(visit: &Visit<'_>, headers: &Headers, size: u64) -> Result<()> {
    let limit = visit.settings.max_range_request_file_size;
    if limit > 0 && !visit.ask.header("Range").is_empty() && size > limit {
        let text = format!(
            "range requests not supported for files larger than {limit} bytes: switch to verifiable block requests (application/vnd.ipld.raw)"
        );
        return Err(Refusal::new(501, text).with(headers));
    }
    Ok(())
}

/// Whether a block is a file of which everything is known without reading it but its length, and no
/// more is asked for.
pub(crate) fn is_told_by_name(visit: &Visit<'_>, cid: &Cid) -> bool {
    let told = || mime::of_name(&name(visit, visit.path)).is_some();
    visit.ask.is_head() && cid.codec() == codec::RAW && told()
}

/// Answers `HEAD` of such a file.
pub(crate) fn head(
    visit: &Visit<'_>,
    mut headers: Headers,
    found: &Found,
    size: u64,
) -> Result<Answer> {
    check_range(visit, &headers, size)?;
    visit.fresh.apply(&mut headers, &found.cid, Format::Default);
    let media = mime::of_name(&named(visit, &mut headers, visit.path)).unwrap_or_default();
    headers.set("Content-Type", without_charset(&media));
    let modified = visit.fresh.last_modified();
    let answer = raw::content(visit.ask, headers, modified, size, |part| {
        Body::Length(part.length)
    });
    Ok(answer.counted(FILE))
}

/// Some bytes of a file, not all of which is held for a client that takes its time.
pub(crate) fn body(backend: &Backend, file: &File, part: Part) -> Body {
    if file.cid().codec() == codec::RAW {
        return raw::of_block(backend.clone(), file.block().clone(), part);
    }
    let (backend, cid) = (backend.clone(), *file.cid());
    let first = Mutex::new(Some(file.clone()));
    Body::Sized(Reading::new(part.length, backend.pace.clone(), move |at| {
        let at_hand = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let backend = backend.clone();
        let opened = async move {
            let file = match at_hand {
                Some(file) => file,
                None => File::open(backend.source(), &cid).await?,
            };
            let left = part.length - at;
            let ahead = match is_here(&backend, &file).await {
                true => backend.pace.ahead_in_store(left),
                false => backend.pace.ahead(),
            };
            let bytes = file.read_ahead(ahead).range(part.start + at, Some(left));
            Ok::<_, Error>(bytes.map_err(Error::from))
        };
        stream::once(opened).try_flatten().boxed()
    }))
}

/// Whether a file seems to be in the store: the first and the last of what its root links to are.
async fn is_here(backend: &Backend, file: &File) -> bool {
    let Ok(node) = Node::decode(file.block().data()) else {
        return false;
    };
    let (Some(first), Some(last)) = (node.links.first(), node.links.last()) else {
        return false;
    };
    let known = backend.blocks.stat_local(&[first.cid, last.cid]).await;
    known.is_ok_and(|known| known.iter().all(Option::is_some))
}

/// Answers with a block of a codec that nobody here reads.
pub(crate) fn block(
    visit: &Visit<'_>,
    mut headers: Headers,
    found: &Found,
    block: Block,
) -> Result<Answer> {
    visit.fresh.apply(&mut headers, &found.cid, Format::Default);
    let name = named(visit, &mut headers, visit.path);
    let media = mime::of_name(&name).unwrap_or_else(|| mime::of_content(sniffed(block.data())));
    headers.set("Content-Type", without_charset(&media));
    let answer = raw::bytes(visit, headers, block)?;
    Ok(answer.counted(FILE))
}

/// Answers with where a symlink points.
pub(crate) fn symlink(
    visit: &Visit<'_>,
    mut headers: Headers,
    found: &Found,
    link: &Symlink,
) -> Result<Answer> {
    visit.fresh.apply(&mut headers, &found.cid, Format::Default);
    named(visit, &mut headers, visit.path);
    headers.set("Content-Type", "inode/symlink");
    let target = link.target.clone();
    let size = target.len() as u64;
    let modified = visit.fresh.last_modified();
    Ok(raw::content(visit.ask, headers, modified, size, |part| {
        Body::Full(target.slice(part.start as usize..(part.start + part.length) as usize))
    }))
}

/// The name of a file by its path, or by `?filename=`, which is also what it is saved as.
fn named(visit: &Visit<'_>, headers: &mut Headers, path: &Path) -> String {
    let asked = visit.ask.param("filename");
    if !asked.is_empty() {
        let kind = match visit.ask.param("download") {
            "true" => "attachment",
            _ => "inline",
        };
        set_disposition(headers, kind, asked);
    }
    name(visit, path)
}

fn name(visit: &Visit<'_>, path: &Path) -> String {
    let asked = visit.ask.param("filename");
    if !asked.is_empty() {
        return asked.to_owned();
    }
    // A domain is no name of a file.
    let last = path.segments().last().unwrap_or_default();
    String::from_utf8_lossy(last).into_owned()
}

/// Reads the first bytes of a file.
async fn beginning(file: &File, head: &mut BytesMut) -> Result<(), Error> {
    let mut pieces = file.clone().read_ahead(0).range(0, Some(SNIFFED));
    while let Some(piece) = pieces.try_next().await? {
        head.extend_from_slice(&piece);
    }
    Ok(())
}

fn sniffed(data: &[u8]) -> &[u8] {
    &data[..data.len().min(SNIFFED as usize)]
}

/// Browsers find the charset of HTML out by themselves.
fn without_charset(media: &str) -> &str {
    match media.starts_with("text/html;") {
        true => "text/html",
        false => media,
    }
}
