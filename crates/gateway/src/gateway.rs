//! The handler: from a request to the bytes of its answer.

use std::sync::Arc;

use basalt_denylist::Denylists;
use basalt_exchange::{BlockService, Refusal as Refused};
use basalt_http::{Handler, Headers, Request, Responder, mux, query};
use basalt_ipns::Resolver;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::answer::{Answer, Body, Refusal};
use crate::ask::Ask;
use crate::backend::Backend;
use crate::directories::Directories;
use crate::host::Hosts;
use crate::metrics::{Kind, Metrics};
use crate::pace::Lanes;
use crate::retrieval::Retrieval;
use crate::send::Sending;
use crate::settings::Settings;
use crate::subdomain::{Routed, route};
use crate::{namespace, page};

/// The gateway of a node. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    settings: Settings,
    backend: Backend,
    hosts: Hosts,
    /// The fields of every answer.
    common: Headers,
    /// Requests at the same time.
    places: Semaphore,
    metrics: Metrics,
}

impl Gateway {
    /// A gateway to what `blocks` and `names` have.
    pub fn new(settings: Settings, blocks: BlockService, names: Resolver) -> Self {
        Self::with_denylists(settings, blocks, names, Denylists::default())
    }

    /// The same, which does not give out what is in `denied`.
    pub fn with_denylists(
        settings: Settings,
        blocks: BlockService,
        names: Resolver,
        denied: Denylists,
    ) -> Self {
        let gate = denied.clone();
        let blocks = match denied.are_off() {
            true => blocks,
            false => blocks.gated(Arc::new(move |cid| {
                gate.check_cid(cid)
                    .map_err(|blocked| Arc::new(blocked) as Refused)
            })),
        };
        let places = match settings.max_concurrent_requests {
            0 => Semaphore::MAX_PERMITS,
            limit => limit.min(Semaphore::MAX_PERMITS),
        };
        Self(Arc::new(Inner {
            hosts: Hosts::new(&settings),
            common: settings.common_headers(),
            backend: Backend {
                blocks,
                names,
                denied,
                directories: Directories::default(),
                pace: Lanes::default().pace(),
            },
            places: Semaphore::new(places),
            metrics: Metrics::default(),
            settings,
        }))
    }

    /// What is needed to know what the host of a request means.
    pub(crate) fn for_hosts(&self) -> (&Settings, &Hosts, Backend) {
        let inner = &*self.0;
        (&inner.settings, &inner.hosts, inner.backend.clone())
    }

    /// The fields of every answer.
    pub fn common_headers(&self) -> &Headers {
        &self.0.common
    }

    /// Writes what the gateway has done so far.
    pub fn write_metrics(&self, out: &mut basalt_http::metrics::Exposition) {
        self.0.metrics.write(out);
    }

    /// Answers one request.
    ///
    /// # Errors
    /// When the answer could not be sent whole.
    pub async fn answer(&self, request: &Request, responder: Responder) -> basalt_http::Result<()> {
        match (request.method.as_str(), request.path()) {
            // Go's server answers these before anybody else is asked.
            ("CONNECT", _) | ("OPTIONS", "*") => return responder.full(200, &Headers::new(), ""),
            (_, "*") => return responder.full(400, &Headers::new(), ""),
            _ => {}
        }
        let Some(path) = query::unescape_path(request.path().as_bytes()) else {
            let mut headers = Headers::new();
            headers.set("Content-Type", "text/plain; charset=utf-8");
            headers.set("Connection", "close");
            return responder.full(400, &headers, "400 Bad Request");
        };
        let raw = go_path(request.path(), &path);
        let clean = mux::clean(&raw);
        if clean != raw {
            let escaped = crate::go_url::escape_path(clean.as_bytes());
            let to = mux::with_query(&escaped, request.query());
            return mux::redirect(responder, &request.method, 307, Headers::new(), &to);
        }
        self.serve(&Ask::new(request, path), true, responder).await
    }

    /// Answers a request by its path alone, whatever its host is.
    ///
    /// # Errors
    /// When the answer could not be sent whole.
    pub async fn answer_path(
        &self,
        request: Request,
        responder: Responder,
    ) -> basalt_http::Result<()> {
        let path = query::unescape_path(request.path().as_bytes()).unwrap_or_default();
        self.serve(&Ask::new(&request, path), false, responder)
            .await
    }

    async fn serve(
        &self,
        ask: &Ask,
        by_host: bool,
        responder: Responder,
    ) -> basalt_http::Result<()> {
        let inner = &*self.0;
        let now = Instant::now();
        let deadline = now + inner.settings.max_request_duration;
        let Ok(_place) = inner.places.try_acquire() else {
            let mut refusal =
                Refusal::new(429, "Too many requests. Please retry after 60 seconds.");
            refusal.headers.set("Cache-Control", "no-store");
            refusal.headers.set("Retry-After", "60");
            let answer = self.refused(ask, *refusal);
            return self.send(ask, answer, responder).await;
        };
        let _running = inner.metrics.running();
        let sooner = inner.settings.retrieval_timeout.map(|limit| now + limit);
        let sooner = sooner.filter(|limit| *limit < deadline);
        let retrieval = Retrieval::default();
        let find = self.find(ask, by_host, &retrieval);
        let answer = match timeout_at(sooner.unwrap_or(deadline), find).await {
            Ok(answer) => answer,
            Err(_) if sooner.is_some() => self.too_late(ask, &retrieval),
            Err(_) => self.over(ask),
        };
        // One that is under way is cut.
        let sent = timeout_at(deadline, self.send(ask, answer, responder)).await;
        sent.unwrap_or(Err(basalt_http::Error::Closed))
    }

    /// The answer, its first piece at hand.
    async fn find(&self, ask: &Ask, by_host: bool, retrieval: &Retrieval) -> Answer {
        let answer = match self.routed(ask, by_host, retrieval).await {
            Ok(answer) => answer,
            Err(refusal) => return self.refused(ask, *refusal),
        };
        self.begun(ask, answer).await
    }

    async fn routed(
        &self,
        ask: &Ask,
        by_host: bool,
        retrieval: &Retrieval,
    ) -> crate::answer::Result<Answer> {
        let inner = &*self.0;
        let backend = inner.backend.session(retrieval);
        let routed = match by_host {
            true => route(&inner.settings, &inner.hosts, &backend, ask.clone()).await?,
            false => Routed::Ask(ask.clone()),
        };
        let ask = match routed {
            Routed::Answer(answer) => return Ok(answer),
            Routed::Ask(ask) => ask,
        };
        let path = String::from_utf8_lossy(&ask.path).into_owned();
        match path.as_str() {
            "/ipfs" | "/ipns" => {
                let to = mux::with_query(&format!("{path}/"), &ask.query);
                return Ok(Answer::redirect(&ask.method, 307, Headers::new(), &to));
            }
            "/version" => {
                let mut headers = Headers::new();
                headers.set("Content-Type", "text/plain; charset=utf-8");
                let text = format!("Commit: \nClient Version: {}\n", inner.settings.agent);
                return Ok(Answer::new(200, headers, Body::Full(text.into())));
            }
            _ => {}
        }
        // A slash that is escaped does not part, where it matters whose path it is.
        let first = ask.raw.get(1..).and_then(|rest| rest.split('/').next());
        let parted = ask.is_isolated()
            || !first
                .unwrap_or_default()
                .to_ascii_lowercase()
                .contains("%2f");
        if parted && (path.starts_with("/ipfs/") || path.starts_with("/ipns/")) {
            return namespace::answer(&inner.settings, &backend, &inner.metrics, &ask).await;
        }
        Ok(match &inner.settings.root_redirect {
            Some(to) => Answer::redirect(&ask.method, 302, Headers::new(), to),
            None => Answer::plain(404, Headers::new(), "404 page not found"),
        })
    }

    /// Waits for the first piece of a body, so that one that cannot be had is an error and not half
    /// of an answer.
    async fn begun(&self, ask: &Ask, mut answer: Answer) -> Answer {
        let began = match &mut answer.body {
            Body::Sized(reading) => reading.begin().await,
            Body::Stream(body) => {
                body.pace.enter();
                match body.next().await {
                    Some(Ok(first)) => {
                        body.put_back(Ok(first));
                        Ok(())
                    }
                    Some(Err(error)) => Err(error),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        };
        let Err(error) = began else { return answer };
        let mut headers = Headers::new();
        if let Some(path) = answer.headers.get("X-Ipfs-Path") {
            headers.set("X-Ipfs-Path", path.as_bytes());
        }
        let path = answer.headers.get("X-Ipfs-Path").unwrap_or_default();
        let refusal = Refusal::resolving(path.as_bytes(), &error).with(&headers);
        self.refused(ask, *refusal)
    }

    fn too_late(&self, ask: &Ask, retrieval: &Retrieval) -> Answer {
        let text = format!("Unable to retrieve content within timeout period: {retrieval}");
        self.0.metrics.timed_out(504, false);
        self.refused(ask, *Refusal::new(504, &text))
    }

    /// A request that has taken all its time before anything was found.
    fn over(&self, ask: &Ask) -> Answer {
        let why = "context deadline exceeded: retrieval: no providers found for the CID (phase: provider discovery)";
        let path = crate::error::shown(&ask.path);
        let mut refusal = Refusal::new(504, format!("failed to resolve {path}: {why}"));
        refusal.headers.set("X-Ipfs-Path", &ask.path);
        self.refused(ask, *refusal)
    }

    /// A refusal in the form that suits who asked.
    fn refused(&self, ask: &Ask, refusal: Refusal) -> Answer {
        let Refusal {
            status,
            text,
            mut headers,
        } = refusal;
        if ask.header("Accept").contains("application/problem+json") {
            headers.set("Content-Type", "application/problem+json");
            let body = page::error::problem(status, &text);
            return Answer::new(status, headers, Body::Full(body.into()));
        }
        if self.0.settings.disable_html_errors || !ask.accepts_html() {
            return Answer::plain(status, headers, &text);
        }
        headers.set("Content-Type", "text/html");
        let service = &self.0.settings.diagnostic_service_url;
        let inspect = (status == 504 && !service.is_empty())
            .then_some((service.as_str(), "Inspect retrievability of CID"));
        let body = page::error::render(status, &text, inspect);
        Answer::new(status, headers, Body::Full(body.into()))
    }

    async fn send(
        &self,
        ask: &Ask,
        answer: Answer,
        responder: Responder,
    ) -> basalt_http::Result<()> {
        let metrics = &self.0.metrics;
        metrics.answered(answer.status);
        let (kinds, status) = (answer.kinds, answer.status);
        let namespace = match answer.headers.get_bytes("X-Ipfs-Path") {
            Some(path) if path.starts_with(b"/ipns") => "ipns",
            _ => "ipfs",
        };
        let sending = Sending {
            common: &self.0.common,
            limit: self.0.settings.retrieval_timeout,
            metrics,
        };
        let whole = sending.send(ask, answer, responder).await?;
        let failed: &[Kind] = match kinds {
            [_, Kind::Car] => &[Kind::CarFailed],
            [_, Kind::Tar] => &[Kind::TarFailed],
            _ => &[],
        };
        if status / 100 == 2 {
            metrics.took(if whole { kinds } else { failed }, namespace, ask.began);
        }
        Ok(())
    }
}

/// The path as Go's server sees it: as it came where that is a good way to write it.
pub(crate) fn go_path(raw: &str, path: &[u8]) -> String {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]/%".contains(&b);
    match raw.bytes().all(good) {
        true => raw.to_owned(),
        false => crate::go_url::escape_path(path),
    }
}

impl Handler for Gateway {
    async fn handle(&self, request: Request, responder: Responder) {
        // The client has gone, or sent what is not HTTP: there is nobody to tell.
        if let Err(error) = self.answer(&request, responder).await {
            tracing::debug!(target: "basalt::gateway", %error, "an answer was not sent whole");
        }
    }
}
