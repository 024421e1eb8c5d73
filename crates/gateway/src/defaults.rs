//! Content as a browser shows it: files, directories, documents.

use basalt_http::Headers;
use basalt_ipld::Path;

use crate::answer::{Answer, Refusal, Result};
use crate::content::{self, Content};
use crate::error::Error;
use crate::namespace::Visit;
use crate::redirects::{self, Recovered};
use crate::resolve::{Found, resolve};
use crate::{codecs, directory, file, range};

/// Answers with what the path leads to.
pub(crate) async fn serve(visit: &mut Visit<'_>, mut headers: Headers) -> Result<Answer> {
    let range = visit.ask.header("Range");
    if !visit.ask.is_head() && !range.is_empty() && !range::is_valid(&range) {
        let text = format!("invalid range request: {}", range::INVALID);
        return Err(Refusal::new(400, text).with(&headers));
    }
    let (found, content) = match open(visit, visit.fixed).await {
        Ok(opened) => opened,
        Err(error) => match redirects::recover(visit, error, &headers).await? {
            Recovered::Answer(answer) => return Ok(answer),
            Recovered::Path(path) => {
                visit.known.take();
                let opened = open(visit, &path).await;
                opened.map_err(|e| visit.failed(&e, &headers))?
            }
        },
    };
    headers.set("X-Ipfs-Roots", found.roots_header());
    if let Some(mtime) = content.mtime() {
        visit.fresh.modified = Some(mtime.seconds);
    }
    match content {
        Content::Block(block) if content::is_document(found.cid.codec()) => {
            codecs::render(visit, headers, &found, block)
        }
        Content::Length(size) => file::head(visit, headers, &found, size),
        Content::Block(block) => file::block(visit, headers, &found, block),
        Content::File(file) => {
            let shown = file::Shown {
                name: visit.path,
                etag: &found.cid,
                media: None,
            };
            file::serve(visit, headers, shown, &file).await
        }
        Content::Symlink(link) => file::symlink(visit, headers, &found, &link),
        Content::Directory(directory) => directory::serve(visit, headers, &found, &directory).await,
    }
}

async fn open(visit: &Visit<'_>, path: &Path) -> Result<(Found, Content), Error> {
    let found = match visit.known.get() {
        Some(found) => found.clone(),
        None => resolve(visit.backend, path).await?,
    };
    let content = match file::is_told_by_name(visit, &found.cid) {
        true => Content::Length(visit.backend.length(&found.cid).await?),
        false => Content::open(visit.backend, &found.cid).await?,
    };
    Ok((found, content))
}
