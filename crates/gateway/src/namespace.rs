//! `/ipfs/` and `/ipns/`: from a request to an answer.

use std::sync::OnceLock;

use basalt_block::{Base, Block, Cid, cid_text, codec, parse_cid};
use basalt_http::{Headers, query};
use basalt_ipld::{Namespace, Path};
use basalt_ipns::{Find, Name};

use crate::answer::{Answer, Refusal, Result};
use crate::ask::{Ask, Origin};
use crate::backend::Backend;
use crate::cache::{self, Freshness};
use crate::conditions;
use crate::error::Error;
use crate::format::{Format, Wanted};
use crate::go_url::{self, Url};
use crate::metrics::Metrics;
use crate::redirects::{self, Recovered};
use crate::resolve::{Found, resolve};
use crate::settings::Settings;
use crate::{car, codecs, defaults, ipns_record, raw, tar};

/// A request on its way through the content.
pub(crate) struct Visit<'a> {
    pub(crate) ask: &'a Ask,
    pub(crate) settings: &'a Settings,
    pub(crate) backend: &'a Backend,
    pub(crate) wanted: &'a Wanted,
    /// The path as it was asked for.
    pub(crate) path: &'a Path,
    /// The same without names that may change their meaning.
    pub(crate) fixed: &'a Path,
    pub(crate) fresh: Freshness,
    /// Where it leads, once that is known.
    pub(crate) known: OnceLock<Found>,
}

impl Visit<'_> {
    /// Where the path leads, for answers that are no web pages.
    pub(crate) async fn found(&self, headers: &Headers) -> Result<Found> {
        if let Some(found) = self.known.get() {
            return Ok(found.clone());
        }
        resolve(self.backend, self.fixed)
            .await
            .map_err(|e| self.failed(&e, headers))
    }

    /// The block that the path leads to; puts the roots on the way into `headers`.
    pub(crate) async fn block(&self, headers: &mut Headers) -> Result<(Found, Block)> {
        let found = self.found(headers).await?;
        let block = self.backend.block(&found.cid).await;
        let block = block.map_err(|e| self.failed(&e, headers))?;
        headers.set("X-Ipfs-Roots", found.roots_header());
        Ok((found, block))
    }

    /// An error on the way to the content.
    pub(crate) fn failed(&self, error: &Error, headers: &Headers) -> Box<Refusal> {
        Refusal::resolving(self.path.as_bytes(), error).with(headers)
    }
}

/// Answers a request whose path begins with `/ipfs/` or `/ipns/`.
pub(crate) async fn answer(
    settings: &Settings,
    backend: &Backend,
    metrics: &Metrics,
    ask: &Ask,
) -> Result<Answer> {
    match ask.method.as_str() {
        "GET" | "HEAD" => get(settings, backend, metrics, ask).await,
        "OPTIONS" => Ok(Answer::bare(200, Headers::new())),
        other => {
            let mut headers = Headers::new();
            for allowed in ["GET", "HEAD", "OPTIONS"] {
                headers.append("Allow", allowed);
            }
            let text = format!("Method {other} not allowed: read only access");
            Ok(Answer::plain(405, headers, &text))
        }
    }
}

async fn get(
    settings: &Settings,
    backend: &Backend,
    metrics: &Metrics,
    ask: &Ask,
) -> Result<Answer> {
    if let Some(answer) = protocol_handler(ask)? {
        return Ok(answer);
    }
    if is_service_worker(ask) {
        let text = "navigator.serviceWorker: registration is not allowed for this scope";
        return Err(Refusal::new(400, text));
    }
    if let Some(answer) = canonical_name(ask).or(superfluous_namespace(ask)?) {
        return Ok(answer);
    }
    let path = Path::parse(&ask.path).map_err(|e| Refusal::new(400, e.to_string()))?;
    if ask.header("Cache-Control") == "only-if-cached"
        && let Some(answer) = only_if_cached(backend, ask, &path).await
    {
        return Ok(answer);
    }
    let wanted = Wanted::of(ask).map_err(|e| {
        Refusal::new(
            400,
            format!("error while processing the Accept header: {e}"),
        )
    })?;
    metrics.asked(path.namespace(), wanted.format);
    let mut headers = Headers::new();
    headers.set("X-Ipfs-Path", path.as_bytes());
    if !allows_deserialized(settings, ask) && !is_trustless(&path, wanted.format) {
        let text = "only trustless requests are accepted on this gateway: https://specs.ipfs.tech/http-gateways/trustless-gateway/";
        return Err(Refusal::new(406, text).with(&headers));
    }
    if let Some(location) = wanted.location(ask) {
        headers.set("Content-Location", location);
    }
    let mut visit = Visit {
        ask,
        settings,
        backend,
        wanted: &wanted,
        path: &path,
        fixed: &path,
        fresh: Freshness::default(),
        known: OnceLock::new(),
    };
    if wanted.format == Format::IpnsRecord {
        let served = ipns_record::serve(&visit, headers).await;
        return called(metrics, "IPFSBackend.GetIPNSRecord", ask, served);
    }
    let denied = |path: &Path| backend.denied.check_path(path);
    denied(&path).map_err(|e| visit.failed(&e.into(), &headers))?;
    let fixed;
    if path.is_mutable() {
        let end = backend
            .names
            .resolve_all_with_ttl(&path, &backend.find())
            .await;
        let (end, ttl) = end.map_err(|e| visit.failed(&name_error(&e), &headers))?;
        denied(&end).map_err(|e| visit.failed(&e.into(), &headers))?;
        fixed = end;
        visit.fixed = &fixed;
        visit.fresh = Freshness {
            mutable: true,
            ttl,
            modified: None,
        };
    }
    if wanted.format == Format::Car {
        let served = car::serve(&visit, headers).await;
        return called(metrics, "IPFSBackend.GetCAR", ask, served);
    }
    if let Some(answer) = if_none_match(&visit, &headers).await? {
        return Ok(answer);
    }
    let served = match wanted.format {
        Format::Default | Format::Json | Format::Cbor => defaults::serve(&mut visit, headers).await,
        Format::Raw => raw::serve(&visit, headers).await,
        Format::Tar => tar::serve(&visit, headers).await,
        Format::DagJson | Format::DagCbor => codecs::serve(&visit, headers).await,
        Format::Unknown | Format::Car | Format::IpnsRecord => {
            Err(Refusal::new(400, "unsupported response format requested").with(&headers))
        }
    };
    let name = match wanted.format {
        Format::Raw => "IPFSBackend.GetBlock",
        Format::Tar => "IPFSBackend.GetAll",
        _ if ask.is_head() => "IPFSBackend.Head",
        _ => "IPFSBackend.Get",
    };
    called(metrics, name, ask, served)
}

/// Counts a step that an answer took the most time for.
fn called(
    metrics: &Metrics,
    name: &'static str,
    ask: &Ask,
    served: Result<Answer>,
) -> Result<Answer> {
    metrics.called(name, served.is_ok(), ask.began);
    served
}

fn name_error(error: &basalt_ipns::Error) -> Error {
    Error::Other(error.to_string())
}

/// `?uri=ipfs://…`, as browsers send it that were told to open such addresses here.
pub(crate) fn protocol_handler(ask: &Ask) -> Result<Option<Answer>> {
    let uri = ask.param("uri");
    if uri.is_empty() {
        return Ok(None);
    }
    let url =
        Url::parse(uri).ok_or_else(|| Refusal::new(400, "failed to parse uri query parameter"))?;
    if url.scheme != "ipfs" && url.scheme != "ipns" {
        let text = "uri query parameter scheme must be ipfs or ipns";
        return Err(Refusal::new(400, text));
    }
    let mut path = url.path.to_owned();
    if !url.query.is_empty() {
        path.push('?');
        path.push_str(&go_url::escape_segment(url.query.as_bytes()));
    }
    let joined = format!("/{}/{}/{path}", url.scheme, url.host.unwrap_or_default());
    let to = basalt_http::mux::clean(joined.trim_end_matches('/'));
    Ok(Some(Answer::redirect(
        &ask.method,
        301,
        Headers::new(),
        &to,
    )))
}

/// A worker registered at the root of a namespace would see what belongs to others.
fn is_service_worker(ask: &Ask) -> bool {
    let text = &ask.path;
    let rest = text
        .strip_prefix(b"/ipfs/")
        .or_else(|| text.strip_prefix(b"/ipns/"));
    ask.header("Service-Worker") == "script"
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(&b'/'))
}

/// A name that is not written as one label of a domain is led to where it is.
fn canonical_name(ask: &Ask) -> Option<Answer> {
    if matches!(ask.origin, Origin::DnsLink(_)) {
        return None;
    }
    let rest = ask.path.strip_prefix(b"/ipns/")?;
    let end = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
    let name = std::str::from_utf8(&rest[..end]).ok()?;
    let canonical = name.parse::<Name>().ok()?.to_string();
    if canonical == name {
        return None;
    }
    let mut path = format!("/ipns/{canonical}").into_bytes();
    path.extend_from_slice(&rest[end..]);
    let to = with_query(&go_url::escape_path(&path), &ask.query);
    Some(Answer::redirect(&ask.method, 302, Headers::new(), &to))
}

/// `/ipfs/ipfs/…` is led to what was meant.
fn superfluous_namespace(ask: &Ask) -> Result<Option<Answer>> {
    let doubled = [&b"/ipfs/ipfs/"[..], b"/ipfs/ipns/"];
    if !doubled.iter().any(|prefix| ask.path.starts_with(prefix)) {
        return Ok(None);
    }
    let escaped = match ask.is_isolated() {
        true => go_url::escape_path(&ask.path),
        false => go_url::rewrite_path(&ask.raw, &ask.path),
    };
    let intended = escaped.strip_prefix("/ipfs").unwrap_or(&escaped);
    let path =
        Path::parse(intended).map_err(|e| Refusal::new(400, format!("invalid ipfs path: {e}")))?;
    let mut pairs = ask.pairs.clone();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let query = query::encode(pairs.iter().map(|(n, v)| (&**n, &**v)));
    let mut to = path.to_string();
    if !ask.query.is_empty() {
        to = format!("{to}?{query}");
    }
    Ok(Some(Answer::redirect(
        &ask.method,
        301,
        Headers::new(),
        &to,
    )))
}

fn with_query(path: &str, query: &str) -> String {
    basalt_http::mux::with_query(path, query)
}

/// `Cache-Control: only-if-cached`.
async fn only_if_cached(backend: &Backend, ask: &Ask, path: &Path) -> Option<Answer> {
    let local = Backend {
        blocks: backend.blocks.offline(),
        ..backend.clone()
    };
    let found = match local.names.resolve_all(path, &Find::offline()).await {
        Ok(path) => resolve(&local, &path).await.ok(),
        Err(_) => None,
    };
    let cached = match found {
        Some(found) => {
            let stat = local.blocks.stat_local(&[found.cid]).await;
            stat.is_ok_and(|stat| stat.first().is_some_and(Option::is_some))
        }
        None => false,
    };
    if !cached {
        if ask.is_head() {
            return Some(Answer::bare(412, Headers::new()));
        }
        let text = format!(
            "{} not in local datastore",
            basalt_ipld::go_quote(path.as_bytes())
        );
        return Some(Answer::plain(412, Headers::new(), &text));
    }
    ask.is_head().then(|| Answer::bare(200, Headers::new()))
}

/// Whether anything but verifiable pieces is given out on the host that was asked.
fn allows_deserialized(settings: &Settings, ask: &Ask) -> bool {
    let forwarded = ask.header("X-Forwarded-Host");
    let host = match (&forwarded, &ask.known_host) {
        (host, _) if !host.is_empty() => host.clone(),
        (_, Some(host)) => host.clone(),
        _ => ask.header("Host"),
    };
    match settings.public_gateways.get(&host) {
        Some(gateway) => gateway.deserialized_responses,
        None => settings.deserialized_responses,
    }
}

/// Whether a client can verify what it gets.
fn is_trustless(path: &Path, format: Format) -> bool {
    if format != Format::Car && path.segments().next().is_some() {
        return false;
    }
    let root = path.root();
    match path.namespace() {
        Namespace::Ipns => format == Format::IpnsRecord && root.parse::<Name>().is_ok(),
        _ => parse_cid(&root).is_ok() && matches!(format, Format::Raw | Format::Car),
    }
}

/// 304, if the client has the content in this form already.
async fn if_none_match(visit: &Visit<'_>, headers: &Headers) -> Result<Option<Answer>> {
    let listed = visit.ask.header("If-None-Match");
    if listed.is_empty() {
        return Ok(None);
    }
    let found = match resolve(visit.backend, visit.fixed).await {
        Ok(found) => found,
        Err(error) => match redirects::recover(visit, error, headers).await? {
            Recovered::Answer(answer) => return Ok(Some(answer)),
            Recovered::Path(path) => resolve(visit.backend, &path)
                .await
                .map_err(|e| visit.failed(&e, headers))?,
        },
    };
    let cid = &found.cid;
    let forms = [
        (cache::etag(cid, visit.wanted.format), visit.fresh.content()),
        (Some(cache::listing_etag(cid)), visit.fresh.listing()),
        (Some(cache::dag_etag(cid)), None),
    ];
    for (etag, control) in forms {
        let Some(etag) = etag else { continue };
        if conditions::lists(&listed, &etag) {
            let mut headers = headers.clone();
            headers.set("Etag", etag);
            if let Some(control) = control {
                headers.set("Cache-Control", control);
            }
            return Ok(Some(Answer::bare(304, headers)));
        }
    }
    let _ = visit.known.set(found);
    Ok(None)
}

/// A CID as one label of a domain wants it.
pub(crate) fn label_of(code: u64, cid: &Cid, base: Base) -> String {
    cid_text(&Cid::new_v1(code, *cid.hash()), base)
}

/// The CID of a name, where a text is one.
pub(crate) fn name_cid(text: &str) -> Option<Cid> {
    let name: Name = text.parse().ok()?;
    Some(Cid::new_v1(codec::LIBP2P_KEY, *name.multihash()))
}
