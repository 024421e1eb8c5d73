//! A DAG, or a part of one, as a CAR: `application/vnd.ipld.car`.

mod entity;
mod params;
mod seen;
mod walk;

use basalt_block::Cid;
use basalt_http::{Headers, xxhash};

use crate::answer::{Answer, Body, Refusal, Result};
use crate::conditions;
use crate::error::Error;
use crate::format::Format;
use crate::metrics::Kind;
use crate::namespace::Visit;
use crate::raw::set_disposition;
use crate::resolve::{resolve, trace};
use crate::streaming::Streaming;
pub(crate) use params::{ByteRange, Params, Scope};
use walk::Walk;

/// Answers with a CAR of the blocks on the path and of what it leads to.
pub(crate) async fn serve(visit: &Visit<'_>, mut headers: Headers) -> Result<Answer> {
    let params =
        Params::of(visit.ask, visit.wanted).map_err(|e| Refusal::new(400, e).with(&headers))?;
    let path = visit.fixed;
    let root = *path
        .immutable_root()
        .map_err(|e| Refusal::new(500, e.to_string()).with(&headers))?;
    let name = match visit.ask.param("filename") {
        "" => match path.segments().last() {
            Some(last) => format!("{root}_{}.car", String::from_utf8_lossy(last)),
            None => format!("{root}.car"),
        },
        name => name.to_owned(),
    };
    set_disposition(&mut headers, "attachment", &name);
    visit.fresh.apply(&mut headers, &root, Format::Car);
    let etag = etag(path.as_bytes(), &params, &root);
    headers.set("Etag", &etag);
    if conditions::lists(&visit.ask.header("If-None-Match"), &etag) {
        return Ok(Answer::bare(304, headers));
    }
    let (roots, walk) = match resolve(visit.backend, path).await {
        Ok(found) => {
            // A CAR of a root that is not to be had would prove nothing.
            let block = visit.backend.block(&found.cid).await;
            block.map_err(|e| visit.failed(&e, &headers))?;
            let on_the_way = trace(visit.backend, path).await;
            let on_the_way = on_the_way.map_err(|e| visit.failed(&e, &headers))?;
            let walk = Walk::new(visit.backend.clone(), found.cid, &params, on_the_way.cids);
            (found.roots_header(), walk)
        }
        // The blocks as far as the path goes prove that it goes no further.
        Err(error @ Error::NoLink { .. }) => {
            let on_the_way = trace(visit.backend, path).await;
            let on_the_way = on_the_way.map_err(|e| visit.failed(&e, &headers))?;
            if on_the_way.missing {
                return Err(visit.failed(&error, &headers));
            }
            (
                root.to_string(),
                Walk::absent(visit.backend.clone(), on_the_way.cids),
            )
        }
        Err(error) => return Err(visit.failed(&error, &headers)),
    };
    headers.set("X-Ipfs-Roots", roots);
    headers.set("Accept-Ranges", "none");
    headers.set("Content-Type", params.media_type());
    headers.set("X-Content-Type-Options", "nosniff");
    if visit.ask.is_head() {
        return Ok(Answer::bare(200, headers));
    }
    let answer = Answer::new(
        200,
        headers,
        Body::Stream(Streaming::new(walk, visit.backend.pace.clone())),
    );
    Ok(answer.counted(&[Kind::Any, Kind::Car]))
}

/// A validator of everything that the bytes depend on.
fn etag(path: &[u8], params: &Params, root: &Cid) -> String {
    let mut text = path.to_vec();
    if params.scope != Scope::All {
        text.extend_from_slice(b"\0scope=");
        text.extend_from_slice(params.scope.name().as_bytes());
    }
    if params.order != "dfs" {
        text.extend_from_slice(b"\0order=");
        text.extend_from_slice(params.order.as_bytes());
    }
    if params.duplicates {
        text.extend_from_slice(b"\0dups=y");
    }
    if let Some(range) = &params.range
        && (range.from != 0 || range.to.is_some())
    {
        text.extend_from_slice(b"\0range=");
        text.extend_from_slice(&range.from.to_le_bytes());
        if let Some(to) = range.to {
            text.extend_from_slice(&to.to_le_bytes());
        }
    }
    let hash = xxhash::base32(xxhash::hash64(&text));
    format!("W/\"{root}.car.{hash}\"")
}
