//! A file or directory as a tar archive: `application/x-tar`.

use async_trait::async_trait;
use basalt_http::Headers;
use basalt_unixfs::Mtime;
use basalt_unixfs::tar::{Packer, Times};
use bytes::Bytes;

use crate::answer::{Answer, Body, Refusal, Result};
use crate::cache::{self, set_last_modified};
use crate::content::Content;
use crate::error::Error;
use crate::format::Format;
use crate::metrics::Kind;
use crate::namespace::Visit;
use crate::raw::set_disposition;
use crate::streaming::{Source, Streaming};

/// Answers with an archive whose only root is named by the CID.
pub(crate) async fn serve(visit: &Visit<'_>, mut headers: Headers) -> Result<Answer> {
    let found = visit.found(&headers).await?;
    let fail = |e: Error| Refusal::resolving(visit.path.as_bytes(), &e);
    let content = Content::open(visit.backend, &found.cid).await;
    let content = content.map_err(|e| fail(e).with(&headers))?;
    if let Content::Block(_) = content {
        let error = basalt_unixfs::Error::NotUnixFs(Box::new(found.cid));
        return Err(fail(error.into()).with(&headers));
    }
    headers.set("X-Ipfs-Roots", found.roots_header());
    visit.fresh.apply(&mut headers, &found.cid, Format::Tar);
    let name = match visit.ask.param("filename") {
        "" => format!("{}.tar", found.cid),
        name => name.to_owned(),
    };
    set_disposition(&mut headers, "attachment", &name);
    set_last_modified(&mut headers, visit.fresh.last_modified());
    headers.set("Content-Type", Format::Tar.media_type());
    headers.set("X-Content-Type-Options", "nosniff");
    if visit.ask.is_head() {
        return Ok(Answer::bare(200, headers));
    }
    let now = Mtime {
        seconds: cache::now(),
        nanos: 0,
    };
    let root = found.cid.to_string();
    let packer = Packer::new(visit.backend.source(), found.cid, root, now, Times::Seconds);
    let body = Body::Stream(Streaming::new(packer, visit.backend.pace.clone()));
    Ok(Answer::new(200, headers, body).counted(&[Kind::Any, Kind::Tar]))
}

#[async_trait]
impl Source for Packer {
    async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        Some(Packer::next(self).await.transpose()?.map_err(Error::from))
    }

    fn rest(&mut self, unsent: usize) -> bool {
        Packer::rest(self, unsent as u64)
    }
}
