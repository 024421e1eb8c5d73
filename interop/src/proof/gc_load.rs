//! Readers, adders and pinners through a collection, and what `block get` and `block put` take
//! meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::client::Client;
use super::content::{Content, Dice};
use super::items::{self, Item, Read, What};
use super::latency::Latencies;
use super::node::{Node, Place};
use super::settings::Settings;
use super::tally::Tally;

/// Leaves of 4 KiB in each file that fills the repo.
const LEAVES: u64 = 2000;
const FILL: &str = "&chunker=size-4096&raw-leaves=true&cid-version=1";
const PAUSE: Duration = Duration::from_millis(1);

/// What the repo holds when a collection begins.
struct Stock {
    pinned: Vec<Item>,
    garbage: Vec<Item>,
    /// Small pinned blocks, for the probe of `block get`.
    blocks: Vec<Item>,
}

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let whole = if settings.whole { 300_000 } else { 20_000 };
    let blocks = settings.blocks.unwrap_or(whole);
    let folder = tempfile::Builder::new()
        .prefix("basalt-gc-")
        .tempdir_in(&settings.dir)?;
    let place = Place::init(&settings.bin, folder.path(), folder.path())?;
    let node = place.start()?;
    let mut dice = Dice::new(settings.seed);
    let files = blocks.div_ceil(LEAVES).max(3);
    let mut stock = Stock {
        pinned: fill(&node, &mut dice, files / 3, true)?,
        garbage: fill(&node, &mut dice, files - files / 3, false)?,
        blocks: Vec::new(),
    };
    for _ in 0..4 {
        let contents: Vec<Content> = (0..250)
            .map(|_| items::content(&mut dice, 4096, 4096))
            .collect();
        let stored = items::put_blocks(&mut node.client(), &contents, "&pin=true")?;
        stock.blocks.extend(stored.map_err(anyhow::Error::msg)?);
    }
    let filled = items::sound(&mut node.client())?;
    tally.figure("blocks", filled);
    println!("{filled} blocks are there");

    let idle = probed(&node, &stock, &mut dice, || {
        thread::sleep(Duration::from_secs(if settings.whole { 8 } else { 3 }));
        Ok(())
    })?;
    report(tally, "idle", &idle);
    let began = Instant::now();
    let during = probed(&node, &stock, &mut dice, || collect(&node))?;
    tally.figure("collection, seconds", began.elapsed().as_secs_f64());
    report(tally, "during", &during);
    for (name, idle, during) in [("get", &idle.0, &during.0), ("put", &idle.1, &during.1)] {
        for (shown, part) in [("p50", 0.5), ("p99", 0.99)] {
            let ratio = during.micros(part) as f64 / idle.micros(part).max(1) as f64;
            let name = format!("block {name} {shown}, during / idle");
            tally.figure(&name, (ratio * 100.0).round() / 100.0);
        }
    }
    tally.check("nothing pinned is lost", whole_stock(&node, &stock));
    // A put that ran when the first collection began kept what was written in the same minute.
    collect(&node)?;
    tally.check("garbage is gone", gone(&node, &stock.garbage));

    stock.garbage = fill(&node, &mut dice, (files / 2).max(3), false)?;
    let loaded = loaded(&node, &stock, &mut dice, tally);
    tally.check("adds, pins and reads through a collection", loaded);
    tally.check(
        "nothing pinned is lost under load",
        whole_stock(&node, &stock),
    );
    let sound = items::sound(&mut node.client());
    tally.check("the store is sound", sound.map(|_| ()));
    tally.check("the daemon ends cleanly", node.stop());
    Ok(())
}

fn fill(node: &Node, dice: &mut Dice, files: u64, pinned: bool) -> Result<Vec<Item>> {
    let mut client = node.client();
    let mut items = Vec::new();
    for _ in 0..files {
        let content = items::content(dice, LEAVES * 4096, LEAVES * 4096);
        let added = items::add_file(&mut client, content, &format!("{FILL}&pin={pinned}"))?;
        items.push(added.map_err(anyhow::Error::msg)?);
    }
    Ok(items)
}

fn collect(node: &Node) -> Result<()> {
    let mut client = Client::patient(node.at, Duration::from_secs(600));
    client.get("repo/gc?stream-errors=true").map(|_| ())
}

/// Runs `work` with one `block get` and one `block put` after another beside it.
fn probed(
    node: &Node,
    stock: &Stock,
    dice: &mut Dice,
    work: impl FnOnce() -> Result<()>,
) -> Result<(Latencies, Latencies)> {
    let stop = AtomicBool::new(false);
    let (mut reads, mut writes) = (Dice::new(dice.next()), Dice::new(dice.next()));
    thread::scope(|scope| {
        let gets = scope.spawn(|| {
            let mut client = node.client();
            Latencies::probe(&stop, PAUSE, || {
                let at = reads.next() as usize % stock.blocks.len();
                stock.blocks[at].must_read(&mut client)
            })
        });
        let puts = scope.spawn(|| {
            let mut client = node.client();
            Latencies::probe(&stop, PAUSE, || {
                let content = items::content(&mut writes, 4096, 4096);
                let stored = items::put_blocks(&mut client, &[content], "")?;
                stored.map(|_| ()).map_err(anyhow::Error::msg)
            })
        });
        let worked = work();
        stop.store(true, Relaxed);
        let joined = |probe: thread::ScopedJoinHandle<'_, Result<Latencies>>| {
            probe.join().unwrap_or_else(|_| bail!("a probe panicked"))
        };
        let (gets, puts) = (joined(gets)?, joined(puts)?);
        worked?;
        Ok((gets, puts))
    })
}

fn report(tally: &mut Tally, when: &str, (gets, puts): &(Latencies, Latencies)) {
    for (name, times) in [("block get", gets), ("block put", puts)] {
        let figures = json!({
            "p50": times.micros(0.5),
            "p99": times.micros(0.99),
            "max": times.micros(1.0),
            "requests": times.count(),
        });
        tally.figure(&format!("{name} {when}, us"), figures);
    }
}

fn whole_stock(node: &Node, stock: &Stock) -> Result<()> {
    let mut client = node.client();
    for item in stock.pinned.iter().chain(&stock.blocks) {
        item.must_read(&mut client)?;
    }
    Ok(())
}

fn gone(node: &Node, garbage: &[Item]) -> Result<()> {
    let mut client = node.client();
    for item in garbage {
        if item.read(&mut client)? == Read::Right {
            bail!("{} is still there", item.cid);
        }
    }
    Ok(())
}

/// Collects again and again with everything going on at once, above all with what is garbage being
/// added, put and pinned anew.
fn loaded(node: &Node, stock: &Stock, dice: &mut Dice, tally: &mut Tally) -> Result<()> {
    let stop = AtomicBool::new(false);
    let kept = Mutex::new(Vec::new());
    let refused = AtomicUsize::new(0);
    let reads = AtomicUsize::new(0);
    let keep = |item: Item| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(item);
    };
    let reader = |mut dice: Dice| -> Result<()> {
        let mut client = node.client();
        while !stop.load(Relaxed) {
            let at = dice.next() as usize % stock.pinned.len();
            stock.pinned[at].must_read(&mut client)?;
            reads.fetch_add(1, Relaxed);
        }
        Ok(())
    };
    let adder = |mut dice: Dice| -> Result<()> {
        let mut client = node.client();
        while !stop.load(Relaxed) {
            let content = items::content(&mut dice, 16, 1 << 20);
            let item = items::add_file(&mut client, content, "")?.map_err(anyhow::Error::msg)?;
            item.must_read(&mut client)?;
            keep(item);
        }
        Ok(())
    };
    // The same bytes as garbage: the blocks are there, and the sweep is after them.
    let readder = |_: Dice| -> Result<()> {
        let mut client = node.client();
        for item in stock.garbage.iter().step_by(3) {
            let What::File(content) = item.what else {
                continue;
            };
            let again = items::add_file(&mut client, content, FILL)?.map_err(anyhow::Error::msg)?;
            if again.cid != item.cid {
                bail!("{} was {}", again.cid, item.cid);
            }
            again.must_read(&mut client)?;
            keep(again);
        }
        Ok(())
    };
    // A pin of garbage is refused or holds.
    let pinner = |_: Dice| -> Result<()> {
        let mut client = node.client();
        for item in stock.garbage.iter().skip(1).step_by(3).rev() {
            match client.call(&format!("pin/add?arg={}", item.cid))? {
                Ok(_) => {
                    item.must_read(&mut client)
                        .context("after its pin was answered")?;
                    keep(item.clone());
                }
                Err(_) => {
                    refused.fetch_add(1, Relaxed);
                }
            }
        }
        Ok(())
    };
    let putter = |mut dice: Dice| -> Result<()> {
        let mut client = node.client();
        while !stop.load(Relaxed) {
            let contents = [items::content(&mut dice, 16, 100_000)];
            let put = items::put_blocks(&mut client, &contents, "&pin=true")?;
            for item in put.map_err(anyhow::Error::msg)? {
                item.must_read(&mut client)?;
                keep(item);
            }
        }
        Ok(())
    };
    type Worker<'a> = &'a (dyn Fn(Dice) -> Result<()> + Sync);
    let workers: [Worker<'_>; 7] = [&reader, &reader, &adder, &adder, &readder, &pinner, &putter];
    let outcomes: Vec<Result<()>> = thread::scope(|scope| {
        let running: Vec<_> = workers
            .iter()
            .map(|worker| {
                let dice = Dice::new(dice.next());
                scope.spawn(move || worker(dice))
            })
            .collect();
        let mut outcomes: Vec<Result<()>> = (0..3).map(|_| collect(node)).collect();
        stop.store(true, Relaxed);
        outcomes.extend(running.into_iter().map(|worker| {
            let panicked = |_| Err(anyhow::anyhow!("a worker panicked"));
            worker.join().unwrap_or_else(panicked)
        }));
        outcomes
    });
    let kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.figure("answered adds and pins under load", kept.len());
    tally.figure("pins of collected roots refused", refused.into_inner());
    tally.figure("files read under load", reads.into_inner());
    for outcome in outcomes {
        outcome?;
    }
    let mut client = node.client();
    for item in &kept {
        item.must_read(&mut client)
            .context("after the collections")?;
    }
    Ok(())
}
