//! Announcing everything again, part by part.
//!
//! A part of the space is read from the store or the pins when its turn comes, so that neither memory nor
//! the disk ever holds a list of all. There are so many parts that one fits into memory well.

use std::time::{Duration, SystemTime};

use basalt_blockstore::{Batch, Datastore};
use basalt_routing::Cycle;
use futures::TryStreamExt;
use futures::stream::FuturesOrdered;
use tokio::time::sleep;

use super::keys::Placed;
use super::{Provider, Work, keys};
use crate::{Node, Result};

/// Where the cycle is.
const CYCLE: &[u8] = b"provide/cycle";
/// Keys of a part, about: some 4 MB. All keys are read once for each part, so that where there are very many,
/// parts are larger: a 64th of all, which is a byte for each key, and at most some 60 MB.
const PART: (u64, u64) = (64 * 1024, 1 << 20);
/// A cycle has so many parts at least, and at most.
const PARTS: (u64, u64) = (16, 1 << 16);

/// In how many parts so many blocks are announced: a power of two.
fn parts_of(blocks: u64) -> u64 {
    let part = (blocks / 64).clamp(PART.0, PART.1);
    (blocks / part).next_power_of_two().clamp(PARTS.0, PARTS.1)
}
/// Keys that are announced together.
const TOGETHER: usize = 4096;
/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// Milliseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// The cycle that was kept, if one can be read.
async fn kept(records: &dyn Datastore) -> Option<Cycle> {
    match records.get(CYCLE).await {
        Ok(kept) => Cycle::decode(&kept?),
        Err(error) => {
            tracing::error!(target: "basalt::provide", %error, "where announcing was is lost: all is announced again");
            None
        }
    }
}

/// Keeps where a cycle is. Where that fails, announcing goes on, and a restart repeats some of it.
async fn keep(records: &dyn Datastore, cycle: &Cycle) {
    let mut batch = Batch::default();
    batch.put(CYCLE, cycle.encode().to_vec());
    if let Err(error) = records.write(batch).await {
        tracing::error!(target: "basalt::provide", %error, "where announcing is cannot be kept");
    }
}

fn place_of(key: Option<&Placed>, default: u64) -> u64 {
    key.map_or(default, |(place, _)| *place)
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
            if self.0.settings.strategy.all {
                let blocks = node.blocks().store().usage().blocks;
                self.0.counters.scheduled(blocks, parts_of(blocks));
            }
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
            keep(&**node.records(), &cycle).await;
        }
    }

    /// The cycle that was kept, or one that is to be done at once: nothing is known to others yet.
    async fn begin(&self, node: &Node) -> Cycle {
        let interval = u64::try_from(self.0.settings.interval.as_millis());
        let at_once = Cycle::begin(now().saturating_sub(interval.unwrap_or(u64::MAX)));
        if !self.0.settings.resume {
            return at_once;
        }
        kept(&**node.records()).await.unwrap_or(at_once)
    }

    /// Goes on to the end of the cycle.
    async fn go_on(&self, node: &Node, cycle: &mut Cycle) -> Result<()> {
        let (interval, counters) = (self.0.settings.interval, &self.0.counters);
        let blocks = node.blocks().store().usage().blocks;
        let parts = parts_of(blocks);
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
            let (begun, mut chunks) = (*cycle, found.chunks(TOGETHER));
            counters.next(begun.due(place_of(found.first(), first), interval));
            // What is late is announced side by side; how far it is done is kept in the order of the places,
            // so that a crash repeats some and leaves out nothing.
            let (most, mut running) = (self.0.workers.most(Work::Again), FuturesOrdered::new());
            loop {
                while running.len() < most
                    && let Some(together) = chunks.next()
                {
                    let due = begun.due(place_of(together.first(), first), interval);
                    running.push_back(self.announce_due(together, due));
                }
                let Some(last) = running.try_next().await? else {
                    break;
                };
                cycle.done = last.saturating_add(1);
                counters.next(cycle.due(cycle.done, interval));
                keep(&**node.records(), cycle).await;
            }
            drop(running);
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

    /// Announces keys when they are due; gives the last place.
    async fn announce_due(&self, together: &[Placed], due: u64) -> Result<u64> {
        self.wait_until(due).await;
        let keys = together.iter().map(|(_, key)| key.clone()).collect();
        self.announce_many(keys, Work::Again).await?;
        Ok(place_of(together.last(), 0))
    }

    async fn wait_until(&self, due: u64) {
        let wait = due.saturating_sub(now());
        if wait > 0 {
            sleep(Duration::from_millis(wait)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::on_disk::{Full, crashed, store};

    #[tokio::test]
    async fn where_it_is_outlives_a_crash_and_takes_no_room_as_it_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        let records = store(&first);
        assert_eq!(kept(&*records).await, None);
        let mut cycle = Cycle::begin(7);
        for done in 0..100 {
            cycle.done = done;
            keep(&*records, &cycle).await;
        }
        let records = crashed(&first, &second);
        assert_eq!(kept(&*records).await, Some(cycle));
        // Whatever is announced, this is all that is written of it.
        let all: Vec<_> = records.scan(b"", None).try_collect().await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].1.len(), 16);
    }

    #[tokio::test]
    async fn on_a_full_disk_it_goes_on_and_a_restart_repeats_some() {
        let disk = Full::default();
        let before = Cycle { began: 7, done: 1 };
        keep(&disk, &before).await;
        disk.is.store(true, Ordering::Relaxed);
        let later = Cycle { began: 7, done: 2 };
        keep(&disk, &later).await;
        assert_eq!(kept(&disk).await, Some(before));
        disk.is.store(false, Ordering::Relaxed);
        keep(&disk, &later).await;
        assert_eq!(kept(&disk).await, Some(later));
    }

    #[test]
    fn a_part_fits_into_memory_and_is_no_small_share_of_very_many() {
        for (blocks, parts) in [
            (0, 16),
            (1_000_000, 16),
            (4 << 20, 64),
            (10_000_000, 64),
            (1_000_000_000, 1024),
            (u64::MAX, 1 << 16),
        ] {
            assert_eq!(parts_of(blocks), parts, "{blocks}");
        }
    }
}
