//! Blocks into the store on disk, out of it, and whether they are there.
#![allow(missing_docs)]

use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::Blockstore;
use basalt_blockstore_rocks::{Options, RocksStore};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

/// Blocks in a batch, as `add` hands them over.
const BATCH: u64 = 64;
/// Blocks in the store that is read.
const FILLED: u64 = 20_000;

/// A block of `size` bytes that only this `number` has.
fn block(number: u64, size: usize) -> Block {
    let mut data = vec![number as u8; size];
    data[..8].copy_from_slice(&number.to_le_bytes());
    Block::hash(1, codec::RAW, Hasher::SHA2_256, data.into()).expect("a block")
}

fn put(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = c.benchmark_group("put");
    for size in [4 << 10, 256 << 10] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = RocksStore::open(Options::new(dir.path())).expect("a store");
        let mut next = 0;
        group
            .throughput(Throughput::Bytes(BATCH * size as u64))
            .sample_size(10);
        group.bench_function(format!("{BATCH} of {size}"), |b| {
            let fresh = || {
                next += BATCH;
                (next..next + BATCH)
                    .map(|n| block(n, size))
                    .collect::<Vec<_>>()
            };
            let write = |blocks| runtime.block_on(store.put_many(blocks)).expect("written");
            b.iter_batched(fresh, write, BatchSize::PerIteration);
        });
        group.bench_function(format!("1 of {size}, durable"), |b| {
            let fresh = || {
                next += BATCH;
                vec![block(next, size)]
            };
            let write = |blocks| {
                runtime.block_on(async {
                    store.put_many(blocks).await.expect("written");
                    store.sync().await.expect("durable");
                });
            };
            b.iter_batched(fresh, write, BatchSize::PerIteration);
        });
        runtime.block_on(store.close());
    }
    group.finish();
}

fn read(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let store = RocksStore::open(Options::new(dir.path())).expect("a store");
    let mut cids: Vec<Cid> = Vec::new();
    runtime.block_on(async {
        for first in (0..FILLED).step_by(1000) {
            let blocks: Vec<Block> = (first..first + 1000).map(|n| block(n, 4 << 10)).collect();
            cids.extend(blocks.iter().map(|b| *b.cid()));
            store.put_many(blocks).await.expect("written");
        }
        store.sync().await.expect("durable");
    });
    let absent = *block(FILLED, 4 << 10).cid();
    let mut at = 0;
    // A stride that meets every block, in no order that a cache would like.
    let mut next = || {
        at = (at + 7919) % cids.len();
        cids[at]
    };
    let mut group = c.benchmark_group("read");
    group.bench_function("get 4 KiB", |b| {
        b.iter(|| {
            runtime
                .block_on(store.get(&next()))
                .expect("read")
                .expect("there")
        });
    });
    group.bench_function("has", |b| {
        b.iter(|| assert!(runtime.block_on(store.has(&next())).expect("read")));
    });
    group.bench_function("has not", |b| {
        b.iter(|| assert!(!runtime.block_on(store.has(&absent)).expect("read")));
    });
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function(format!("stat of {BATCH}"), |b| {
        b.iter(|| {
            let some: Vec<Cid> = (0..BATCH).map(|_| next()).collect();
            runtime.block_on(store.stat_many(&some)).expect("read")
        });
    });
    group.finish();
    runtime.block_on(store.close());
}

criterion_group!(benches, put, read);
criterion_main!(benches);
