//! One block as it is: `application/vnd.ipld.raw`. Also: the bytes of any block, with ranges.

use std::sync::{Mutex, PoisonError};

use basalt_block::Block;
use basalt_http::Headers;
use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::answer::{Answer, Body, Refusal, Result};
use crate::ask::Ask;
use crate::backend::Backend;
use crate::cache::set_last_modified;
use crate::conditions::{self, Verdict};
use crate::format::Format;
use crate::go_url;
use crate::metrics::Kind;
use crate::namespace::Visit;
use crate::pace::PIECE;
use crate::range::{self, Part, Parts};
use crate::reading::Reading;

/// Answers with a block.
pub(crate) async fn serve(visit: &Visit<'_>, mut headers: Headers) -> Result<Answer> {
    let found = visit.found(&headers).await?;
    // What is only asked for its length is not read.
    let read = match visit.ask.is_head() {
        true => visit.backend.length(&found.cid).await.map(Err),
        false => visit.backend.block(&found.cid).await.map(Ok),
    };
    let read = read.map_err(|e| visit.failed(&e, &headers))?;
    headers.set("X-Ipfs-Roots", found.roots_header());
    let name = match visit.ask.param("filename") {
        "" => format!("{}.bin", found.cid),
        name => name.to_owned(),
    };
    set_disposition(&mut headers, "attachment", &name);
    visit.fresh.apply(&mut headers, &found.cid, Format::Raw);
    headers.set("Content-Type", Format::Raw.media_type());
    headers.set("X-Content-Type-Options", "nosniff");
    let answer = match read {
        Ok(block) => bytes(visit, headers, block)?,
        Err(size) => of_size(visit, headers, size, |part| Body::Length(part.length))?,
    };
    Ok(answer.counted(&[Kind::Any, Kind::Raw]))
}

/// Answers with the bytes of a block that is at hand.
pub(crate) fn bytes(visit: &Visit<'_>, headers: Headers, block: Block) -> Result<Answer> {
    let (size, backend) = (block.data().len() as u64, visit.backend.clone());
    of_size(visit, headers, size, |part| of_block(backend, block, part))
}

fn of_size(
    visit: &Visit<'_>,
    headers: Headers,
    size: u64,
    read: impl FnOnce(Part) -> Body,
) -> Result<Answer> {
    let range = visit.ask.header("Range");
    if !range.is_empty() && !range::is_valid(&range) {
        let text = format!("invalid range request: {}", range::INVALID);
        return Err(Refusal::new(400, text).with(&headers));
    }
    let modified = visit.fresh.last_modified();
    Ok(content(visit.ask, headers, modified, size, read))
}

/// Some bytes of a block. A long one is not held for a client that takes its time.
pub(crate) fn of_block(backend: Backend, block: Block, part: Part) -> Body {
    let (start, end) = (part.start as usize, (part.start + part.length) as usize);
    if part.length <= PIECE as u64 {
        return Body::Full(match block.data().len() {
            ..=PIECE => block.data().slice(start..end),
            // Not all of it is held for the sake of a part.
            _ => Bytes::copy_from_slice(&block.data()[start..end]),
        });
    }
    let (pace, cid) = (backend.pace.clone(), *block.cid());
    let first = Mutex::new(Some(block));
    Body::Sized(Reading::new(part.length, pace, move |at| {
        let at_hand = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let backend = backend.clone();
        let read = async move {
            let block = match at_hand {
                Some(block) => block,
                None => backend.block(&cid).await?,
            };
            Ok(block.data().slice(start + at as usize..end))
        };
        stream::once(read).boxed()
    }))
}

/// Answers with a body of `size` bytes, or a part of it, as conditions and ranges say. `read` makes
/// the body of a part.
pub(crate) fn content(
    ask: &Ask,
    mut headers: Headers,
    modified: Option<i64>,
    size: u64,
    read: impl FnOnce(Part) -> Body,
) -> Answer {
    set_last_modified(&mut headers, modified);
    let range = match conditions::check(ask, &headers, modified) {
        Verdict::Answer(range) => range,
        Verdict::Failed => return Answer::bare(412, headers),
        Verdict::NotModified => {
            headers.remove("Content-Type");
            if headers.contains("Etag") {
                headers.remove("Last-Modified");
            }
            return Answer::bare(304, headers);
        }
    };
    let whole = Part {
        start: 0,
        length: size,
    };
    let (status, part) = match range.map(|text| range::parts(&text, size)) {
        None | Some(Some(Parts::Whole)) => (200, whole),
        Some(Some(Parts::One(part))) => {
            let last = (part.start + part.length).wrapping_sub(1);
            headers.set(
                "Content-Range",
                format!("bytes {}-{}/{size}", part.start, last as i64),
            );
            (206, part)
        }
        Some(Some(Parts::Outside)) => {
            headers.set("Content-Range", format!("bytes */{size}"));
            return Answer::plain(416, headers, range::OUTSIDE);
        }
        Some(None) => return Answer::plain(416, headers, range::INVALID),
    };
    headers.set("Accept-Ranges", "bytes");
    let body = match ask.is_head() {
        true => Body::Length(part.length),
        false => read(part),
    };
    Answer::new(status, headers, body)
}

/// Sets `Content-Disposition`.
pub(crate) fn set_disposition(headers: &mut Headers, disposition: &str, name: &str) {
    let ascii: String = name
        .chars()
        .map(|c| if c.is_ascii() { c } else { '_' })
        .collect();
    let ascii = go_url::escape_segment(ascii.as_bytes());
    let utf8 = go_url::escape_segment(name.as_bytes());
    headers.set(
        "Content-Disposition",
        format!("{disposition}; filename=\"{ascii}\"; filename*=UTF-8''{utf8}"),
    );
}
