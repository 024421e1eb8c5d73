//! What the kernel knows about a process and its descendants, read from `/proc`.

use std::fs;
use std::sync::OnceLock;

use anyhow::{Context, Result};

/// What a process tree has used since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// User and system time in seconds, ended and awaited children included.
    pub(crate) cpu: f64,
    /// Bytes that were sent towards the disk (`write_bytes`: pages made dirty, and direct writes).
    pub(crate) written: u64,
    /// Bytes passed to write calls of any kind, sockets included (`wchar`).
    pub(crate) wchar: u64,
}

/// Resident memory of a process tree in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// The part of `resident` that is not a mapping of a file.
    pub(crate) anonymous: u64,
    /// The highest `resident` so far (`VmHWM`).
    pub(crate) peak: u64,
}

/// Reads the usage of `pid` and its descendants.
pub(crate) fn usage(pid: u32) -> Result<Usage> {
    let mut sum = Usage::default();
    for (nth, pid) in tree(pid).into_iter().enumerate() {
        match usage_of_one(pid) {
            Ok(usage) => {
                sum.cpu += usage.cpu;
                sum.written += usage.written;
                sum.wchar += usage.wchar;
            }
            // A child may end at any moment; the daemon itself may not.
            Err(error) if nth == 0 => return Err(error),
            Err(_) => {}
        }
    }
    Ok(sum)
}

/// Reads the memory of `pid` and its descendants.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let mut sum = Memory::default();
    for (nth, pid) in tree(pid).into_iter().enumerate() {
        match fs::read_to_string(format!("/proc/{pid}/status")) {
            Ok(status) => {
                sum.resident += kib(&status, "VmRSS:");
                sum.anonymous += kib(&status, "RssAnon:");
                sum.peak += kib(&status, "VmHWM:");
            }
            Err(error) if nth == 0 => return Err(error).context("the daemon is gone"),
            Err(_) => {}
        }
    }
    Ok(sum)
}

/// Sets the peak of resident memory back to what is resident now.
pub(crate) fn reset_peak(pid: u32) -> Result<()> {
    for pid in tree(pid) {
        fs::write(format!("/proc/{pid}/clear_refs"), "5")
            .with_context(|| format!("cannot reset the peak memory of process {pid}"))?;
    }
    Ok(())
}

/// CPU seconds of this program itself.
pub(crate) fn own_cpu() -> f64 {
    usage_of_one(std::process::id())
        .map(|usage| usage.cpu)
        .unwrap_or_default()
}

/// `pid`, then its descendants.
fn tree(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            );
        }
    }
    found
}

fn usage_of_one(pid: u32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the daemon is gone")?;
    let ticks = ticks(&stat).with_context(|| format!("/proc/{pid}/stat has an unknown form"))?;
    let io = fs::read_to_string(format!("/proc/{pid}/io"))
        .with_context(|| format!("cannot read /proc/{pid}/io"))?;
    Ok(Usage {
        cpu: ticks as f64 / ticks_per_second(),
        written: field(&io, "write_bytes:"),
        wchar: field(&io, "wchar:"),
    })
}

/// utime + stime + cutime + cstime of a `stat` line.
fn ticks(stat: &str) -> Option<u64> {
    // The name in brackets may hold anything, brackets and spaces included.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    (0..4).map(|_| fields.next()?.parse::<u64>().ok()).sum()
}

/// The unit of `stat`, which the kernel hands to every program in its auxiliary vector.
fn ticks_per_second() -> f64 {
    const AT_CLKTCK: usize = 17;
    static TICKS: OnceLock<f64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let vector = fs::read("/proc/self/auxv").unwrap_or_default();
        let words: Vec<usize> = vector
            .as_chunks()
            .0
            .iter()
            .map(|bytes| usize::from_ne_bytes(*bytes))
            .collect();
        let found = words
            .chunks_exact(2)
            .find(|pair| pair[0] == AT_CLKTCK)
            .map(|pair| pair[1]);
        found.filter(|&ticks| ticks > 0).unwrap_or(100) as f64
    })
}

fn kib(status: &str, name: &str) -> u64 {
    field(status, name) * 1024
}

fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0";
        assert_eq!(ticks(stat), Some(100));
        assert_eq!(ticks("7 (x) S 1"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(ticks_per_second() >= 1.0);
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.resident > 0 && memory.peak >= memory.resident);
        assert!(usage(std::process::id()).is_ok());
    }

    #[test]
    fn work_of_a_living_child_counts() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let used = usage(child.id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(used.cpu > 0.0);
        assert!(usage(child.id()).is_err());
    }
}
