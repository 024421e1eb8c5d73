//! Nothing outlives the harness: on a signal or at the time limit, the daemons it started are ended
//! by their own process ids and its repos are removed.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

static DAEMONS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Records a daemon that was started and not yet waited for.
pub(crate) fn started(pid: u32) {
    DAEMONS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(pid);
}

/// Forgets a daemon that was waited for: its id may now be anybody's.
pub(crate) fn ended(pid: u32) {
    DAEMONS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .retain(|&daemon| daemon != pid);
}

/// Watches for SIGINT, SIGTERM and the end of `limit` on a thread of its own.
pub(crate) fn watch(dir: &Path, limit: Duration) -> Result<()> {
    let dir = PathBuf::from(dir);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut interrupt, mut terminate) = {
        let _context = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    std::thread::Builder::new()
        .name("guard".into())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => eprintln!("basalt-bench: interrupted"),
                    _ = terminate.recv() => eprintln!("basalt-bench: terminated"),
                    () = tokio::time::sleep(limit) => {
                        eprintln!("basalt-bench: not done after {} s (see --time-limit)", limit.as_secs());
                    }
                }
            });
            clean(&dir);
            std::process::exit(3);
        })
        .context("cannot start a thread")?;
    Ok(())
}

fn clean(dir: &Path) {
    // The lock is kept, so that the main thread can start nothing more.
    let daemons = DAEMONS.lock().unwrap_or_else(PoisonError::into_inner);
    for &pid in daemons.iter() {
        if let Ok(pid) = i32::try_from(pid) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    // A daemon that is just dying may still create files.
    for _ in 0..20 {
        if std::fs::remove_dir_all(dir).is_ok() || !dir.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
