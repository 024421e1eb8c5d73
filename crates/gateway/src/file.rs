//! Files: what they are called, what type they have, which bytes of them.

use basalt_block::{Block, Cid};
use basalt_http::Headers;
use basalt_ipld::Path;
use basalt_unixfs::{File, Symlink};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};

use crate::answer::{Answer, Refusal, Result};
use crate::error::Error;
use crate::format::Format;
use crate::metrics::Kind;
use crate::mime;
use crate::namespace::Visit;
use crate::raw::{self, set_disposition};
use crate::resolve::Found;

const FILE: &[Kind] = &[Kind::Any, Kind::File];

/// How many bytes tell the type of a file.
const SNIFFED: u64 = 3072;
/// What is read ahead of a client, in bytes; many of them may be slow.
const READ_AHEAD: usize = 512 << 10;

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
    let limit = visit.settings.max_range_request_file_size;
    if limit > 0 && !range.is_empty() && size > limit {
        let text = format!(
            "range requests not supported for files larger than {limit} bytes: switch to verifiable block requests (application/vnd.ipld.raw)"
        );
        return Err(Refusal::new(501, text).with(&headers));
    }
    visit.fresh.apply(&mut headers, shown.etag, Format::Default);
    let name = named(visit, &mut headers, shown.name);
    let by_name = mime::of_name(&name);
    let media = match (by_name, shown.media) {
        (Some(media), _) => media,
        (None, Some(media)) => media.to_owned(),
        // Of a range too the type is that of the file, whatever stands in the range.
        (None, None) => {
            let head = beginning(file).await.map_err(|e| {
                Refusal::new(500, format!("cannot detect content-type: {e}")).with(&headers)
            })?;
            mime::of_content(&head)
        }
    };
    headers.set("Content-Type", without_charset(&media));
    let modified = visit.fresh.last_modified();
    let answer = raw::content(ask, headers, modified, size, |part| {
        let ahead = if visit.backend.crowded { 0 } else { READ_AHEAD };
        let file = file.clone().read_ahead(ahead);
        let bytes = file.range(part.start, Some(part.length));
        bytes.map_err(Error::from).boxed()
    });
    Ok(answer.counted(FILE))
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
    let answer = raw::bytes(visit.ask, headers, &visit.fresh, block.into_data())?;
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
        let bytes = target.slice(part.start as usize..(part.start + part.length) as usize);
        stream::iter([Ok(bytes)]).boxed()
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
        return asked.to_owned();
    }
    // A domain is no name of a file.
    let last = path.segments().last().unwrap_or_default();
    String::from_utf8_lossy(last).into_owned()
}

/// The first bytes of a file.
async fn beginning(file: &File) -> Result<Bytes, Error> {
    let mut pieces = file.clone().read_ahead(0).range(0, Some(SNIFFED));
    let mut head = BytesMut::new();
    while let Some(piece) = pieces.try_next().await? {
        if head.is_empty() && piece.len() as u64 >= SNIFFED.min(file.size()) {
            return Ok(piece);
        }
        head.extend_from_slice(&piece);
    }
    Ok(head.freeze())
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
