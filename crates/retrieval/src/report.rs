//! What was asked of whom, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use basalt_bitswap::{ANSWER_SIZES, Spread, WANTLIST_TIMES};

/// Figures of all servers since the start.
#[derive(Debug, Clone, PartialEq)]
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
    /// The seconds that requests took.
    pub times: Spread,
    /// The bytes of the bodies of answers.
    pub sizes: Spread,
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

impl Default for Totals {
    fn default() -> Self {
        Self {
            statuses: BTreeMap::new(),
            unanswered: 0,
            under_way: 0,
            sent: 0,
            times: Spread::over(WANTLIST_TIMES),
            sizes: Spread::over(ANSWER_SIZES),
            wantlists: 0,
            wants: 0,
        }
    }
}

impl Totals {
    pub(crate) fn answered(&mut self, method: &'static str, status: u16, host: &str, size: usize) {
        self.sizes.size(size);
        let status = match status {
            200 | 400 | 403 | 404 | 410 | 429 | 451 | 500 | 502 | 504 => status.to_string(),
            _ => "other".to_owned(),
        };
        let key = (method, status, host.to_owned());
        *self.statuses.entry(key).or_default() += 1;
    }
}
