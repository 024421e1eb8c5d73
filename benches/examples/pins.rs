//! A million pins on disk: what listing, asking for one and removing one take, alone and beside adds,
//! pins and a collection. `cargo run --release -p basalt-bench --example pins [PINS]`

#[path = "shared/times.rs"]
mod times;

use std::{
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::Blockstore;
use basalt_blockstore_rocks::{Options, RocksStore};
use basalt_pin::{Collect, Kind, Pin, Pins};
use futures::{StreamExt, TryStreamExt};

use times::Times;

/// How often each thing is done.
const ROUNDS: usize = 300;
/// Pins written together while the store is filled.
const BATCH: usize = 10_000;

fn block(number: usize) -> Result<Block> {
    let data = format!("block {number}").into_bytes();
    Ok(Block::hash(1, codec::RAW, Hasher::SHA2_256, data.into())?)
}

async fn measure(pins: &Pins, count: usize, from: usize, when: &str) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..20 {
        let begin = Instant::now();
        pins.list(Kind::All)
            .try_next()
            .await?
            .context("a first row")?;
        times.push(begin.elapsed());
    }
    Times(times).print(&format!("{when}: first row of all"));
    let cid = |round: usize| -> Result<Cid> { Ok(*block((from + round * 7_919) % count)?.cid()) };
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let cid = cid(round)?;
        let begin = Instant::now();
        let found = pins.check(Kind::All, &[cid]).await?;
        times.push(begin.elapsed());
        found[0].as_ref().context("a pin that is there")?;
    }
    Times(times).print(&format!("{when}: pin ls <cid>"));
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let cid = cid(round)?;
        let begin = Instant::now();
        pins.remove(&cid, true).await?;
        times.push(begin.elapsed());
    }
    Times(times).print(&format!("{when}: pin rm <cid>"));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let count = match std::env::args().nth(1) {
        Some(number) => number.parse().context("a number of pins")?,
        None => 1_000_000,
    };
    let dir = tempfile::tempdir()?;
    let store = Arc::new(RocksStore::open(Options::new(dir.path()))?);
    let pins = Pins::new(store.clone(), store.clone());
    let begin = Instant::now();
    for first in (0..count).step_by(BATCH) {
        let numbers = first..(first + BATCH).min(count);
        let blocks: Vec<Block> = numbers.map(block).collect::<Result<_>>()?;
        let batch: Vec<Pin> = blocks.iter().map(|b| Pin::recursive(*b.cid())).collect();
        store.put_many(blocks).await?;
        pins.put_many(&batch).await?;
    }
    println!("{count} pins in {:.2?}", begin.elapsed());
    measure(&pins, count, 0, "alone").await?;

    let done = Arc::new(AtomicBool::new(false));
    let (adder, adding, adds) = (pins.clone(), store.clone(), done.clone());
    let adds = tokio::spawn(async move {
        let mut number = count;
        while !adds.load(Ordering::Relaxed) {
            let lease = adding.lease();
            let new = block(number)?;
            let pin = Pin::recursive(*new.cid());
            adding.put_many(vec![new]).await?;
            adder.put_many(&[pin]).await?;
            drop(lease);
            number += 1;
        }
        Ok::<_, anyhow::Error>(number - count)
    });
    let (collector, stop) = (pins.collector().clone(), done.clone());
    let collections = tokio::spawn(async move {
        let mut collections = 0;
        while !stop.load(Ordering::Relaxed) {
            let mut events = collector.collect(Collect::default());
            while events.next().await.is_some() && !stop.load(Ordering::Relaxed) {}
            collections += 1;
        }
        collections
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    measure(&pins, count, 1, "beside adds and collections").await?;
    done.store(true, Ordering::Relaxed);
    println!(
        "{} adds, {} collections meanwhile",
        adds.await??,
        collections.await?
    );
    let begin = Instant::now();
    let mut rows = 0;
    let mut all = pins.list(Kind::Recursive);
    while all.try_next().await?.is_some() {
        rows += 1;
    }
    println!("{rows} rows listed in {:.2?}", begin.elapsed());
    drop((all, pins));
    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    Ok(())
}
