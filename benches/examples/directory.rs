//! A directory of a million entries on disk: what one change, one lookup and a listing's first row
//! take. `cargo run --release -p basalt-bench --example directory [ENTRIES]`
//!
//! "Kept" is a directory that stays open, as a daemon has it; "opened" one that is opened for the
//! one change, as without a daemon. Each change ends with a flush and a sync of the store.

#[path = "shared/times.rs"]
mod times;

use std::{sync::Arc, time::Instant};

use anyhow::{Context, Result};
use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::Blockstore;
use basalt_blockstore_rocks::{Options, RocksStore};
use basalt_unixfs::{Directory, DirectoryBuilder, DirectoryEdit, DirectoryOptions, Entry, Stat};
use futures::TryStreamExt;

use times::Times;

/// How often each thing is done.
const ROUNDS: usize = 1000;

/// Numbers that jump about.
fn place(round: usize, entries: usize) -> usize {
    round * 7_919 % entries
}

fn name(number: usize) -> String {
    format!("file-{number}.txt")
}

#[tokio::main]
async fn main() -> Result<()> {
    let entries = match std::env::args().nth(1) {
        Some(number) => number.parse().context("a number of entries")?,
        None => 1_000_000,
    };
    let dir = tempfile::tempdir()?;
    let store = Arc::new(RocksStore::open(Options::new(dir.path()))?);
    let leaf = Block::hash(1, codec::RAW, Hasher::SHA2_256, "leaf".into())?;
    let target = *leaf.cid();
    store.put_many(vec![leaf]).await?;

    let begin = Instant::now();
    let mut builder = DirectoryBuilder::new(DirectoryOptions::default(), Stat::default())?;
    for number in 0..entries {
        builder.add(name(number).as_bytes(), &target, 4)?;
    }
    let root = builder.finish(&store).await?.cid;
    store.sync().await?;
    println!("{entries} entries built in {:.2?}: {root}", begin.elapsed());

    let open = async |root: &Cid| {
        DirectoryEdit::open(Arc::new(store.clone()), root, DirectoryOptions::default()).await
    };
    let entry = |number: usize| Entry {
        name: name(number).into(),
        cid: target,
        dag_size: 4,
    };

    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let begin = Instant::now();
        let directory = Directory::open(Arc::new(store.clone()), &root).await?;
        let found = directory
            .lookup(name(place(round, entries)).as_bytes())
            .await?;
        times.push(begin.elapsed());
        found.context("a name that is there")?;
    }
    Times(times).print("lookup");

    let mut times = Vec::new();
    for _ in 0..100 {
        let begin = Instant::now();
        let mut listing = open(&root).await?.entries();
        listing.try_next().await?.context("a first row")?;
        times.push(begin.elapsed());
    }
    Times(times).print("first row");

    let begin = Instant::now();
    let mut listing = open(&root).await?.entries();
    let mut rows = 0;
    while listing.try_next().await?.is_some() {
        rows += 1;
    }
    println!("{rows} rows listed in {:.2?}", begin.elapsed());

    let mut kept = open(&root).await?;
    for what in ["put", "replace", "remove"] {
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let begin = Instant::now();
            let number = place(round, entries);
            match what {
                "put" => drop(kept.put(entry(entries + number)).await?),
                "replace" => drop(kept.put(entry(number)).await?),
                _ => drop(kept.remove(name(number).as_bytes()).await?),
            }
            kept.flush(&store).await?;
            store.sync().await?;
            times.push(begin.elapsed());
        }
        Times(times).print(&format!("kept: {what}"));
    }
    for what in ["put", "replace", "remove"] {
        let mut times = Vec::new();
        for round in 0..ROUNDS / 5 {
            let begin = Instant::now();
            let mut opened = open(&root).await?;
            let number = place(round, entries);
            match what {
                "put" => drop(opened.put(entry(entries + number)).await?),
                "replace" => drop(
                    opened
                        .put(Entry {
                            dag_size: 5,
                            ..entry(number)
                        })
                        .await?,
                ),
                _ => drop(opened.remove(name(number).as_bytes()).await?),
            }
            opened.flush(&store).await?;
            store.sync().await?;
            times.push(begin.elapsed());
        }
        Times(times).print(&format!("opened: {what}"));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("{peak}");
    }
    drop(kept);
    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    Ok(())
}
