//! Opening, closing, compacting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use basalt_block::Block;
use basalt_blockstore::{Batch, Blockstore, Datastore, Error};
use basalt_blockstore_rocks::{Options, RocksStore};
use tempfile::TempDir;

use crate::support::{assert_sound, block, cids, hashes, open};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_handle_is_refused_in_words() {
    let dir = TempDir::new().unwrap();
    let first = open(dir.path());
    let error = RocksStore::open(Options::new(dir.path())).unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    drop(first);
    open(dir.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_keeps_what_was_never_synced() {
    let dir = TempDir::new().unwrap();
    let small: Vec<Block> = (0..50).map(|n| block(n, 100)).collect();
    let large: Vec<Block> = (100..180).map(|n| block(n, 100_000)).collect();
    let store = open(dir.path());
    store.put_many(small.clone()).await.unwrap();
    store.put_many(large.clone()).await.unwrap();
    let late = block(7777, 100);
    store.put_many(vec![late.clone()]).await.unwrap();
    store.close().await;
    let store = open(dir.path());
    let all = [small, large, vec![late]].concat();
    let got = Blockstore::get_many(&store, &cids(&all)).await.unwrap();
    assert!(got.iter().flatten().eq(&all));
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_its_beginning_is_not_written_over() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    store
        .put_many((0..90).map(|n| block(n, 100_000)).collect())
        .await
        .unwrap();
    store.close().await;
    std::fs::remove_file(dir.path().join("CURRENT")).unwrap();
    let error = RocksStore::open(Options::new(dir.path())).unwrap_err();
    assert!(matches!(error, Error::Damaged(_)), "{error}");
    assert!(!dir.path().join("CURRENT").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_outlive_the_handle() {
    use futures::StreamExt;
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    for part in 0..10 {
        store
            .put_many((0..1000).map(|n| block(part << 32 | n, 50)).collect())
            .await
            .unwrap();
    }
    let keys = store.keys();
    store.close().await;
    assert_eq!(keys.count().await, 10_000);
    assert_sound(&open(dir.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_beside_compacting() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let blocks: Vec<Block> = (0..200).map(|n| block(n, 100_000)).collect();
    store.put_many(blocks.clone()).await.unwrap();
    store.sync().await.unwrap();
    let (gone, stay) = blocks.split_at(100);
    store.delete_many(&hashes(gone)).await.unwrap();
    let reader = {
        let (store, wanted) = (store.clone(), cids(stay));
        tokio::spawn(async move {
            for cid in wanted {
                Blockstore::get(&store, &cid).await.unwrap().unwrap();
            }
        })
    };
    store.compact().await.unwrap();
    reader.await.unwrap();
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compacting_gives_the_space_back() {
    give_space_back(0).await;
}

/// A read that is under way when files are replaced must not keep them for ever.
#[tokio::test(flavor = "multi_thread")]
async fn compacting_gives_the_space_back_beside_readers() {
    give_space_back(2).await;
}

async fn give_space_back(readers: usize) {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let blocks: Vec<Block> = (0..640).map(|n| block(n, 100_000)).collect();
    for part in blocks.chunks(16) {
        store.put_many(part.to_vec()).await.unwrap();
    }
    store.sync().await.unwrap();
    let size = || {
        let entries = std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap);
        let files = entries.filter(|e| e.file_name().to_string_lossy().contains('.'));
        files.map(|e| e.metadata().unwrap().len()).sum::<u64>()
    };
    let before = size();
    // Every other block, so that no file is without living ones.
    let (gone, stay): (Vec<_>, Vec<_>) = blocks
        .into_iter()
        .enumerate()
        .partition(|(n, _)| n % 2 == 0);
    let only = |blocks: Vec<(usize, Block)>| blocks.into_iter().map(|(_, b)| b).collect();
    let (gone, stay): (Vec<Block>, Vec<Block>) = (only(gone), only(stay));
    store.delete_many(&hashes(&gone)).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..readers)
        .map(|_| {
            let (store, wanted, stop) = (store.clone(), cids(&stay), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    for cid in &wanted {
                        Blockstore::get(&store, cid).await.unwrap().unwrap();
                    }
                }
            })
        })
        .collect();
    store.compact().await.unwrap();
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    // Obsolete files are removed a moment later.
    let began = Instant::now();
    while size() > before * 6 / 10 && began.elapsed().as_secs() < 20 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(size() < before * 6 / 10, "{before} bytes became {}", size());
    assert_sound(&store).await;
    store.close().await;
    let store = open(dir.path());
    let got = Blockstore::get_many(&store, &cids(&stay)).await.unwrap();
    assert!(got.iter().flatten().eq(&stay));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_waits_for_the_blocks_of_a_bulk_import() {
    let dir = TempDir::new().unwrap();
    let crashed = dir.path().join("crashed");
    let store = open(&dir.path().join("store"));
    let blocks: Vec<Block> = (0..100).map(|n| block(n, 100_000)).collect();
    store.put_many(blocks.clone()).await.unwrap();
    let mut batch = Batch::default();
    batch.put("pins/root", "all of them");
    Datastore::write(&store, batch).await.unwrap();
    // What a crash would leave: the store is idle, so its files do not change under the copy.
    crate::support::copy(&dir.path().join("store"), &crashed);
    let store = open(&crashed);
    assert!(
        Datastore::get(&store, b"pins/root")
            .await
            .unwrap()
            .is_some()
    );
    let got = Blockstore::get_many(&store, &cids(&blocks)).await.unwrap();
    assert!(got.iter().flatten().eq(&blocks));
    assert_sound(&store).await;
}

/// Changes a closed store behind our back.
fn tamper(path: &std::path::Path, change: impl FnOnce(&mut rocksdb::DB)) {
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, path).unwrap();
    let mut db = rocksdb::DB::open_cf(&options, path, families).unwrap();
    change(&mut db);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_format_is_refused() {
    let dir = TempDir::new().unwrap();
    open(dir.path()).close().await;
    tamper(dir.path(), |db| db.put("format", [2]).unwrap());
    let error = RocksStore::open(Options::new(dir.path())).unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
    tamper(dir.path(), |db| {
        db.put("format", [1]).unwrap();
        db.create_cf("novel", &rocksdb::Options::default()).unwrap();
    });
    let error = RocksStore::open(Options::new(dir.path())).unwrap_err();
    assert!(error.to_string().contains("'novel'"), "{error}");
    tamper(dir.path(), |db| db.drop_cf("novel").unwrap());
    open(dir.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_database_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    let foreign = rocksdb::DB::open(&options, dir.path()).unwrap();
    foreign.put("not", "ours").unwrap();
    drop(foreign);
    let error = RocksStore::open(Options::new(dir.path())).unwrap_err();
    assert!(matches!(error, Error::Damaged(_)), "{error}");
    assert_eq!(rocksdb::DB::list_cf(&options, dir.path()).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn doubtful_totals_are_counted_again() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    store
        .put_many((0..70).map(|n| block(n, 500)).collect())
        .await
        .unwrap();
    let want = store.usage();
    store.close().await;
    tamper(dir.path(), |db| {
        db.put("totals", [1, 1, 1]).unwrap();
        db.put("recount", []).unwrap();
    });
    let store = open(dir.path());
    assert_eq!(store.usage().blocks, want.blocks);
    assert_eq!(store.usage().block_bytes, want.block_bytes);
}

/// Rows that only damage can leave: a block without bytes, bytes without a row, wrong bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_names_what_does_not_fit_together() {
    use basalt_blockstore::ScrubEvent;
    use futures::StreamExt;
    let dir = TempDir::new().unwrap();
    let blocks: Vec<Block> = (0..100).map(|n| block(n, 500)).collect();
    let store = open(dir.path());
    store.put_many(blocks.clone()).await.unwrap();
    store.close().await;
    let key = |n: usize| blocks[n].multihash().to_bytes();
    tamper(dir.path(), |db| {
        let (meta, data) = (db.cf_handle("meta").unwrap(), db.cf_handle("data").unwrap());
        db.delete_cf(data, key(10)).unwrap();
        db.delete_cf(meta, key(20)).unwrap();
        db.put_cf(data, key(30), vec![0; 500]).unwrap();
        db.put_cf(data, key(40), b"short").unwrap();
        db.put_cf(meta, key(50), b"\xff\xff").unwrap();
    });
    let store = open(dir.path());
    for n in [10, 40] {
        let got = Blockstore::get(&store, blocks[n].cid()).await;
        assert!(matches!(got, Err(Error::Corrupt { .. })), "{got:?}");
    }
    let got = Blockstore::get(&store, blocks[50].cid()).await;
    assert!(matches!(got, Err(Error::Damaged(_))), "{got:?}");
    let events: Vec<ScrubEvent> = store.scrub().collect().await;
    let mut bad: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ScrubEvent::Bad(hash, _) => Some(*hash),
            _ => None,
        })
        .collect();
    bad.sort_unstable();
    let mut want: Vec<_> = [10, 20, 30, 40, 50].map(|n| *blocks[n].multihash()).into();
    want.sort_unstable();
    assert_eq!(bad, want);
    assert_eq!(events.len(), 100);
    // Dropping and writing again mends all of it.
    store.delete_many(&want).await.unwrap();
    store.put_many(blocks.clone()).await.unwrap();
    store.close().await;
    let store = open(dir.path());
    let got = Blockstore::get_many(&store, &cids(&blocks)).await.unwrap();
    assert!(got.iter().flatten().eq(&blocks));
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn making_a_store_may_be_interrupted() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("MANIFEST-000001"), "torn").unwrap();
    let store = open(dir.path());
    store.put_many(vec![block(1, 100)]).await.unwrap();
    assert_sound(&store).await;
}
