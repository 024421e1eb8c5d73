//! Garbage collection: marking a DAG, and a whole collection that sweeps half of the blocks.
#![allow(missing_docs)]

use std::sync::Arc;

use basalt_block::Cid;
use basalt_blockstore::Blockstore;
use basalt_blockstore_rocks::{Options, RocksStore};
use basalt_pin::{Collect, Local, Pin, Pins, Walk, WalkOptions};
use basalt_unixfs::{DirectoryBuilder, DirectoryOptions, FileBuilder, FileOptions, Stat};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Files of a directory that is marked or swept; each is one block.
const FILES: u64 = 5_000;

/// A directory of small files that only this `name` has.
async fn tree(store: &Arc<RocksStore>, name: &str) -> Cid {
    let sink = Arc::new(store.clone());
    let options = DirectoryOptions::default();
    let mut directory = DirectoryBuilder::new(options, Stat::default()).expect("options");
    for number in 0..FILES {
        let mut file = FileBuilder::new(FileOptions::default(), sink.clone()).expect("options");
        file.write(format!("{name} {number}").into())
            .await
            .expect("written");
        let node = file.finish().await.expect("written");
        directory
            .add(format!("{number}").as_bytes(), &node.cid, node.dag_size)
            .expect("a name");
    }
    let node = directory.finish(sink.as_ref()).await.expect("written");
    store.sync().await.expect("durable");
    node.cid
}

fn open() -> (TempDir, Arc<RocksStore>) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = RocksStore::open(Options::new(dir.path())).expect("a store");
    (dir, Arc::new(store))
}

fn mark(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (_dir, store) = open();
    let root = runtime.block_on(tree(&store, "kept"));
    let mut group = c.benchmark_group("collect");
    group
        .throughput(Throughput::Elements(FILES))
        .sample_size(20);
    group.bench_function("mark", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let source = Arc::new(Local(store.clone()));
                let mut walk = Walk::of(source, root, WalkOptions::default());
                while let Some(batch) = walk.next().await {
                    batch.expect("all is there");
                }
            });
        });
    });
    group.finish();
}

fn sweep(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = c.benchmark_group("collect");
    group
        .throughput(Throughput::Elements(2 * FILES))
        .sample_size(10);
    let fill = || {
        runtime.block_on(async {
            let (dir, store) = open();
            let pins = Pins::new(store.clone(), store.clone());
            let kept = tree(&store, "kept").await;
            tree(&store, "garbage").await;
            pins.put_many(&[Pin::recursive(kept)])
                .await
                .expect("pinned");
            (dir, pins)
        })
    };
    group.bench_function("half is garbage", |b| {
        b.iter_batched(
            fill,
            |(dir, pins)| {
                let collection =
                    async { pins.collector().collect(Collect::default()).finish().await };
                let summary = runtime.block_on(collection).expect("collected");
                assert!(summary.removed >= FILES);
                (dir, pins)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, mark, sweep);
criterion_main!(benches);
