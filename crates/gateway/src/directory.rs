//! Directories: their index, or a listing.

use basalt_http::Headers;
use basalt_unixfs::{Directory, Entry};
use futures::StreamExt;

use crate::answer::{Answer, Body, Refusal, Result};
use crate::cache;
use crate::codecs::with_slash;
use crate::content::Content;
use crate::error::Error;
use crate::file;
use crate::metrics::Kind;
use crate::namespace::Visit;
use crate::page;
use crate::resolve::Found;
use crate::streaming::Streaming;

/// What is shown in place of a directory.
const INDEX: &str = "index.html";

/// Answers with the directory's index, or a listing where it has none.
pub(crate) async fn serve(
    visit: &Visit<'_>,
    mut headers: Headers,
    found: &Found,
    directory: &Directory,
) -> Result<Answer> {
    if visit.ask.param("go-get") != "1"
        && let Some(to) = with_slash(visit)
    {
        return Ok(Answer::redirect(&visit.ask.method, 301, headers, &to));
    }
    match index(visit, directory).await {
        Ok(Some(Content::File(file))) => {
            let name = visit
                .path
                .join([INDEX])
                .map_err(|e| Refusal::of(&e.into()).with(&headers))?;
            let shown = file::Shown {
                name: &name,
                etag: &found.cid,
                media: Some("text/html"),
            };
            let answer = file::serve(visit, headers, shown, &file).await?;
            return Ok(answer.counted(&[Kind::Any, Kind::File, Kind::Index]));
        }
        Ok(Some(Content::Block(block))) => return file::block(visit, headers, found, block),
        Ok(Some(_)) => {
            let text = "index.html could not be read: not a file";
            return Err(Refusal::new(422, text).with(&headers));
        }
        Ok(None) => {}
        Err(error) => return Err(Refusal::of(&error).with(&headers)),
    }
    headers.set("Content-Type", "text/html");
    headers.set("Etag", cache::listing_etag(&found.cid));
    if let Some(control) = visit.fresh.listing() {
        headers.set("Cache-Control", control);
    }
    if visit.ask.is_head() {
        return Ok(Answer::bare(200, headers));
    }
    let entries = directory.entries().map(|entry| entry.map_err(Error::from));
    let pieces = page::listing::render(visit, found, directory.dag_size(), entries.boxed());
    let answer = Answer::new(
        200,
        headers,
        Body::Stream(Streaming::new(pieces, visit.backend.pace.clone())),
    );
    Ok(answer.counted(&[Kind::Any, Kind::Listing]))
}

/// The index; one whose block cannot be had is none.
async fn index(visit: &Visit<'_>, directory: &Directory) -> Result<Option<Content>, Error> {
    let opened = async {
        let entry: Option<Entry> = directory.lookup(INDEX.as_bytes()).await?;
        match entry {
            Some(entry) => Content::open(visit.backend, &entry.cid).await.map(Some),
            None => Ok(None),
        }
    };
    match opened.await {
        Err(error) if error.is_not_found() => Ok(None),
        opened => opened,
    }
}
