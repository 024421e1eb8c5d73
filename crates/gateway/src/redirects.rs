//! `_redirects`: what a website says about paths that it has not.
//! <https://specs.ipfs.tech/http-gateways/web-redirects-file/>

mod rules;

use basalt_http::{Headers, query};
use basalt_ipld::Path;
use futures::TryStreamExt;

use crate::answer::{Answer, Body, Refusal, Result};
use crate::cache::Freshness;
use crate::content::Content;
use crate::error::Error;
use crate::file;
use crate::format::Format;
use crate::namespace::Visit;
use crate::range::Part;
use crate::resolve::resolve;
pub(crate) use rules::{MAX_SIZE, Rule, parse};

/// What follows when a path leads nowhere.
pub(crate) enum Recovered {
    /// This instead.
    Answer(Answer),
    /// The content of another path, under the address that was asked for.
    Path(Path),
}

/// Answers for a path that led to an error: by the website's rules, if it has any for this path.
pub(crate) async fn recover(
    visit: &Visit<'_>,
    error: Error,
    headers: &Headers,
) -> Result<Recovered> {
    let web_page = visit.wanted.format == Format::Default;
    if web_page && error.is_not_found() && visit.ask.is_isolated() {
        let applied = apply(visit, headers).await.map_err(|failed| {
            let path = root(visit);
            let text = format!(
                "trouble processing _redirects file at {}: {failed}",
                basalt_ipld::go_quote(format!("{path}/_redirects"))
            );
            Refusal::new(failed.status(), text).with(headers)
        })?;
        if let Some(recovered) = applied {
            return Ok(recovered);
        }
    }
    Err(visit.failed(&error, headers))
}

/// The immutable root of the website.
fn root(visit: &Visit<'_>) -> String {
    format!(
        "/{}/{}",
        visit.fixed.namespace().as_str(),
        visit.fixed.root()
    )
}

async fn apply(visit: &Visit<'_>, headers: &Headers) -> Result<Option<Recovered>, Error> {
    let Some(rules) = load(visit).await? else {
        return Ok(None);
    };
    let segments: Vec<_> = visit
        .fixed
        .segments()
        .map(String::from_utf8_lossy)
        .collect();
    if segments.is_empty() {
        return Ok(None);
    }
    let asked = format!("/{}", segments.join("/"));
    for rule in rules {
        let Some(to) = rule.matches(&asked) else {
            continue;
        };
        return match rule.status {
            200 => {
                let path = Path::parse(format!("{}{to}", root(visit)))?;
                Ok(Some(Recovered::Path(path)))
            }
            404 | 410 | 451 => page(visit, headers, &to, rule.status).await.map(Some),
            status => {
                let to = with_query(&to, &visit.ask.query)?;
                let answer = Answer::redirect(&visit.ask.method, status, headers.clone(), &to);
                Ok(Some(Recovered::Answer(answer)))
            }
        };
    }
    Ok(None)
}

/// The rules; `None` where there is no such file.
async fn load(visit: &Visit<'_>) -> Result<Option<Vec<Rule>>, Error> {
    let path = Path::parse(format!("{}/_redirects", root(visit)))?;
    let opened = async {
        let found = resolve(visit.backend, &path).await?;
        Content::open(visit.backend, &found.cid).await
    };
    let content = match opened.await {
        Ok(content) => content,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let Content::File(file) = content else {
        return Err(Error::Other(" _redirects is not a file".to_owned()));
    };
    let limit = MAX_SIZE as u64 + 1;
    let pieces: Vec<_> = file.range(0, Some(limit)).try_collect().await?;
    let rules = parse(&String::from_utf8_lossy(&pieces.concat()));
    rules
        .map(Some)
        .map_err(|e| Error::Other(format!("could not parse _redirects: {e}")))
}

/// A page of the website for what is not there.
async fn page(
    visit: &Visit<'_>,
    headers: &Headers,
    to: &str,
    status: u16,
) -> Result<Recovered, Error> {
    let path = Path::parse(format!("{}{to}", root(visit)))?;
    let found = resolve(visit.backend, &path).await?;
    let Content::File(file) = Content::open(visit.backend, &found.cid).await? else {
        let text = format!("could not convert node for {status} page to file");
        return Err(Error::Other(text));
    };
    let mut headers = headers.clone();
    headers.set("Content-Type", "text/html");
    let fresh = Freshness {
        mutable: visit.path.is_mutable(),
        ..Freshness::default()
    };
    fresh.apply(&mut headers, &found.cid, Format::Default);
    let body = match visit.ask.is_head() {
        true => Body::Length(file.size()),
        false => file::body(
            visit.backend,
            &file,
            Part {
                start: 0,
                length: file.size(),
            },
        ),
    };
    Ok(Recovered::Answer(Answer::new(status, headers, body)))
}

/// The query of the request goes along.
fn with_query(to: &str, asked: &str) -> Result<String, Error> {
    if asked.is_empty() {
        return Ok(to.to_owned());
    }
    let (to, fragment) = match to.find('#') {
        Some(at) => to.split_at(at),
        None => (to, ""),
    };
    let (path, own) = to.split_once('?').unwrap_or((to, ""));
    let mut pairs = query::parse(own);
    pairs.extend(query::parse(asked));
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let query = query::encode(pairs.iter().map(|(n, v)| (&**n, &**v)));
    Ok(format!("{path}?{query}{fragment}"))
}
