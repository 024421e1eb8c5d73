//! The limit of open files.

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a daemon wants where `IPFS_FD_MAX` does not say.
const WANTED: u64 = 8192;
/// With fewer a daemon does not do well.
const LEAST: u64 = 2048;

/// Raises the limit as far as the system lets this process. What does not work is logged.
pub(super) fn raise_limit() {
    let asked = asked();
    let target = asked.unwrap_or(WANTED);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    if target <= soft {
        return;
    }
    let told = match setrlimit(Resource::RLIMIT_NOFILE, target, target) {
        Ok(()) => return,
        Err(Errno::EPERM | Errno::EINVAL) => lower(target.min(hard), hard, asked),
        Err(e) => format!("error setting: ulimit: {}", e.desc().to_lowercase()),
    };
    if !told.is_empty() {
        tracing::error!(target: "basalt::daemon", "setting file descriptor limit: {told}");
    }
}

/// Raises the soft limit alone. Gives what is wrong with the outcome.
fn lower(target: u64, hard: u64, asked: Option<u64>) -> String {
    if let Err(e) = setrlimit(Resource::RLIMIT_NOFILE, target, hard) {
        let why = e.desc().to_lowercase();
        return format!("error setting ulimit without hard limit: {why}");
    }
    match asked {
        Some(asked) if target < asked => {
            format!("failed to raise ulimit to IPFS_FD_MAX ({asked}): set to {target}")
        }
        None if target < LEAST => {
            format!("failed to raise ulimit to minimum {LEAST}: set to {target}")
        }
        _ => String::new(),
    }
}

/// `IPFS_FD_MAX`.
fn asked() -> Option<u64> {
    let text = std::env::var("IPFS_FD_MAX")
        .ok()
        .filter(|t| !t.is_empty())?;
    let why = if !text.bytes().all(|b| b.is_ascii_digit()) {
        "invalid syntax"
    } else {
        match text.parse::<u64>() {
            Ok(number) => return Some(number).filter(|n| *n > 0),
            Err(_) => "value out of range",
        }
    };
    let text = basalt::repo::go_quote(&text);
    tracing::error!(target: "ulimit", "bad value for IPFS_FD_MAX: strconv.ParseUint: parsing {text}: {why}");
    None
}
