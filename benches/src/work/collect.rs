//! Garbage collection, and what the clients beside it feel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::blocks::Repo;
use super::{Run, count_lines};
use crate::data::append_block;
use crate::http::{Connection, Form, request};
use crate::latency::Latencies;
use crate::meter::{self, Files};
use crate::sample::Unit;

/// Puts and gets come no closer than this: they feel the load, and are none.
const PACE: Duration = Duration::from_millis(10);
/// Adds leave a pin each, so there are fewer of them.
const ADD_PACE: Duration = Duration::from_millis(20);
const SIZE: usize = 1024;
const SEED: u64 = 1 << 32;

/// Names of the metrics of one client: p99 idle, p99 and worst during the collection, slowdown.
const METRICS: [[&str; 4]; 3] = [
    [
        "put p99 idle",
        "put p99 during gc",
        "put worst during gc",
        "put p99 gc/idle",
    ],
    [
        "add p99 idle",
        "add p99 during gc",
        "add worst during gc",
        "add p99 gc/idle",
    ],
    [
        "get p99 idle",
        "get p99 during gc",
        "get worst during gc",
        "get p99 gc/idle",
    ],
];

impl Run<'_> {
    pub(super) fn collect(&mut self, side: usize, repo: &mut Repo) -> Result<()> {
        let work = "repo-gc";
        let seconds = if self.options.quick { 1 } else { 10 };
        // New blocks are such that no round before has put: some of those may still be there.
        repo.collections += 1;
        repo.littered = false;
        let repo = &*repo;
        let seed = SEED + 4 * repo.collections;
        let ((), idle) = beside(repo, seed, || {
            std::thread::sleep(Duration::from_secs(seconds));
            Ok(())
        })?;
        let node = &repo.node;
        let (((removed, wall), busy), cost) =
            meter::measure(node, self.quiet, Files::Counted, || {
                beside(repo, seed + 2, || {
                    let mut removed = 0;
                    let began = Instant::now();
                    node.connect()?
                        .call("repo/gc", &mut |piece| count_lines(&mut removed, piece))?;
                    Ok((removed, began.elapsed().as_secs_f64()))
                })
            })?;
        ensure!(
            removed >= repo.garbage,
            "gc removed {removed} of {} unpinned blocks",
            repo.garbage
        );

        // The last put may outlast the collection; it is no part of it.
        self.cost(side, work, &meter::Cost { wall, ..cost });
        self.sample(
            side,
            work,
            "removed",
            Unit::PerSecond,
            removed as f64 / wall,
        );
        let [puts, adds, _] = &busy;
        self.sample(side, work, "puts during gc", Unit::Count, puts.len() as f64);
        self.sample(side, work, "adds during gc", Unit::Count, adds.len() as f64);
        for ((idle, busy), [name_idle, name_busy, name_worst, name_factor]) in
            idle.iter().zip(&busy).zip(METRICS)
        {
            if let (Some(calm), Some(p99), Some(worst)) = (
                idle.percentile(0.99),
                busy.percentile(0.99),
                busy.percentile(1.0),
            ) {
                self.sample(side, work, name_idle, Unit::Seconds, calm);
                self.sample(side, work, name_busy, Unit::Seconds, p99);
                self.sample(side, work, name_worst, Unit::Seconds, worst);
                self.sample(side, work, name_factor, Unit::Factor, p99 / calm);
            }
        }
        Ok(())
    }
}

/// Runs `work` while one client puts new blocks, another adds new files, and a third gets pinned
/// blocks; returns their times in this order. Takes `seed` and the one after it.
fn beside<T>(
    repo: &Repo,
    seed: u64,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, [Latencies; 3])> {
    let over = AtomicBool::new(false);
    let [puts, adds, gets] = [
        repo.node.connect()?,
        repo.node.connect()?,
        repo.node.connect()?,
    ];
    std::thread::scope(|scope| {
        let over = &over;
        let puts = scope.spawn(move || {
            paced(puts, PACE, over, |number| {
                file("block/put?cid-codec=raw", seed, number)
            })
        });
        let adds = scope.spawn(move || {
            paced(adds, ADD_PACE, over, |number| {
                file("add?progress=false", seed + 1, number)
            })
        });
        let gets = scope.spawn(move || {
            paced(gets, PACE, over, |number| {
                let cid = &repo.pinned[number as usize * 7919 % repo.pinned.len()];
                request(&format!("block/get?arg={cid}"), None)
            })
        });
        let value = work();
        over.store(true, Ordering::Relaxed);
        let [puts, adds, gets] = [puts, adds, gets].map(|client| {
            client
                .join()
                .unwrap_or_else(|_| Err(anyhow!("a client panicked")))
        });
        Ok((value?, [puts?, adds?, gets?]))
    })
}

/// A request with a new file or block.
fn file(path: &str, seed: u64, number: u64) -> Vec<u8> {
    let mut form = Form::default();
    form.file("new", |bytes| append_block(bytes, seed, number, SIZE));
    request(path, Some(form))
}

/// Sends requests one after another, at the pace, until it is over.
fn paced(
    mut connection: Connection,
    pace: Duration,
    over: &AtomicBool,
    mut next: impl FnMut(u64) -> Vec<u8>,
) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        let request = next(number);
        number += 1;
        let began = Instant::now();
        connection.exchange(&request, &mut |_| {})?;
        let took = began.elapsed();
        latencies.push(took);
        std::thread::sleep(pace.saturating_sub(took));
    }
    Ok(latencies)
}
