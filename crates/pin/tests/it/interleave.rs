//! Pinning, reading and writing while a collection is at a known point.

use std::sync::Arc;
use std::time::Duration;

use basalt_block::Cid;
use basalt_blockstore::Blockstore;
use basalt_pin::{Collect, Local, Pin, Pins, Progress, Source, Summary};
use tokio::task::JoinHandle;

use crate::dag::{Remote, missing, node, raw, stored, tree};
use crate::staged::{Call, Staged, Stop};

struct Stage {
    store: Staged,
    pins: Pins,
}

impl Stage {
    fn new() -> Self {
        let store = Staged::default();
        let records = Arc::new(store.inner.clone());
        let pins = Pins::new(records, Arc::new(store.clone()));
        Self { store, pins }
    }

    fn local(&self) -> Arc<dyn Source> {
        Arc::new(Local(Arc::new(self.store.clone())))
    }

    fn collect(&self) -> JoinHandle<Summary> {
        let collection = self.pins.collector().collect(Collect::default());
        tokio::spawn(async { collection.finish().await.unwrap() })
    }

    /// A collection that has marked and will now list what to sweep.
    async fn swept_soon(&self) -> (JoinHandle<Summary>, Arc<Stop>) {
        let stop = self.store.stop(|call| matches!(call, Call::Keys));
        let collecting = self.collect();
        stop.reached().await;
        (collecting, stop)
    }

    async fn add(&self, source: Arc<dyn Source>, root: Cid) -> basalt_pin::Result<()> {
        let progress = Progress::default();
        self.pins.add(source, Pin::recursive(root), &progress).await
    }
}

#[tokio::test]
async fn a_pin_made_while_marking_is_kept() {
    let stage = Stage::new();
    let (pinned, blocks) = tree("pinned", 3);
    let (late, late_blocks) = tree("late", 3);
    for blocks in [&blocks, &late_blocks, &vec![raw("junk")]] {
        stage.store.put_many(blocks.clone()).await.unwrap();
    }
    stage.add(stage.local(), pinned).await.unwrap();
    let stop = stage
        .store
        .stop(move |call| matches!(call, Call::Get(cids) if cids.contains(&pinned)));
    let collecting = stage.collect();
    stop.reached().await;
    stage.add(stage.local(), late).await.unwrap();
    stop.go();
    assert_eq!(collecting.await.unwrap().removed, 1);
    assert_eq!(missing(&stage.store, &blocks).await, []);
    assert_eq!(missing(&stage.store, &late_blocks).await, []);
}

#[tokio::test]
async fn a_pin_made_before_the_sweep_is_kept() {
    let stage = Stage::new();
    let (late, blocks) = tree("late", 3);
    stage.store.put_many(blocks.clone()).await.unwrap();
    stage.store.put_many(vec![raw("junk")]).await.unwrap();
    let (collecting, stop) = stage.swept_soon().await;
    stage.add(stage.local(), late).await.unwrap();
    stop.go();
    assert_eq!(collecting.await.unwrap().removed, 1);
    assert_eq!(missing(&stage.store, &blocks).await, []);
}

#[tokio::test]
async fn what_a_fetched_block_links_to_is_kept() {
    let stage = Stage::new();
    let (old, blocks) = tree("old", 3);
    let root = node("new", &[old]);
    stage.store.put_many(blocks.clone()).await.unwrap();
    stage.store.put_many(vec![raw("junk")]).await.unwrap();
    let (collecting, stop) = stage.swept_soon().await;
    let source = Remote::new(Arc::new(stage.store.clone()), std::slice::from_ref(&root));
    stage.add(source, *root.cid()).await.unwrap();
    stop.go();
    assert_eq!(collecting.await.unwrap().removed, 1);
    assert_eq!(missing(&stage.store, &blocks).await, []);
}

#[tokio::test]
async fn what_arrives_after_marking_passed_by_does_not_mislead() {
    let stage = Stage::new();
    let (old, blocks) = tree("old", 3);
    let root = node("new", &[old]);
    stage.store.put_many(blocks.clone()).await.unwrap();
    stage.store.put_many(vec![raw("junk")]).await.unwrap();
    // The guard is there and so the root is marked, but nothing under it can be.
    let guard = stage.pins.collector().protect(*root.cid()).await;
    let (collecting, stop) = stage.swept_soon().await;
    // Somebody else writes it, and pinning finds everything there.
    stage.store.put_many(vec![root.clone()]).await.unwrap();
    stage.add(stage.local(), *root.cid()).await.unwrap();
    stop.go();
    assert_eq!(collecting.await.unwrap().removed, 1);
    assert_eq!(missing(&stage.store, &blocks).await, []);
    drop(guard);
}

#[tokio::test]
async fn a_pin_of_what_is_being_deleted_waits_and_fetches_it_again() {
    let stage = Stage::new();
    let (root, blocks) = tree("late", 3);
    stage.store.put_many(blocks.clone()).await.unwrap();
    let stop = stage.store.stop(|call| matches!(call, Call::Sweep));
    let collecting = stage.collect();
    stop.reached().await;
    let source = Remote::new(Arc::new(stage.store.clone()), &blocks);
    let pins = stage.pins.clone();
    let adding = tokio::spawn(async move {
        let progress = Progress::default();
        pins.add(source, Pin::recursive(root), &progress).await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!adding.is_finished(), "it relies on what is being deleted");
    stop.go();
    adding.await.unwrap().unwrap();
    assert_eq!(collecting.await.unwrap().removed as usize, blocks.len());
    assert_eq!(missing(&stage.store, &blocks).await, []);
}

#[tokio::test]
async fn what_a_reader_protects_stays_to_the_end() {
    let stage = Stage::new();
    let (root, blocks) = tree("read", 3);
    let above = node("above", &[root]);
    stage.store.put_many(blocks.clone()).await.unwrap();
    stage
        .store
        .put_many(vec![raw("junk"), above.clone()])
        .await
        .unwrap();
    let (collecting, stop) = stage.swept_soon().await;
    let guard = stage.pins.collector().protect(root).await;
    // A second reader finds what the first has marked.
    let second = stage.pins.collector().protect(*above.cid()).await;
    stop.go();
    assert_eq!(collecting.await.unwrap().removed, 1);
    assert_eq!(missing(&stage.store, &blocks).await, []);
    assert!(stage.store.has(above.cid()).await.unwrap());
    drop((guard, second));
    stage.collect().await.unwrap();
    assert_eq!(stored(&stage.store).await.len(), 0);
}

#[tokio::test]
async fn a_writer_is_spared_whenever_it_comes() {
    for at in ["marking", "sweeping"] {
        let stage = Stage::new();
        let (pinned, blocks) = tree("pinned", 3);
        stage.store.put_many(blocks).await.unwrap();
        stage.add(stage.local(), pinned).await.unwrap();
        let (root, mut blocks) = tree("written", 3);
        // Half of it is there from long ago.
        stage.store.put_many(blocks[..8].to_vec()).await.unwrap();
        let stop = match at {
            "marking" => stage.store.stop(|call| matches!(call, Call::Get(_))),
            _ => stage.store.stop(|call| matches!(call, Call::Keys)),
        };
        let collecting = stage.collect();
        stop.reached().await;
        let lease = stage.store.lease();
        stage.store.put_many(blocks.clone()).await.unwrap();
        stage.pins.put_many(&[Pin::recursive(root)]).await.unwrap();
        drop(lease);
        stop.go();
        assert_eq!(collecting.await.unwrap().removed, 0, "{at}");
        blocks.retain(|b| *b.cid() != root);
        assert_eq!(missing(&stage.store, &blocks).await, [], "{at}");
    }
}

#[tokio::test]
async fn an_update_is_safe_from_who_unpins_its_origin() {
    let stage = Stage::new();
    let (old, blocks) = tree("old", 3);
    stage.store.put_many(blocks.clone()).await.unwrap();
    stage.add(stage.local(), old).await.unwrap();
    let (new, new_blocks) = tree("new", 3);
    let root = node("both", &[old, new]);
    let mut far = new_blocks.clone();
    far.push(root.clone());
    // The update waits for its second block while the old pin goes and garbage is collected.
    let stop = stage
        .store
        .stop(move |call| matches!(call, Call::Get(cids) if cids.contains(&new)));
    let source = Remote::new(Arc::new(stage.store.clone()), &far);
    let (pins, to) = (stage.pins.clone(), *root.cid());
    let updating = tokio::spawn(async move {
        let progress = Progress::default();
        pins.update(source, &old, &to, true, &progress).await
    });
    stop.reached().await;
    stage.pins.remove(&old, true).await.unwrap();
    stage.collect().await.unwrap();
    assert_eq!(missing(&stage.store, &blocks).await, []);
    stop.go();
    let error = updating.await.unwrap().unwrap_err().to_string();
    assert_eq!(error, "'from' cid was not recursively pinned already");
}
