//! One block as it is: `application/vnd.ipld.raw`. Also: the bytes of any block, with ranges.

use basalt_http::Headers;
use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::answer::{Answer, Body, Pieces, Refusal, Result};
use crate::ask::Ask;
use crate::cache::{Freshness, set_last_modified};
use crate::conditions::{self, Verdict};
use crate::format::Format;
use crate::go_url;
use crate::metrics::Kind;
use crate::namespace::Visit;
use crate::range::{self, Part, Parts};

/// Answers with a block.
pub(crate) async fn serve(visit: &Visit<'_>, mut headers: Headers) -> Result<Answer> {
    let (found, block) = visit.block(&mut headers).await?;
    let name = match visit.ask.param("filename") {
        "" => format!("{}.bin", found.cid),
        name => name.to_owned(),
    };
    set_disposition(&mut headers, "attachment", &name);
    visit.fresh.apply(&mut headers, &found.cid, Format::Raw);
    headers.set("Content-Type", Format::Raw.media_type());
    headers.set("X-Content-Type-Options", "nosniff");
    let answer = bytes(visit.ask, headers, &visit.fresh, block.into_data())?;
    Ok(answer.counted(&[Kind::Any, Kind::Raw]))
}

/// Answers with bytes that are at hand.
pub(crate) fn bytes(ask: &Ask, headers: Headers, fresh: &Freshness, data: Bytes) -> Result<Answer> {
    let range = ask.header("Range");
    if !range.is_empty() && !range::is_valid(&range) {
        let text = format!("invalid range request: {}", range::INVALID);
        return Err(Refusal::new(400, text).with(&headers));
    }
    let size = data.len() as u64;
    Ok(content(ask, headers, fresh.last_modified(), size, |part| {
        let range = part.start as usize..(part.start + part.length) as usize;
        stream::iter([Ok(data.slice(range))]).boxed()
    }))
}

/// Answers with a body of `size` bytes, or a part of it, as conditions and ranges say. `read` makes
/// the pieces of a part.
pub(crate) fn content(
    ask: &Ask,
    mut headers: Headers,
    modified: Option<i64>,
    size: u64,
    read: impl FnOnce(Part) -> Pieces,
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
        false => Body::Sized(part.length, read(part)),
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
