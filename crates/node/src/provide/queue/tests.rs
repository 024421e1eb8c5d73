use basalt_block::{Hasher, codec};
use basalt_blockstore::MemoryStore;

use super::*;
use crate::on_disk::{Full, crashed, store};

fn cid(n: usize) -> Cid {
    let hash = Hasher::SHA2_256.digest(&n.to_be_bytes()).unwrap();
    Cid::new_v1(codec::RAW, hash)
}

fn entries(numbers: std::ops::Range<usize>) -> Vec<(Cid, bool)> {
    numbers.map(|n| (cid(n), n % 2 == 0)).collect()
}

/// What is queued, the first first; one page at most.
async fn queued(queue: &Queue) -> Vec<(Cid, bool)> {
    let page = queue.page().await.unwrap();
    let read = |value: &Bytes| (cid_of_bytes(&value[1..]).unwrap(), value[0] == 1);
    page.iter().map(|(_, value)| read(value)).collect()
}

async fn open(records: Arc<dyn Datastore>) -> Queue {
    Queue::open(records, "all").await.unwrap()
}

#[tokio::test]
async fn what_was_written_outlives_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let before = open(store(&first)).await;
    before.write(&entries(0..10)).await.unwrap();
    let page = before.page().await.unwrap();
    before.remove(&page[..3]).await.unwrap();
    before.write(&entries(10..12)).await.unwrap();
    let queue = open(crashed(&first, &second)).await;
    assert_eq!(queue.length.load(Ordering::Relaxed), 9);
    assert_eq!(queued(&queue).await, entries(3..12));
    // What comes is behind what is there, also if all of that has gone meanwhile.
    let page = queue.page().await.unwrap();
    queue.write(&entries(12..14)).await.unwrap();
    assert_eq!(queued(&queue).await, entries(3..14));
    queue.remove(&page).await.unwrap();
    assert_eq!(queued(&queue).await, entries(12..14));
}

#[tokio::test]
async fn another_strategy_begins_with_nothing() {
    let records = Arc::new(MemoryStore::default());
    let queue = open(records.clone()).await;
    queue.write(&entries(0..3)).await.unwrap();
    assert_eq!(queued(&open(records.clone()).await).await.len(), 3);
    let other = Queue::open(records.clone(), "roots").await.unwrap();
    assert!(queued(&other).await.is_empty());
    assert_eq!(queue.clear().await.unwrap(), 0);
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_queued_and_blocks_nobody() {
    let records = Arc::new(Full::default());
    let queue = open(records.clone()).await;
    queue.write(&entries(0..4)).await.unwrap();
    records.is.store(true, Ordering::Relaxed);
    assert!(queue.write(&entries(4..8)).await.is_err());
    let page = queue.page().await.unwrap();
    assert!(queue.remove(&page).await.is_err());
    assert!(queue.clear().await.is_err());
    // What was announced is announced again, and nothing else has changed.
    assert_eq!(queued(&queue).await, entries(0..4));
    assert_eq!(queue.length.load(Ordering::Relaxed), 4);
    // Who adds need not wait for the disk.
    for n in 0..2 * WAITING {
        queue.offer(cid(n));
    }
    records.is.store(false, Ordering::Relaxed);
    queue.write(&entries(8..10)).await.unwrap();
    queue.remove(&page).await.unwrap();
    assert_eq!(queued(&queue).await, entries(8..10));
    assert_eq!(queue.length.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn more_than_may_wait_is_left_to_the_cycle() {
    let queue = open(Arc::new(MemoryStore::default())).await;
    queue.length.store(ENTRIES, Ordering::Relaxed);
    // Would wait for ever if it were queued: nobody takes it.
    for n in 0..2 * WAITING {
        queue.push(cid(n), true).await;
    }
    let identity = Cid::new_v1(codec::RAW, basalt_block::Multihash::wrap(0, b"x").unwrap());
    queue.length.store(0, Ordering::Relaxed);
    for _ in 0..2 * WAITING {
        queue.push(identity, true).await;
    }
    assert!(queued(&queue).await.is_empty());
}
