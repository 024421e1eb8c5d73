//! Directories that are HAMTs: building one, and finding a name in it.
#![allow(missing_docs)]

use std::sync::Arc;

use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::MemoryStore;
use basalt_unixfs::{Directory, DirectoryBuilder, DirectoryOptions, OnlyHash, Stat};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

const NAMES: usize = 100_000;

fn directory(names: usize, target: &Cid) -> DirectoryBuilder {
    let options = DirectoryOptions::default();
    let mut directory = DirectoryBuilder::new(options, Stat::default()).expect("options");
    for number in 0..names {
        directory
            .add(format!("file-{number}.txt").as_bytes(), target, 10)
            .expect("a name");
    }
    directory
}

fn hamt(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let leaf = Block::hash(1, codec::RAW, Hasher::SHA2_256, "leaf".into()).expect("a block");
    let mut group = c.benchmark_group("hamt");
    group.sample_size(10);
    for names in [10_000, NAMES] {
        group.throughput(Throughput::Elements(names as u64));
        group.bench_function(format!("build {names}"), |b| {
            b.iter(|| {
                let directory = directory(names, leaf.cid());
                runtime
                    .block_on(directory.finish(&OnlyHash))
                    .expect("built")
            });
        });
    }
    let store = Arc::new(MemoryStore::default());
    let built = runtime.block_on(directory(NAMES, leaf.cid()).finish(&store));
    let root = built.expect("built").cid;
    let opened = Directory::open(Arc::new(store), &root);
    let opened = runtime.block_on(opened).expect("opened");
    group.throughput(Throughput::Elements(1)).sample_size(50);
    let mut at = 0;
    group.bench_function(format!("lookup in {NAMES}"), |b| {
        b.iter(|| {
            at = (at + 7919) % NAMES;
            let name = format!("file-{at}.txt");
            let found = runtime.block_on(opened.lookup(name.as_bytes()));
            found.expect("read").expect("there")
        });
    });
    group.finish();
}

criterion_group!(benches, hamt);
criterion_main!(benches);
