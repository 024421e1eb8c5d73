//! Directories that are HAMTs: building one, finding a name in it, and changing it.
#![allow(missing_docs)]

use std::sync::Arc;

use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::MemoryStore;
use basalt_unixfs::{
    Directory, DirectoryBuilder, DirectoryEdit, DirectoryOptions, Entry, OnlyHash, Stat,
};
use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use futures::TryStreamExt;
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
    edit(&mut group, &runtime, &store, &root, leaf.cid());
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

/// One change and what it takes to store it; in a directory that stays open, and in one that is
/// opened for it.
fn edit(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    store: &Arc<MemoryStore>,
    root: &Cid,
    target: &Cid,
) {
    let open = |root: Cid| async move {
        let edit = DirectoryEdit::open(Arc::new(store.clone()), &root, DirectoryOptions::default());
        edit.await.expect("opened")
    };
    let entry = |name: String| Entry {
        name: name.into(),
        cid: *target,
        dag_size: 11,
    };
    group.throughput(Throughput::Elements(1)).sample_size(50);
    let mut at = 0;
    let mut next = move || {
        at += 1;
        at * 7919 % NAMES
    };
    let mut kept = runtime.block_on(open(*root));
    group.bench_function(format!("put into {NAMES} and flush"), |b| {
        b.iter(|| {
            runtime.block_on(async {
                let new = entry(format!("new-{}", next()));
                kept.put(new).await.expect("put");
                kept.flush(store).await.expect("flushed")
            })
        });
    });
    group.bench_function(format!("remove from {NAMES}, put again and flush"), |b| {
        b.iter(|| {
            runtime.block_on(async {
                let name = format!("file-{}.txt", next());
                kept.remove(name.as_bytes()).await.expect("removed");
                kept.put(entry(name)).await.expect("put");
                kept.flush(store).await.expect("flushed")
            })
        });
    });
    group.bench_function(format!("open {NAMES}, remove and flush"), |b| {
        b.iter(|| {
            runtime.block_on(async {
                let mut edit = open(*root).await;
                let name = format!("file-{}.txt", next());
                edit.remove(name.as_bytes()).await.expect("removed");
                edit.flush(store).await.expect("flushed")
            })
        });
    });
    group.bench_function(format!("open {NAMES} and list the first"), |b| {
        b.iter(|| {
            runtime.block_on(async {
                let mut entries = open(*root).await.entries();
                entries.try_next().await.expect("listed").expect("there")
            })
        });
    });
}

criterion_group!(benches, hamt);
criterion_main!(benches);
