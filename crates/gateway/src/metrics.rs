//! Counts of what the gateway does, under Kubo's names. There are as many series as there are
//! formats and statuses, whatever is asked for and on however many hosts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use basalt_http::metrics::{Exposition, Histogram};
use basalt_ipld::Namespace;

use crate::format::Format;

const SECONDS: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0,
];

/// What an answer was, for those who count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Anything that was answered well.
    Any,
    File,
    Index,
    Listing,
    Car,
    CarFailed,
    Raw,
    Tar,
    TarFailed,
    Document,
    IpnsRecord,
}

/// The name behind `ipfs_http_gw_`, and what it says.
const KINDS: [(Kind, &str, &str); 11] = [
    (
        Kind::CarFailed,
        "car_stream_fail_duration_seconds",
        "How long a CAR was streamed before failing mid-stream.",
    ),
    (
        Kind::Car,
        "car_stream_get_duration_seconds",
        "The time to GET an entire CAR stream from the gateway.",
    ),
    (
        Kind::Any,
        "get_duration_seconds",
        "The time to GET a successful response to a request (all content types).",
    ),
    (
        Kind::IpnsRecord,
        "ipns_record_get_duration_seconds",
        "The time to GET an entire IPNS Record from the gateway.",
    ),
    (
        Kind::Document,
        "jsoncbor_get_duration_seconds",
        "The time to GET an entire DAG-JSON/CBOR block from the gateway.",
    ),
    (
        Kind::Raw,
        "raw_block_get_duration_seconds",
        "The time to GET an entire raw Block from the gateway.",
    ),
    (
        Kind::TarFailed,
        "tar_stream_fail_duration_seconds",
        "How long a TAR was streamed before failing mid-stream.",
    ),
    (
        Kind::Tar,
        "tar_stream_get_duration_seconds",
        "The time to GET an entire TAR stream from the gateway.",
    ),
    (
        Kind::Index,
        "unixfs_dir_indexhtml_get_duration_seconds",
        "The time to serve an index.html file on behalf of a directory from the gateway. This is a subset of gw_unixfs_file_get_duration_seconds.",
    ),
    (
        Kind::File,
        "unixfs_file_get_duration_seconds",
        "The time to serve an entire UnixFS file from the gateway.",
    ),
    (
        Kind::Listing,
        "unixfs_gen_dir_listing_get_duration_seconds",
        "The time to serve a generated UnixFS HTML directory listing from the gateway.",
    ),
];

/// The counts of a gateway.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    running: AtomicU64,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    responses: BTreeMap<u16, u64>,
    timeouts: BTreeMap<(u16, bool), u64>,
    types: BTreeMap<(&'static str, &'static str), u64>,
    times: BTreeMap<(Kind, &'static str), Histogram>,
    calls: BTreeMap<(&'static str, bool), Histogram>,
}

impl Metrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a request is being answered, until the result is dropped.
    pub(crate) fn running(&self) -> Running<'_> {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self)
    }

    /// Notes the status of an answer.
    pub(crate) fn answered(&self, status: u16) {
        *self.counts().responses.entry(status).or_default() += 1;
    }

    /// Notes that content did not come in time, before the answer or in the middle of it.
    pub(crate) fn timed_out(&self, status: u16, truncated: bool) {
        *self
            .counts()
            .timeouts
            .entry((status, truncated))
            .or_default() += 1;
    }

    /// Notes what was asked for.
    pub(crate) fn asked(&self, namespace: Namespace, format: Format) {
        let key = (namespace.as_str(), format.media_type());
        *self.counts().types.entry(key).or_default() += 1;
    }

    /// Notes an answer that was sent, or broke off.
    pub(crate) fn took(&self, kinds: &[Kind], namespace: &'static str, since: Instant) {
        let seconds = since.elapsed().as_secs_f64();
        let mut counts = self.counts();
        for kind in kinds {
            let times = counts.times.entry((*kind, namespace));
            times
                .or_insert_with(|| Histogram::new(SECONDS))
                .note(seconds);
        }
    }

    /// Notes how long it took to find what was asked for, under the name of Kubo's call that does it.
    pub(crate) fn called(&self, name: &'static str, well: bool, since: Instant) {
        let seconds = since.elapsed().as_secs_f64();
        let mut counts = self.counts();
        let calls = counts.calls.entry((name, well));
        calls
            .or_insert_with(|| Histogram::new(SECONDS))
            .note(seconds);
    }

    /// Writes all of them.
    pub(crate) fn write(&self, out: &mut Exposition) {
        let counts = self.counts();
        for (kind, name, help) in KINDS {
            let name = format!("ipfs_http_gw_{name}");
            let mut of_kind = counts
                .times
                .iter()
                .filter(|((k, _), _)| *k == kind)
                .peekable();
            if of_kind.peek().is_some() {
                out.family(&name, help, "histogram");
            }
            for ((_, namespace), times) in of_kind {
                times.write(out, &name, &[("gateway", namespace)]);
            }
        }
        if !counts.calls.is_empty() {
            let name = "ipfs_gw_backend_api_call_duration_seconds";
            let help = "The time spent in IPFSBackend API calls that returned success.";
            out.family(name, help, "histogram");
            for ((call, well), times) in &counts.calls {
                let result = if *well { "success" } else { "failure" };
                times.write(out, name, &[("name", call), ("result", result)]);
            }
        }
        let name = "ipfs_http_gw_concurrent_requests";
        let help = "Number of HTTP requests currently being processed by the gateway.";
        out.single(
            name,
            help,
            "gauge",
            self.running.load(Ordering::Relaxed) as f64,
        );
        let name = "ipfs_http_gw_request_types";
        let help = "The number of requests per implicit or explicit request type.";
        out.family(name, help, "counter");
        for ((namespace, media), count) in &counts.types {
            let labels = [("gateway", *namespace), ("type", *media)];
            out.sample(name, &labels, *count as f64);
        }
        let name = "ipfs_http_gw_responses_total";
        let help = "Total number of HTTP responses sent by the gateway, labeled by status code.";
        out.family(name, help, "counter");
        for (status, count) in &counts.responses {
            out.sample(name, &[("code", &status.to_string())], *count as f64);
        }
        let name = "ipfs_http_gw_retrieval_timeouts_total";
        let help = "Total number of requests that timed out due to slow content retrieval.";
        out.family(name, help, "counter");
        for ((status, truncated), count) in &counts.timeouts {
            let truncated = if *truncated { "true" } else { "false" };
            let labels = [("code", &*status.to_string()), ("truncated", truncated)];
            out.sample(name, &labels, *count as f64);
        }
    }
}

/// A request that is being answered.
pub(crate) struct Running<'a>(&'a Metrics);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kubo_s() {
        let metrics = Metrics::default();
        metrics.answered(200);
        metrics.timed_out(504, false);
        metrics.asked(Namespace::Ipfs, Format::Raw);
        metrics.called("IPFSBackend.GetBlock", true, Instant::now());
        metrics.took(&[Kind::Any, Kind::Raw], "ipfs", Instant::now());
        let running = metrics.running();
        let mut out = Exposition::default();
        metrics.write(&mut out);
        drop(running);
        let text = out.text();
        for line in [
            "ipfs_http_gw_responses_total{code=\"200\"} 1",
            "ipfs_http_gw_retrieval_timeouts_total{code=\"504\",truncated=\"false\"} 1",
            "ipfs_http_gw_request_types{gateway=\"ipfs\",type=\"application/vnd.ipld.raw\"} 1",
            "ipfs_http_gw_raw_block_get_duration_seconds_count{gateway=\"ipfs\"} 1",
            "ipfs_http_gw_concurrent_requests 1",
            "ipfs_gw_backend_api_call_duration_seconds_count{name=\"IPFSBackend.GetBlock\",result=\"success\"} 1",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
