//! What was asked of whom, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

/// Upper bounds of the times that [`Totals::times`] counts requests in, in seconds.
pub const TIMES: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0,
];
/// Upper bounds of the bytes that [`Totals::sizes`] counts answers in.
pub const SIZES: &[f64] = &[
    1.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
    2_097_152.0,
    4_190_208.0,
];

/// Figures of all servers since the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Requests that were answered, by method, status and host. Hosts that are not allowed by name are
    /// `other`, and so are statuses that are not usual.
    pub statuses: BTreeMap<(&'static str, String, String), u64>,
    /// Requests that were not answered.
    pub unanswered: u64,
    /// Requests under way.
    pub under_way: u64,
    /// Bytes of requests, about.
    pub sent: u64,
    /// Bytes of bodies.
    pub received: u64,
    /// Requests by how long they took: one count for each of [`TIMES`], and one above.
    pub times: Vec<u64>,
    /// How long all of them took.
    pub time: Duration,
    /// Answers by the bytes of their bodies: one count for each of [`SIZES`], and one above.
    pub sizes: Vec<u64>,
    /// Lists of wants that were given to servers.
    pub wantlists: u64,
    /// Lines of them.
    pub wants: u64,
}

/// What is known of a server.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServerReport {
    /// Its URL.
    pub url: String,
    /// Peers whose blocks are asked of it now.
    pub peers: Vec<String>,
    /// Requests that were made.
    pub asked: u64,
    /// Requests under way.
    pub under_way: u64,
    /// Blocks that came.
    pub blocks: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Blocks that it has not got.
    pub lacked: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Why the last of them did.
    pub failure: Option<Failure>,
    /// How long it is left alone.
    pub resting: Option<Duration>,
}

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was asked for.
    pub cid: String,
    /// What was wrong.
    pub reason: String,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The servers, by URL.
    pub servers: Vec<ServerReport>,
    /// All of them together.
    pub totals: Totals,
}

impl Totals {
    pub(crate) fn took(&mut self, time: Duration) {
        self.times.resize(TIMES.len() + 1, 0);
        let seconds = time.as_secs_f64();
        self.times[TIMES.partition_point(|bound| *bound < seconds)] += 1;
        self.time += time;
    }

    pub(crate) fn answered(&mut self, method: &'static str, status: u16, host: &str, size: usize) {
        self.sizes.resize(SIZES.len() + 1, 0);
        self.sizes[SIZES.partition_point(|bound| *bound < size as f64)] += 1;
        self.received += size as u64;
        let status = match status {
            200 | 400 | 403 | 404 | 410 | 429 | 451 | 500 | 502 | 504 => status.to_string(),
            _ => "other".to_owned(),
        };
        let key = (method, status, host.to_owned());
        *self.statuses.entry(key).or_default() += 1;
    }
}
