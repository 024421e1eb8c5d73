//! Counts of requests, under Kubo's names.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use basalt_http::Tally;
use basalt_http::metrics::{Exposition, Histogram};

use super::asked::Asked;

const SECONDS: &[f64] = &[0.1, 0.5, 1.0, 2.0, 5.0, 8.0, 10.0, 20.0, 30.0];
const BYTES: &[f64] = &[
    100.0,
    400.0,
    1600.0,
    6400.0,
    25600.0,
    102_400.0,
    409_600.0,
    1_638_400.0,
];

/// The path of a handler, the method, and the status.
type Series = (&'static str, &'static str, u16);

/// The counts of a server.
#[derive(Default)]
pub(super) struct Metrics(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    running: BTreeMap<&'static str, u64>,
    answered: BTreeMap<Series, Answered>,
}

/// How long answers took, and how long they were.
struct Answered {
    seconds: Histogram,
    bytes: Histogram,
}

/// A request that is being answered.
pub(super) struct Counted<'a> {
    metrics: &'a Metrics,
    handler: &'static str,
    method: &'static str,
    began: Instant,
    tally: Arc<Tally>,
}

impl Asked {
    fn series(&self) -> (&'static str, &'static str) {
        match self {
            Self::Providers(_) => ("/routing/v1/providers/{cid}", "GET"),
            Self::Peer(_) => ("/routing/v1/peers/{peer-id}", "GET"),
            Self::Closest(_) => ("/routing/v1/dht/closest/peers/{key}", "GET"),
            Self::Name(_) => ("/routing/v1/ipns/{cid}", "GET"),
            Self::PutName(_) => ("/routing/v1/ipns/{cid}", "PUT"),
            Self::Announce => ("/routing/v1/providers/", "PUT"),
        }
    }
}

impl Metrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a request is being answered, until the result is dropped.
    pub(super) fn begin(&self, asked: &Asked, tally: Arc<Tally>) -> Counted<'_> {
        let (handler, method) = asked.series();
        *self.counts().running.entry(handler).or_default() += 1;
        Counted {
            metrics: self,
            handler,
            method,
            began: Instant::now(),
            tally,
        }
    }

    /// Writes everything that was counted.
    pub(super) fn write(&self, out: &mut Exposition) {
        let counts = self.counts();
        let name = |end: &str| format!("delegated_routing_server_http_{end}");
        let families = [
            (
                name("request_duration_seconds"),
                "The latency of the HTTP requests.",
            ),
            (
                name("response_size_bytes"),
                "The size of the HTTP responses.",
            ),
        ];
        for (place, (family, help)) in families.iter().enumerate() {
            if counts.answered.is_empty() {
                break;
            }
            out.family(family, help, "histogram");
            for ((handler, method, code), answered) in &counts.answered {
                let code = code.to_string();
                let labels = [
                    ("code", code.as_str()),
                    ("handler", handler),
                    ("method", method),
                    ("service", ""),
                ];
                let histogram = if place == 0 {
                    &answered.seconds
                } else {
                    &answered.bytes
                };
                histogram.write(out, family, &labels);
            }
        }
        if counts.running.is_empty() {
            return;
        }
        let family = name("requests_inflight");
        let help = "The number of inflight requests being handled at the same time.";
        out.family(&family, help, "gauge");
        for (handler, running) in &counts.running {
            let labels = [("handler", *handler), ("service", "")];
            out.sample(&family, &labels, *running as f64);
        }
    }
}

impl Counted<'_> {
    /// Notes that the answer was sent.
    pub(super) fn end(self) {
        let Some(status) = self.tally.status() else {
            return;
        };
        let mut counts = self.metrics.counts();
        let series = (self.handler, self.method, status);
        let answered = counts.answered.entry(series).or_insert_with(|| Answered {
            seconds: Histogram::new(SECONDS),
            bytes: Histogram::new(BYTES),
        });
        answered.seconds.note(self.began.elapsed().as_secs_f64());
        answered.bytes.note(self.tally.sent() as f64);
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let mut counts = self.metrics.counts();
        if let Some(running) = counts.running.get_mut(self.handler) {
            *running = running.saturating_sub(1);
        }
    }
}
