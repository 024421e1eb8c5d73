//! Routing beside real Kubo: one DHT of nodes of both, and servers of `/routing/v1` that the other asks.

mod delegated;
mod dht;
mod peer;

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

pub(crate) use delegated::run as run_delegated;
pub(crate) use dht::run as run_dht;

/// How long something may take to become true that is done behind a command.
const SOON: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(300);

/// Tries until it works, or the time is over; the last failure counts.
fn soon<T>(work: impl Fn() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        match work() {
            Err(_) if began.elapsed() < SOON => sleep(AGAIN),
            outcome => return outcome,
        }
    }
}
