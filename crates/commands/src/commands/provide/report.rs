//! Statistics of announcing as text: brief, section by section, or in two columns.

use std::io::Write;

use super::human::{count, duration, full, or_none, si};
use super::sweep::Sweep;
use crate::Result;
use crate::commands::support::write_columns;

/// Fewer free workers than this are worth a word.
const FEW: i64 = 2;

/// What is shown.
pub(super) struct Shown {
    all: bool,
    connectivity: bool,
    queues: bool,
    schedule: bool,
    network: bool,
    timings: bool,
    operations: bool,
    workers: bool,
    brief: bool,
    headings: bool,
    compact: bool,
}

/// Lines on the left and on the right; where there is one column, it is the left one.
#[derive(Default)]
struct Lines {
    columns: [Vec<String>; 2],
    compact: bool,
    brief: bool,
    headings: bool,
}

impl Lines {
    fn line(&mut self, column: usize, text: String) {
        if self.compact {
            self.columns[column].push(text);
            return;
        }
        let text = text.replacen(": ", ":\t", 1).replacen(", ", ",\t", 1);
        self.columns[0].push(text);
    }

    fn fact(&mut self, column: usize, name: &str, value: impl std::fmt::Display) {
        let indent = if self.brief || !self.headings {
            ""
        } else {
            "  "
        };
        self.line(column, format!("{indent}{name}: {value}"));
    }

    fn title(&mut self, column: usize, title: &str) {
        if !self.brief && self.headings {
            self.line(column, format!("{title}:"));
        }
    }

    fn end(&mut self, column: usize) {
        if !self.brief {
            self.line(column, String::new());
        }
    }
}

impl Shown {
    /// `flags` are all, connectivity, queues, schedule, network, timings, operations and workers.
    pub(super) fn new(flags: [bool; 8], compact: bool) -> Self {
        let [
            all,
            connectivity,
            queues,
            schedule,
            network,
            timings,
            operations,
            workers,
        ] = flags;
        let asked = flags.iter().filter(|flag| **flag).count();
        Self {
            all,
            connectivity,
            queues,
            schedule,
            network,
            timings,
            operations,
            workers,
            brief: asked == 0,
            headings: asked > 1 || all,
            compact: all && compact,
        }
    }

    pub(super) fn write(&self, sweep: &Sweep, w: &mut dyn Write) -> Result<()> {
        let mut lines = Lines {
            compact: self.compact,
            brief: self.brief,
            headings: self.headings,
            ..Lines::default()
        };
        let (all, brief) = (self.all, self.brief);
        if all || self.connectivity || (brief && sweep.connectivity.status != "online") {
            connectivity(sweep, &mut lines);
        }
        if all || self.queues || brief {
            queues(sweep, &mut lines);
        }
        if all || self.schedule || brief {
            schedule(sweep, &mut lines);
        }
        if all || self.timings {
            timings(sweep, &mut lines);
        }
        if all || self.network || brief {
            network(sweep, &mut lines);
        }
        if all || self.operations || brief {
            operations(sweep, &mut lines);
        }
        workers(sweep, all || self.workers, &mut lines);
        let [mut left, right] = lines.columns;
        if self.compact {
            let width = left.iter().map(|line| line.chars().count()).max();
            let width = width.unwrap_or(0) + 2;
            let rows = left.len().max(right.len());
            for row in 0..rows.saturating_sub(1) {
                let cell = |column: &Vec<String>| column.get(row).cloned().unwrap_or_default();
                writeln!(w, "{:width$} {}", cell(&left), cell(&right))?;
            }
            return Ok(());
        }
        if !brief {
            left.pop();
        }
        write_columns(w, &left, 1)?;
        Ok(())
    }
}

/// A moment as people read it.
fn moment(text: &str) -> String {
    match text.get(..19) {
        Some(_) if text.starts_with("0001-") => "N/A".to_owned(),
        Some(whole) => whole.replace('T', " "),
        None => text.to_owned(),
    }
}

fn is_never(text: &str) -> bool {
    text.starts_with("0001-")
}

fn float(value: f64) -> String {
    or_none(value, |value| full(value, 1))
}

fn number(value: impl Into<i128>) -> String {
    let value: i128 = value.into();
    full(value as f64, 0)
}

fn connectivity(sweep: &Sweep, lines: &mut Lines) {
    lines.title(1, "Connectivity");
    let (status, since) = (&sweep.connectivity.status, &sweep.connectivity.since);
    match is_never(since) {
        true => lines.fact(1, "Status", status),
        false => lines.fact(1, "Status", format!("{status} ({})", moment(since))),
    }
    lines.end(1);
}

fn queues(sweep: &Sweep, lines: &mut Lines) {
    lines.title(1, "Queues");
    let short = |value: u64| si(value as f64, 1);
    let queues = &sweep.queues;
    let (keys, regions) = (queues.pending_key_provides, queues.pending_region_provides);
    let waiting = format!("{} CIDs, {} regions", short(keys), short(regions));
    lines.fact(1, "Provide queue", waiting);
    let again = short(queues.pending_region_reprovides);
    lines.fact(1, "Reprovide queue", format!("{again} regions"));
    lines.end(1);
}

fn schedule(sweep: &Sweep, lines: &mut Lines) {
    lines.title(0, "Schedule");
    let schedule = &sweep.schedule;
    lines.fact(0, "CIDs scheduled", count(schedule.keys));
    let regions = match schedule.regions {
        0 => "N/A".to_owned(),
        regions => count(regions),
    };
    lines.fact(0, "Regions scheduled", regions);
    if !lines.brief {
        lines.fact(0, "Avg prefix length", float(schedule.avg_prefix_length));
        let prefix = match schedule.next_reprovide_prefix.as_str() {
            "" => "N/A",
            prefix => prefix,
        };
        lines.fact(0, "Next region prefix", prefix);
        let at = &schedule.next_reprovide_at;
        let at = match at.get(11..19) {
            Some(time) if !is_never(at) => time,
            _ => "N/A",
        };
        lines.fact(0, "Next region reprovide", at);
    }
    lines.end(0);
}

fn timings(sweep: &Sweep, lines: &mut Lines) {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};
    lines.title(1, "Timings");
    let timing = &sweep.timing;
    let uptime = Duration::from_nanos(u64::try_from(timing.uptime).unwrap_or(0));
    let began = SystemTime::now().checked_sub(uptime).unwrap_or(UNIX_EPOCH);
    let began = began.duration_since(UNIX_EPOCH).unwrap_or_default();
    let secs = i64::try_from(began.as_secs()).unwrap_or(0);
    let began = moment(&crate::commands::support::rfc3339(secs, 0));
    lines.fact(
        1,
        "Uptime",
        format!("{} ({began})", duration(timing.uptime)),
    );
    lines.fact(
        1,
        "Current time offset",
        duration(timing.current_time_offset),
    );
    lines.fact(1, "Cycle started", moment(&timing.cycle_start));
    lines.fact(
        1,
        "Reprovide interval",
        duration(timing.reprovides_interval),
    );
    lines.end(1);
}

fn network(sweep: &Sweep, lines: &mut Lines) {
    lines.title(0, "Network");
    let network = &sweep.network;
    lines.fact(0, "Avg record holders", float(network.avg_holders));
    if lines.brief {
        return;
    }
    lines.fact(0, "Peers swept", number(network.peers));
    lines.fact(
        0,
        "Full keyspace coverage",
        network.complete_keyspace_coverage,
    );
    let reached = number(network.reachable);
    let reached = match (network.reachable * 100).checked_div(network.peers) {
        Some(share) => format!("{reached} ({}%)", count(share)),
        None => reached,
    };
    lines.fact(0, "Reachable peers", reached);
    lines.fact(0, "Avg region size", float(network.avg_region_size));
    lines.fact(0, "Replication factor", count(network.replication_factor));
    lines.end(0);
}

fn operations(sweep: &Sweep, lines: &mut Lines) {
    lines.title(1, "Operations");
    let short = |value: u64| si(value as f64, 1);
    let pair = |keys, regions| format!("{} CIDs, {} regions", short(keys), short(regions));
    let (now, past) = (&sweep.operations.ongoing, &sweep.operations.past);
    lines.fact(
        1,
        "Ongoing provides",
        pair(now.key_provides, now.region_provides),
    );
    let again = pair(now.key_reprovides, now.region_reprovides);
    lines.fact(1, "Ongoing reprovides", again);
    lines.fact(1, "Total CIDs provided", count(past.keys_provided));
    if lines.brief {
        return;
    }
    lines.fact(1, "Total records provided", count(past.records_provided));
    lines.fact(1, "Total provide errors", count(past.keys_failed));
    let rate = float(past.keys_provided_per_minute);
    lines.fact(1, "CIDs provided/min/worker", rate);
    let rate = float(past.keys_reprovided_per_minute);
    lines.fact(1, "CIDs reprovided/min/worker", rate);
    let took = match past.reprovide_duration {
        ..=0 => "N/A".to_owned(),
        nanos => duration(nanos),
    };
    lines.fact(1, "Region reprovide duration", took);
    lines.fact(1, "Avg CIDs/reprovide", float(past.avg_keys_per_reprovide));
    let regions = count(past.regions_reprovided_last_cycle);
    lines.fact(1, "Regions reprovided (last cycle)", regions);
    lines.end(1);
}

fn workers(sweep: &Sweep, asked: bool, lines: &mut Lines) {
    let workers = &sweep.workers;
    let (periodic, burst) = (workers.dedicated_periodic, workers.dedicated_burst);
    let busy = burst.max(workers.active_burst) + periodic.max(workers.active_periodic);
    let free = (workers.max - busy).max(0);
    let for_burst = free + (burst - workers.active_burst).max(0);
    let for_periodic = free + (periodic - workers.active_periodic).max(0);
    if !asked && !(lines.brief && (for_burst <= FEW || for_periodic <= FEW)) {
        return;
    }
    lines.title(0, "Workers");
    let word = if lines.compact { "" } else { " workers" };
    let active = format!("{} / {} (max)", number(workers.active), number(workers.max));
    lines.fact(0, &format!("Active{word}"), active);
    let row = |active, available, queued| {
        let [active, available, queued] = [active, available, queued].map(|n: i64| number(n));
        format!("{active} active, {available} available, {queued} queued")
    };
    if lines.brief {
        let of = row(
            workers.active_periodic,
            for_periodic,
            workers.queued_periodic,
        );
        lines.fact(0, &format!("Periodic{word}"), of);
        let of = row(workers.active_burst, for_burst, workers.queued_burst);
        lines.fact(0, &format!("Burst{word}"), format!("{of}\n"));
        return;
    }
    lines.fact(0, &format!("Free{word}"), number(free));
    let indent = if lines.headings { "  " } else { "" };
    let mut row = |name: &str, periodic: String, burst: String| {
        // A table of its own, which does not line up with the rest.
        let row = format!("{indent}  {name:14} {periodic:9} {burst}");
        lines.columns[0].push(row);
    };
    row("Workers stats:", "Periodic".to_owned(), "Burst".to_owned());
    row(
        "Active:",
        number(workers.active_periodic),
        number(workers.active_burst),
    );
    row("Dedicated:", number(periodic), number(burst));
    row("Available:", number(for_periodic), number(for_burst));
    row(
        "Queued:",
        number(workers.queued_periodic),
        number(workers.queued_burst),
    );
    let most = number(workers.max_provide_conns_per_worker);
    lines.fact(0, "Max connections/worker", most);
    lines.end(0);
}
