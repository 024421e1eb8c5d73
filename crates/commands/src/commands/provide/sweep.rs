//! Statistics of announcing, as Kubo's RPC has them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basalt::{ProvideSettings, ProvideStats};
use serde::{Deserialize, Serialize};

use crate::commands::support::rfc3339;

const NEVER: &str = "0001-01-01T00:00:00Z";

macro_rules! group {
    ($(#[$doc:meta] $name:ident { $($field:ident: $type:ty),+ $(,)? })+) => {$(
        #[$doc]
        #[derive(Debug, Default, Clone, Serialize, Deserialize)]
        #[serde(default)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type),+
        }
    )+};
}

group! {
    /// All of it.
    Sweep {
        closed: bool,
        connectivity: Connectivity,
        queues: Queues,
        schedule: Schedule,
        workers: Workers,
        timing: Timing,
        operations: Operations,
        network: Network,
    }
    /// Whether there is somebody to tell.
    Connectivity { status: String, since: String }
    /// What waits.
    Queues {
        pending_key_provides: u64,
        pending_region_provides: u64,
        pending_region_reprovides: u64,
    }
    /// What is announced again, and when.
    Schedule {
        keys: u64,
        regions: u64,
        avg_prefix_length: f64,
        next_reprovide_at: String,
        next_reprovide_prefix: String,
    }
    /// Who does it.
    Workers {
        max: i64,
        active: i64,
        active_periodic: i64,
        active_burst: i64,
        dedicated_periodic: i64,
        dedicated_burst: i64,
        queued_periodic: i64,
        queued_burst: i64,
        max_provide_conns_per_worker: u64,
    }
    /// Nanoseconds and moments.
    Timing {
        uptime: i64,
        reprovides_interval: i64,
        cycle_start: String,
        current_time_offset: i64,
        max_reprovide_delay: i64,
    }
    /// What goes on and what was done.
    Operations { ongoing: Ongoing, past: Past }
    /// What goes on.
    Ongoing {
        region_provides: u64,
        key_provides: u64,
        region_reprovides: u64,
        key_reprovides: u64,
    }
    /// What was done.
    Past {
        records_provided: u64,
        keys_provided: u64,
        keys_failed: u64,
        keys_provided_per_minute: f64,
        keys_reprovided_per_minute: f64,
        reprovide_duration: i64,
        avg_keys_per_reprovide: f64,
        regions_reprovided_last_cycle: u64,
    }
    /// The peers that were found.
    Network {
        peers: u64,
        reachable: u64,
        complete_keyspace_coverage: bool,
        avg_region_size: f64,
        avg_holders: f64,
        replication_factor: u64,
    }
}

/// The longest that announcing may be late without records being forgotten, as Kubo says it.
const LATE: i64 = 3_600_000_000_000;

fn text_of(time: Option<SystemTime>) -> String {
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let secs = since.and_then(|since| i64::try_from(since.as_secs()).ok());
    match (secs, since) {
        (Some(secs), Some(since)) => rfc3339(secs, since.subsec_nanos()),
        _ => NEVER.to_owned(),
    }
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

fn ratio(a: u64, b: f64) -> f64 {
    match b > 0.0 {
        true => a as f64 / b,
        false => 0.0,
    }
}

impl Sweep {
    pub(crate) fn new(stats: &ProvideStats, settings: &ProvideSettings) -> Self {
        let online = stats.online_since.is_some();
        let (max, periodic, burst) = settings.workers;
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let (active, queued) = (stats.workers.active, stats.workers.queued);
        let minutes = |(keys, time): (u64, Duration)| ratio(keys, time.as_secs_f64() / 60.0);
        let bits = stats.parts.trailing_zeros();
        let next = stats.next.filter(|_| online);
        let prefix = next.map(|(_, place)| format!("{place:064b}"));
        let prefix = prefix.map(|all| all.chars().take(bits as usize).collect());
        let began = stats.cycle_began.and_then(|time| time.elapsed().ok());
        Self {
            closed: false,
            connectivity: Connectivity {
                status: if online { "online" } else { "offline" }.to_owned(),
                since: text_of(stats.online_since),
            },
            queues: Queues {
                pending_key_provides: stats.queued,
                ..Queues::default()
            },
            schedule: Schedule {
                keys: stats.scheduled,
                regions: if online { stats.parts } else { 0 },
                avg_prefix_length: if online { f64::from(bits) } else { -1.0 },
                next_reprovide_at: text_of(next.map(|(time, _)| time)),
                next_reprovide_prefix: prefix.unwrap_or_default(),
            },
            workers: Workers {
                max,
                active: count(active.0 + active.1),
                active_periodic: count(active.1),
                active_burst: count(active.0),
                dedicated_periodic: periodic,
                dedicated_burst: burst,
                max_provide_conns_per_worker: settings.connections as u64,
                queued_periodic: count(queued.1),
                queued_burst: count(queued.0),
            },
            timing: Timing {
                uptime: nanos(stats.uptime),
                reprovides_interval: nanos(settings.interval),
                cycle_start: text_of(stats.cycle_began),
                current_time_offset: nanos(began.unwrap_or_default()),
                max_reprovide_delay: LATE,
            },
            operations: Operations {
                ongoing: Ongoing {
                    region_provides: active.0,
                    key_provides: stats.going_on.0,
                    region_reprovides: active.1,
                    key_reprovides: stats.going_on.1,
                },
                past: Past {
                    records_provided: stats.records,
                    keys_provided: stats.keys,
                    keys_failed: stats.failed,
                    keys_provided_per_minute: minutes(stats.rates[0]),
                    keys_reprovided_per_minute: minutes(stats.rates[1]),
                    reprovide_duration: match stats.regions {
                        0 => 0,
                        regions => nanos(stats.rates[1].1) / i64::try_from(regions).unwrap_or(1),
                    },
                    avg_keys_per_reprovide: ratio(stats.rates[1].0, stats.regions as f64),
                    regions_reprovided_last_cycle: stats.regions,
                },
            },
            network: Network {
                peers: stats.peers.0,
                reachable: stats.peers.1,
                complete_keyspace_coverage: false,
                avg_region_size: ratio(stats.peers.0, stats.parts as f64),
                avg_holders: ratio(stats.records, stats.keys as f64),
                replication_factor: basalt::routing::K as u64,
            },
        }
    }
}
