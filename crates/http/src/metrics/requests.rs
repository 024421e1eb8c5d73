//! Requests of a port, counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Exposition, Histogram, Summary};
use crate::{Request, Responder, Tally};

const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
const BYTES: &[f64] = &[
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

/// Counts of the requests that came, over all listeners of one kind; cheap to clone.
#[derive(Debug, Clone)]
pub struct Requests(Arc<Inner>);

/// Under which routes and which domain a request is counted. There must be few of them: each is a series
/// of its own.
#[derive(Debug, Clone)]
pub struct Series {
    /// What `server_domain` says.
    pub domain: Arc<str>,
    /// What `http_route` says; a request is counted once for each.
    pub routes: &'static [&'static str],
}

#[derive(Debug)]
struct Inner {
    /// What the label `handler` says: `api` or `gateway`.
    handler: &'static str,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    running: u64,
    total: BTreeMap<(&'static str, u16), u64>,
    duration: Summary,
    request_size: Summary,
    response_size: Summary,
    routes: BTreeMap<Route, Sizes>,
}

/// Method, status, route and domain.
type Route = (&'static str, u16, &'static str, Arc<str>);

/// What is known of the requests of a route.
#[derive(Debug)]
struct Sizes {
    duration: Histogram,
    request: Histogram,
    response: Histogram,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            duration: Histogram::new(SECONDS),
            request: Histogram::new(BYTES),
            response: Histogram::new(BYTES),
        }
    }
}

impl Requests {
    /// Counts from nothing.
    pub fn new(handler: &'static str) -> Self {
        Self(Arc::new(Inner {
            handler,
            counts: Mutex::default(),
        }))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a request has come. It has ended when the result is dropped.
    pub fn begin(&self, request: &Request, responder: &Responder, series: Series) -> Running {
        self.counts().running += 1;
        let length = request.headers.get("Content-Length");
        let body = length.and_then(|text| text.parse().ok()).unwrap_or(0);
        let fields = request.headers.iter();
        let head: usize = fields
            .map(|(name, value)| match name {
                "Host" => value.len(),
                name => name.len() + value.len(),
            })
            .sum();
        let line = request.method.len() + request.target.len() + "HTTP/1.1".len();
        Running {
            requests: self.clone(),
            method: method(&request.method),
            began: Instant::now(),
            body,
            size: (line + head) as u64 + body,
            series,
            tally: responder.tally(),
        }
    }

    /// Writes what was counted on several kinds of listeners, by Kubo's names.
    pub fn write(all: &[Self], out: &mut Exposition) {
        let all: Vec<_> = all
            .iter()
            .map(|one| (one.0.handler, one.counts()))
            .collect();
        out.family(
            "basalt_http_requests_running",
            "Requests that are being answered.",
            "gauge",
        );
        for (handler, counts) in &all {
            let labels = [("handler", *handler)];
            out.sample(
                "basalt_http_requests_running",
                &labels,
                counts.running as f64,
            );
        }
        let name = "ipfs_http_requests_total";
        out.family(name, "Total number of HTTP requests made.", "counter");
        for (handler, counts) in &all {
            for ((method, status), count) in &counts.total {
                let method = method.to_ascii_lowercase();
                let status = status.to_string();
                let labels = [
                    ("code", &*status),
                    ("handler", *handler),
                    ("method", &*method),
                ];
                out.sample(name, &labels, *count as f64);
            }
        }
        type Summed = fn(&Counts) -> &Summary;
        let summaries: [(&str, &str, Summed); 3] = [
            (
                "ipfs_http_request_duration_seconds",
                "The HTTP request latencies in seconds.",
                |c| &c.duration,
            ),
            (
                "ipfs_http_request_size_bytes",
                "The HTTP request sizes in bytes.",
                |c| &c.request_size,
            ),
            (
                "ipfs_http_response_size_bytes",
                "The HTTP response sizes in bytes.",
                |c| &c.response_size,
            ),
        ];
        for (name, help, of) in summaries {
            out.family(name, help, "summary");
            for (handler, counts) in &all {
                of(counts).write(out, name, &[("handler", *handler)]);
            }
        }
        type Of = fn(&Sizes) -> &Histogram;
        let spread: [(&str, &str, Of); 3] = [
            (
                "http_server_request_body_size_bytes",
                "Size of HTTP server request bodies.",
                |s| &s.request,
            ),
            (
                "http_server_request_duration_seconds",
                "Duration of HTTP server requests.",
                |s| &s.duration,
            ),
            (
                "http_server_response_body_size_bytes",
                "Size of HTTP server response bodies.",
                |s| &s.response,
            ),
        ];
        for (name, help, of) in spread {
            out.family(name, help, "histogram");
            for (_, counts) in &all {
                for ((method, status, route, domain), sizes) in &counts.routes {
                    let labels = [
                        ("http_request_method", *method),
                        ("http_response_status_code", &*status.to_string()),
                        ("http_route", *route),
                        ("network_protocol_name", "http"),
                        ("network_protocol_version", "1.1"),
                        ("server_domain", &**domain),
                        ("url_scheme", "http"),
                    ];
                    of(sizes).write(out, name, &labels);
                }
            }
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct Running {
    requests: Requests,
    method: &'static str,
    began: Instant,
    body: u64,
    size: u64,
    series: Series,
    tally: Arc<Tally>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let seconds = self.began.elapsed().as_secs_f64();
        // Go counts an answer that never began as a good one.
        let status = self.tally.status().unwrap_or(200);
        let sent = self.tally.sent() as f64;
        let mut counts = self.requests.counts();
        counts.running -= 1;
        *counts.total.entry((self.method, status)).or_default() += 1;
        let now = Instant::now();
        counts.duration.note(now, seconds);
        counts.request_size.note(now, self.size as f64);
        counts.response_size.note(now, sent);
        for route in self.series.routes {
            let domain = self.series.domain.clone();
            let sizes = counts.routes.entry((self.method, status, route, domain));
            let sizes = sizes.or_default();
            sizes.duration.note(seconds);
            sizes.request.note(self.body as f64);
            sizes.response.note(sent);
        }
    }
}

/// The method as a label: clients choose what they send, and each value would be a series.
fn method(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "PUT", "HEAD", "POST", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ];
    let known = KNOWN.into_iter().find(|k| k.eq_ignore_ascii_case(method));
    known.unwrap_or("unknown")
}
