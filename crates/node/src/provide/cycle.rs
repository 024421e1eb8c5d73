//! Announcing everything again, part by part.
//!
//! A part of the space is read from the store or the pins when its turn comes, so that neither memory nor
//! the disk ever holds a list of all. There are so many parts that one fits into memory well.

use std::time::{Duration, SystemTime};

use basalt_blockstore::Batch;
use basalt_routing::Cycle;
use tokio::time::sleep;

use super::{Provider, keys};
use crate::{Node, Result};

/// Where the cycle is.
const CYCLE: &[u8] = b"provide/cycle";
/// Keys of a part, about: some 4 MB.
const PART: u64 = 64 * 1024;
/// A cycle has so many parts at least, and at most.
const PARTS: (u64, u64) = (16, 1 << 16);
/// Keys that are announced together.
const TOGETHER: usize = 4096;
/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// Milliseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

impl Provider {
    /// Goes round and round until the node is closed.
    pub(super) async fn go_round(self, node: Node) {
        let interval = self.0.settings.interval;
        if interval.is_zero() {
            return;
        }
        let mut cycle = self.begin(&node).await;
        loop {
            self.0.counters.cycle(cycle);
            if !self.wait_for_peers(&node).await {
                return;
            }
            let went = tokio::select! {
                went = self.go_on(&node, &mut cycle) => went,
                () = node.closed() => return,
            };
            if let Err(error) = went {
                tracing::warn!(target: "basalt::provide", %error, "announcing again was cut off; it goes on soon");
                tokio::select! {
                    () = sleep(AGAIN) => {}
                    () = node.closed() => return,
                }
                continue;
            }
            cycle = cycle.next(now(), interval);
            self.keep(&node, &cycle).await;
        }
    }

    /// The cycle that was kept, or one that is to be done at once: nothing is known to others yet.
    async fn begin(&self, node: &Node) -> Cycle {
        let interval = u64::try_from(self.0.settings.interval.as_millis());
        let at_once = Cycle::begin(now().saturating_sub(interval.unwrap_or(u64::MAX)));
        if !self.0.settings.resume {
            return at_once;
        }
        match node.records().get(CYCLE).await {
            Ok(Some(kept)) => Cycle::decode(&kept).unwrap_or(at_once),
            Ok(None) => at_once,
            Err(error) => {
                tracing::error!(target: "basalt::provide", %error, "where announcing was is lost: all is announced again");
                at_once
            }
        }
    }

    async fn keep(&self, node: &Node, cycle: &Cycle) {
        let mut batch = Batch::default();
        batch.put(CYCLE, cycle.encode().to_vec());
        if let Err(error) = node.records().write(batch).await {
            tracing::error!(target: "basalt::provide", %error, "where announcing is cannot be kept");
        }
    }

    /// Goes on to the end of the cycle.
    async fn go_on(&self, node: &Node, cycle: &mut Cycle) -> Result<()> {
        let (interval, counters) = (self.0.settings.interval, &self.0.counters);
        let blocks = node.blocks().store().usage().blocks;
        let parts = (blocks / PART).next_power_of_two().clamp(PARTS.0, PARTS.1);
        let width = u64::MAX / parts + 1;
        let mut part = cycle.done / width;
        while part < parts {
            let first = part * width;
            let due = cycle.due(first.max(cycle.done), interval);
            counters.next(due);
            self.wait_until(due).await;
            let strategy = &self.0.settings.strategy;
            let (mut found, all) = keys::of_part(node, strategy, part, parts).await?;
            counters.scheduled(all, parts);
            found.retain(|(place, _)| *place >= cycle.done);
            for together in found.chunks(TOGETHER) {
                let next = together.first().map_or(first, |(place, _)| *place);
                let due = cycle.due(next, interval);
                counters.next(due);
                self.wait_until(due).await;
                let keys = together.iter().map(|(_, key)| key.clone()).collect();
                let going_on = counters.reproviding(together.len());
                let done = self.announce_many(keys).await?;
                drop(going_on);
                counters.announced_again(&done);
                cycle.done = together
                    .last()
                    .map_or(next, |(place, _)| place.saturating_add(1));
                self.keep(node, cycle).await;
            }
            part += 1;
            cycle.done = match part < parts {
                true => part * width,
                false => u64::MAX,
            };
        }
        let end = cycle.due(u64::MAX, interval);
        counters.next(end);
        self.wait_until(end).await;
        Ok(())
    }

    async fn wait_until(&self, due: u64) {
        let wait = due.saturating_sub(now());
        if wait > 0 {
            sleep(Duration::from_millis(wait)).await;
        }
    }
}
