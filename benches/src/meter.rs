//! Measures what a piece of work costs the daemon.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::node::Node;
use crate::process::{self, Usage};

/// When a daemon counts as quiet after a work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quiet {
    /// For so long it uses next to no CPU and writes next to nothing.
    pub(crate) window: Duration,
    /// It is not waited for longer.
    pub(crate) limit: Duration,
}

/// CPU seconds (two clock ticks) and bytes that an idle daemon may use within the window.
const IDLE_CPU: f64 = 0.021;
const IDLE_BYTES: u64 = 64 << 10;

/// What a piece of work cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Until the work was done.
    pub(crate) wall: f64,
    /// The daemon's CPU seconds until it was quiet again: background work counts.
    pub(crate) cpu: f64,
    /// Its highest resident memory since the work began, in bytes.
    pub(crate) peak: u64,
    /// Bytes sent to the disk until it was quiet again.
    pub(crate) written: u64,
    /// Bytes passed to write calls, sockets included.
    pub(crate) wchar: u64,
    /// Growth of the repo on the disk, if it was asked for; negative when it shrank.
    pub(crate) at_rest: Option<i64>,
    /// CPU seconds of the client during the work.
    pub(crate) client: f64,
}

/// Whether the repo's files are looked at, which takes a second for a repo of many files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    Counted,
    Left,
}

/// Runs `work` against `node`, waits until the daemon is quiet, and says what it took.
pub(crate) fn measure<T>(
    node: &Node,
    quiet: Quiet,
    files: Files,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, Cost)> {
    let pid = node.pid()?;
    settle(pid, quiet)?;
    process::reset_peak(pid)?;
    let rest = || (files == Files::Counted).then(|| node.at_rest() as i64);
    let rest_before = rest();
    let before = process::usage(pid)?;
    let client = process::own_cpu();
    let began = Instant::now();
    let value = work()?;
    let wall = began.elapsed().as_secs_f64();
    let client = process::own_cpu() - client;
    let after = settle(pid, quiet)?;
    let cost = Cost {
        wall,
        cpu: after.cpu - before.cpu,
        peak: process::memory(pid)?.peak,
        written: after.written.saturating_sub(before.written),
        wchar: after.wchar.saturating_sub(before.wchar),
        at_rest: rest()
            .zip(rest_before)
            .map(|(after, before)| after - before),
        client,
    };
    Ok((value, cost))
}

/// Waits until the process is quiet, and returns its usage when it last did something: what it uses
/// for being idle is not the work's. After the limit it returns the usage as it is.
pub(crate) fn settle(pid: u32, quiet: Quiet) -> Result<Usage> {
    let began = Instant::now();
    let mut mark = (Instant::now(), process::usage(pid)?);
    while began.elapsed() < quiet.limit {
        std::thread::sleep(quiet.window / 10);
        let now = process::usage(pid)?;
        if now.cpu - mark.1.cpu > IDLE_CPU || now.wchar - mark.1.wchar > IDLE_BYTES {
            mark = (Instant::now(), now);
        } else if mark.0.elapsed() >= quiet.window {
            return Ok(mark.1);
        }
    }
    process::usage(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_process_settles_and_a_busy_one_is_left_at_the_limit() {
        let quiet = Quiet {
            window: Duration::from_millis(200),
            limit: Duration::from_millis(900),
        };
        let spawn = |script| {
            std::process::Command::new("sh")
                .args(["-c", script])
                .spawn()
                .unwrap()
        };
        let mut idle = spawn("sleep 30");
        let mut busy = spawn("while :; do :; done");
        let began = Instant::now();
        settle(idle.id(), quiet).unwrap();
        let settled = began.elapsed();
        let began = Instant::now();
        settle(busy.id(), quiet).unwrap();
        let left = began.elapsed();
        for child in [&mut idle, &mut busy] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(settled < quiet.limit, "{settled:?}");
        assert!(left >= quiet.limit, "{left:?}");
    }
}
