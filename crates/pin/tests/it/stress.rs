//! Everybody at once, for some seconds: nothing that is live ever goes missing.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use basalt_block::{Block, Cid};
use basalt_blockstore::Blockstore;
use basalt_pin::{Collect, Error, Local, Mode, Pin, Pins, Progress, Reached, Walk, WalkOptions};
use futures::TryStreamExt;
use rand::Rng;
use rand::seq::IndexedRandom;

use crate::dag::{Remote, missing, node, raw, stored};
use crate::staged::Staged;

const LASTS: Duration = Duration::from_secs(3);

/// A DAG with parts that others have too.
struct Dag {
    root: Cid,
    blocks: Vec<Block>,
}

fn dags() -> Vec<Dag> {
    let mut rng = rand::rng();
    let leaves: Vec<Block> = (0..40)
        .map(|i| {
            if i % 2 == 0 {
                raw(&format!("{i}"))
            } else {
                node(&format!("{i}"), &[])
            }
        })
        .collect();
    let over = |name: String, parts: &[Vec<Block>]| -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut seen = HashSet::new();
        let mut links = Vec::new();
        for part in parts {
            links.push(*part.last().unwrap().cid());
            blocks.extend(part.iter().filter(|b| seen.insert(*b.cid())).cloned());
        }
        blocks.push(node(&name, &links));
        blocks
    };
    let mids: Vec<Vec<Block>> = (0..20)
        .map(|i| {
            let parts: Vec<Vec<Block>> = (0..4)
                .map(|_| vec![leaves.choose(&mut rng).unwrap().clone()])
                .collect();
            over(format!("mid {i}"), &parts)
        })
        .collect();
    (0..16)
        .map(|i| {
            let parts: Vec<Vec<Block>> = (0..4)
                .map(|_| mids.choose(&mut rng).unwrap().clone())
                .collect();
            let blocks = over(format!("root {i}"), &parts);
            Dag {
                root: *blocks.last().unwrap().cid(),
                blocks,
            }
        })
        .collect()
}

struct World {
    store: Staged,
    pins: Pins,
    dags: Vec<Dag>,
    ends: Instant,
    pinned: AtomicU64,
    read: AtomicU64,
    removed: AtomicU64,
}

impl World {
    fn goes_on(&self) -> bool {
        Instant::now() < self.ends
    }

    fn any(&self) -> &Dag {
        self.dags.choose(&mut rand::rng()).unwrap()
    }

    /// Writes a DAG as `add` does, and pins it. Each task has roots of its own to unpin.
    async fn adder(&self, mine: &Dag) {
        while self.goes_on() {
            let lease = self.store.lease();
            for chunk in mine.blocks.chunks(3) {
                self.store.put_many(chunk.to_vec()).await.unwrap();
            }
            self.pins
                .put_many(&[Pin::recursive(mine.root)])
                .await
                .unwrap();
            drop(lease);
            self.keep_for_a_while(mine).await;
        }
    }

    /// Pins a DAG that is partly here, and fetches the rest.
    async fn pinner(&self, mine: &Dag) {
        while self.goes_on() {
            // What is here is here by chance, and old.
            let some = mine.blocks.iter().filter(|_| rand::rng().random_bool(0.5));
            let some = some.cloned().collect();
            self.store.put_many(some).await.unwrap();
            tokio::task::yield_now().await;
            let source = Remote::new(Arc::new(self.store.clone()), &mine.blocks);
            let progress = Progress::default();
            self.pins
                .add(source, Pin::recursive(mine.root), &progress)
                .await
                .unwrap();
            self.keep_for_a_while(mine).await;
        }
    }

    /// Pins what is here, or not at all.
    async fn hoper(&self, mine: &Dag) {
        while self.goes_on() {
            if rand::rng().random_bool(0.3) {
                self.store.put_many(mine.blocks.clone()).await.unwrap();
            }
            let source = Arc::new(Local(Arc::new(self.store.clone())));
            let progress = Progress::default();
            match self
                .pins
                .add(source, Pin::recursive(mine.root), &progress)
                .await
            {
                Ok(()) => self.keep_for_a_while(mine).await,
                Err(Error::Missing(_)) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    async fn keep_for_a_while(&self, mine: &Dag) {
        let times = rand::rng().random_range(1..6);
        for _ in 0..times {
            let gone = missing(&self.store, &mine.blocks).await;
            assert_eq!(gone, [], "gone while pinned");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.pinned.fetch_add(1, Ordering::Relaxed);
        self.pins.remove(&mine.root, true).await.unwrap();
    }

    /// Goes through a DAG as far as it is there. If that is all of it, it stays to the end.
    async fn reader(&self) {
        while self.goes_on() {
            let dag = self.any();
            let guard = Arc::new(self.pins.collector().protect(dag.root).await);
            let source = Arc::new(Local(Arc::new(self.store.clone())));
            let options = WalkOptions {
                guard: Some(guard.clone()),
                ..WalkOptions::default()
            };
            let walk = Walk::of(source, dag.root, options).stream();
            let found: Vec<Reached> = walk.try_collect().await.unwrap();
            if found.iter().all(|reached| reached.found.is_ok()) {
                assert_eq!(found.len(), dag.blocks.len());
                for _ in 0..4 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    let gone = missing(&self.store, &dag.blocks).await;
                    assert_eq!(gone, [], "gone while read");
                }
                self.read.fetch_add(1, Ordering::Relaxed);
            }
            drop(guard);
            tokio::task::yield_now().await;
        }
    }

    async fn collector(&self) {
        while self.goes_on() {
            let junk = (0..20).map(|_| raw(&format!("{}", rand::random::<u64>())));
            let junk = junk.collect();
            self.store.put_many(junk).await.unwrap();
            let collection = self.pins.collector().collect(Collect::default());
            if rand::rng().random_bool(0.1) {
                drop(collection);
            } else {
                let summary = collection.finish().await.unwrap();
                self.removed.fetch_add(summary.removed, Ordering::Relaxed);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_live_goes_missing() {
    let store = Staged::dawdling();
    let records = Arc::new(store.inner.clone());
    let world = Arc::new(World {
        pins: Pins::new(records, Arc::new(store.clone())),
        store,
        dags: dags(),
        ends: Instant::now() + LASTS,
        pinned: AtomicU64::new(0),
        read: AtomicU64::new(0),
        removed: AtomicU64::new(0),
    });
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..15 {
        let world = world.clone();
        tasks.spawn(async move {
            let mine = &world.dags[i];
            match i % 3 {
                0 => world.adder(mine).await,
                1 => world.pinner(mine).await,
                _ => world.hoper(mine).await,
            }
        });
    }
    for _ in 0..6 {
        let world = world.clone();
        tasks.spawn(async move { world.reader().await });
    }
    for _ in 0..2 {
        let world = world.clone();
        tasks.spawn(async move { world.collector().await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let count = |n: &AtomicU64| n.load(Ordering::Relaxed);
    let counts = [&world.pinned, &world.read, &world.removed].map(count);
    println!("pinned, read, removed: {counts:?}");
    assert!(
        counts.iter().all(|n| *n > 50),
        "too little happened: {counts:?}"
    );

    // In the end, everything that nobody keeps is gone.
    let kept = &world.dags[3];
    world.store.put_many(kept.blocks.clone()).await.unwrap();
    world
        .pins
        .put_many(&[Pin::recursive(kept.root)])
        .await
        .unwrap();
    world
        .pins
        .collector()
        .collect(Collect::default())
        .finish()
        .await
        .unwrap();
    let left = stored(&world.store).await;
    let wanted: HashSet<_> = kept.blocks.iter().map(|b| *b.multihash()).collect();
    assert_eq!(left, wanted);
    let pins: Vec<_> = world
        .pins
        .pins(Mode::Recursive)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(pins.len(), 1);
}
