//! The process, as the system sees it.

use std::fs;

use basalt_http::metrics::Exposition;

/// Clock ticks a second in `/proc`; the kernel shows all programs this value.
const TICKS: f64 = 100.0;

pub(super) fn write(out: &mut Exposition) {
    let status = read("/proc/self/status");
    let stat = read("/proc/self/stat");
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let tasks = runtime.metrics();
        out.single(
            "go_goroutines",
            "Number of tasks of the runtime that currently exist.",
            "gauge",
            tasks.num_alive_tasks() as f64,
        );
        out.single(
            "go_sched_gomaxprocs_threads",
            "Number of threads of the runtime that run tasks.",
            "gauge",
            tasks.num_workers() as f64,
        );
    }
    let mut gauge = |name: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            out.single(name, help, "gauge", value);
        }
    };
    gauge(
        "go_threads",
        "Number of OS threads created.",
        field(&status, "Threads:"),
    );
    let limits = read("/proc/self/limits");
    gauge(
        "process_max_fds",
        "Maximum number of open file descriptors.",
        limit(&limits, "Max open files"),
    );
    let open = fs::read_dir("/proc/self/fd").map(|all| all.count() as f64);
    gauge(
        "process_open_fds",
        "Number of open file descriptors.",
        open.ok(),
    );
    let kib = |name| field(&status, name).map(|n| n * 1024.0);
    gauge(
        "process_resident_memory_bytes",
        "Resident memory size in bytes.",
        kib("VmRSS:"),
    );
    gauge(
        "process_virtual_memory_bytes",
        "Virtual memory size in bytes.",
        kib("VmSize:"),
    );
    gauge(
        "process_virtual_memory_max_bytes",
        "Maximum amount of virtual memory available in bytes.",
        limit(&limits, "Max address space"),
    );
    gauge(
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        started(&stat),
    );
    let mut counter = |name: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            out.single(name, help, "counter", value);
        }
    };
    let ticks = |at| stat_field(&stat, at);
    counter(
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
        ticks(11)
            .zip(ticks(12))
            .map(|(user, system)| (user + system) / TICKS),
    );
    let traffic = read("/proc/self/net/netstat");
    counter(
        "process_network_receive_bytes_total",
        "Number of bytes received by the process over the network.",
        octets(&traffic, "InOctets"),
    );
    counter(
        "process_network_transmit_bytes_total",
        "Number of bytes sent by the process over the network.",
        octets(&traffic, "OutOctets"),
    );
}

/// A file of the system; empty where it does not have it, and the metric is left out then.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The soft limit; without one the largest number, as Kubo says it.
fn limit(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX as f64),
        number => number.parse().ok(),
    }
}

/// A field of `/proc/self/stat`, counted from the one behind the name of the program.
fn stat_field(stat: &str, at: usize) -> Option<f64> {
    // The name is in brackets and may hold anything.
    let rest = &stat[stat.rfind(')')? + 1..];
    rest.split_whitespace().nth(at)?.parse().ok()
}

fn started(stat: &str) -> Option<f64> {
    let boot = field(&read("/proc/stat"), "btime ")?;
    Some(boot + stat_field(stat, 19)? / TICKS)
}

/// A figure of the table `IpExt`, whose names are in one line and whose values in the next.
fn octets(text: &str, name: &str) -> Option<f64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("IpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let at = names.split_whitespace().position(|n| n == name)?;
    values.split_whitespace().nth(at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_tells_is_understood() {
        assert_eq!(
            field("VmRSS:\t  12 kB\nThreads:\t3\n", "Threads:"),
            Some(3.0)
        );
        assert_eq!(
            limit("Max open files   1024  4096  files\n", "Max open files"),
            Some(1024.0)
        );
        assert_eq!(
            limit(
                "Max address space  unlimited  unlimited  bytes\n",
                "Max address space"
            ),
            Some(u64::MAX as f64)
        );
        assert_eq!(stat_field("1 (a) b) S 2 3", 2), Some(3.0));
        let net = "TcpExt: A\nTcpExt: 1\nIpExt: X InOctets\nIpExt: 7 8\n";
        assert_eq!(octets(net, "InOctets"), Some(8.0));
        assert_eq!(octets("", "InOctets"), None);
    }

    #[test]
    fn this_process_has_memory_and_a_beginning() {
        let mut out = Exposition::default();
        write(&mut out);
        let text = out.text();
        for name in [
            "process_resident_memory_bytes ",
            "process_start_time_seconds ",
            "process_open_fds ",
            "go_threads ",
        ] {
            assert!(text.contains(name), "{name} in {text}");
        }
    }
}
