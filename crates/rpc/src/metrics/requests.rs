//! Requests of a port, counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use basalt_http::metrics::Exposition;
use basalt_http::metrics::{Histogram, Summary};
use basalt_http::{Request, Responder, Tally};

const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
const BYTES: &[f64] = &[
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

/// Counts of the requests that came, over all listeners of one kind; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What the label `handler` says: `api`.
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
    commands: BTreeMap<(&'static str, u16), Sizes>,
}

/// What is known of commands by method and status.
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

impl Metrics {
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
    pub(crate) fn begin(&self, request: &Request, responder: &Responder) -> Running {
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
            metrics: self.clone(),
            method: method(&request.method),
            began: Instant::now(),
            body,
            size: (line + head) as u64 + body,
            command: request.path().starts_with("/api/v0/"),
            tally: responder.tally(),
        }
    }

    pub(super) fn write(&self, out: &mut Exposition) {
        let counts = self.counts();
        let handler = [("handler", self.0.handler)];
        out.single(
            "basalt_http_requests_running",
            "Requests that are being answered.",
            "gauge",
            counts.running as f64,
        );
        let name = "ipfs_http_requests_total";
        out.family(name, "Total number of HTTP requests made.", "counter");
        for ((method, status), count) in &counts.total {
            let method = method.to_ascii_lowercase();
            let labels = [
                ("code", &*status.to_string()),
                handler[0],
                ("method", &*method),
            ];
            out.sample(name, &labels, *count as f64);
        }
        for (name, help, summary) in [
            (
                "ipfs_http_request_duration_seconds",
                "The HTTP request latencies in seconds.",
                &counts.duration,
            ),
            (
                "ipfs_http_request_size_bytes",
                "The HTTP request sizes in bytes.",
                &counts.request_size,
            ),
            (
                "ipfs_http_response_size_bytes",
                "The HTTP response sizes in bytes.",
                &counts.response_size,
            ),
        ] {
            out.family(name, help, "summary");
            summary.write(out, name, &handler);
        }
        self.write_commands(out, &counts.commands);
    }

    fn write_commands(
        &self,
        out: &mut Exposition,
        commands: &BTreeMap<(&'static str, u16), Sizes>,
    ) {
        type Of = fn(&Sizes) -> &Histogram;
        let all: [(&str, &str, Of); 3] = [
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
        for (name, help, of) in all {
            out.family(name, help, "histogram");
            for ((method, status), sizes) in commands {
                let labels = [
                    ("http_request_method", *method),
                    ("http_response_status_code", &*status.to_string()),
                    ("http_route", "/api/v0/"),
                    ("network_protocol_name", "http"),
                    ("network_protocol_version", "1.1"),
                    ("server_domain", self.0.handler),
                    ("url_scheme", "http"),
                ];
                of(sizes).write(out, name, &labels);
            }
        }
    }
}

/// A request that is being answered.
pub(crate) struct Running {
    metrics: Metrics,
    method: &'static str,
    began: Instant,
    body: u64,
    size: u64,
    command: bool,
    tally: Arc<Tally>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let seconds = self.began.elapsed().as_secs_f64();
        // Go counts an answer that never began as a good one.
        let status = self.tally.status().unwrap_or(200);
        let sent = self.tally.sent() as f64;
        let mut counts = self.metrics.counts();
        counts.running -= 1;
        *counts.total.entry((self.method, status)).or_default() += 1;
        let now = Instant::now();
        counts.duration.note(now, seconds);
        counts.request_size.note(now, self.size as f64);
        counts.response_size.note(now, sent);
        if self.command {
            let sizes = counts.commands.entry((self.method, status)).or_default();
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
