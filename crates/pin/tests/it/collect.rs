//! What one collection does, alone.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use basalt_block::{Block, Cid, codec};
use basalt_blockstore::{Blockstore, MemoryStore};
use basalt_pin::{Collect, Error, Event, Mode, Pin, Pins, Progress, Roots};
use futures::StreamExt;

use crate::dag::{local, missing, node, pins_on, raw, stored, tree};
use crate::staged::Staged;

async fn events(pins: &Pins) -> Vec<Event> {
    pins.collector().collect(Collect::default()).collect().await
}

fn failures(events: &[Event]) -> Vec<String> {
    let failed = events.iter().filter_map(|event| match event {
        Event::Failed(error) => Some(error.to_string()),
        _ => None,
    });
    failed.collect()
}

#[tokio::test]
async fn the_unpinned_goes_and_is_named_as_raw() {
    let store = MemoryStore::default();
    let (a, a_blocks) = tree("a", 10);
    let (_, b_blocks) = tree("b", 10);
    let (direct, under) = (node("d", &[*b_blocks[0].cid()]), &b_blocks[0]);
    store.put_many(a_blocks.clone()).await.unwrap();
    store.put_many(b_blocks.clone()).await.unwrap();
    store.put_many(vec![direct.clone()]).await.unwrap();
    let pins = pins_on(&store);
    let none = Progress::default();
    pins.add(local(&store), Pin::recursive(a), &none)
        .await
        .unwrap();
    pins.add(local(&store), Pin::direct(*direct.cid()), &none)
        .await
        .unwrap();

    let events = events(&pins).await;
    let Some(Event::Done(summary)) = events.last() else {
        panic!("no end");
    };
    assert_eq!(summary.live as usize, a_blocks.len() + 1);
    assert_eq!(summary.removed as usize, b_blocks.len());
    let bytes: usize = b_blocks.iter().map(|b| b.data().len()).sum();
    assert_eq!(summary.bytes as usize, bytes);
    let removed: Vec<Cid> = events
        .iter()
        .filter_map(|e| match e {
            Event::Removed(cid, _) => Some(*cid),
            _ => None,
        })
        .collect();
    assert_eq!(removed.len(), b_blocks.len());
    assert!(removed.contains(&Cid::new_v1(codec::RAW, *under.multihash())));
    assert_eq!(missing(&store, &a_blocks).await, []);
    assert!(store.has(direct.cid()).await.unwrap());
    assert_eq!(stored(&store).await.len(), a_blocks.len() + 1);
}

#[tokio::test]
async fn a_broken_pin_stops_it_in_kubos_words() {
    let store = MemoryStore::default();
    let (a, blocks) = tree("a", 3);
    let branch = blocks.iter().find(|b| !b.is_leaf()).unwrap();
    store.put_many(blocks.clone()).await.unwrap();
    store.put_many(vec![raw("junk")]).await.unwrap();
    let pins = pins_on(&store);
    pins.put_many(&[Pin::recursive(a)]).await.unwrap();
    store.delete_many(&[*branch.multihash()]).await.unwrap();
    let before = stored(&store).await;
    let cid = branch.cid();
    let said = failures(&events(&pins).await);
    assert_eq!(
        said,
        [
            format!(
                "could not retrieve links for {cid}: block was not found locally (offline): \
                 ipld: could not find {cid}"
            ),
            "garbage collection aborted: could not retrieve some links".into(),
        ]
    );
    assert_eq!(stored(&store).await, before);

    // A raw leaf has no links to be missed.
    store.put_many(vec![branch.clone()]).await.unwrap();
    let leaf = blocks
        .iter()
        .find(|b| b.cid().codec() == codec::RAW)
        .unwrap();
    store.delete_many(&[*leaf.multihash()]).await.unwrap();
    assert_eq!(failures(&events(&pins).await), [""; 0]);
    assert_eq!(stored(&store).await.len(), blocks.len() - 1);
}

#[tokio::test]
async fn what_cannot_be_decoded_stops_it_and_is_named() {
    let store = MemoryStore::default();
    let bad = Block::hash(
        1,
        codec::DAG_PB,
        basalt_block::Hasher::SHA2_256,
        vec![0x12, 0xff, 0x01].into(),
    );
    let bad = bad.unwrap();
    store
        .put_many(vec![bad.clone(), raw("junk")])
        .await
        .unwrap();
    let pins = pins_on(&store);
    pins.put_many(&[Pin::recursive(*bad.cid())]).await.unwrap();
    let said = failures(&events(&pins).await);
    assert!(said[0].contains(&bad.cid().to_string()), "{said:?}");
    assert_eq!(stored(&store).await.len(), 2);
}

struct Files(Vec<Cid>);

#[async_trait]
impl Roots for Files {
    async fn roots(&self) -> basalt_pin::Result<Vec<Cid>> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn other_roots_keep_what_is_there() {
    let store = MemoryStore::default();
    let (a, blocks) = tree("a", 4);
    store.put_many(blocks.clone()).await.unwrap();
    store.put_many(vec![raw("junk")]).await.unwrap();
    let gone = blocks.iter().find(|b| !b.is_leaf()).unwrap();
    store.delete_many(&[*gone.multihash()]).await.unwrap();
    let pins = pins_on(&store);
    pins.collector().add_roots(Arc::new(Files(vec![a])));
    assert_eq!(failures(&events(&pins).await), [""; 0]);
    // The leaves of the branch that is gone are under nothing any more.
    assert_eq!(stored(&store).await.len(), blocks.len() - 1 - 5);
    assert!(store.has(&a).await.unwrap());
}

#[tokio::test]
async fn garbage_goes_though_a_writer_was_at_work_when_the_collection_began() {
    let store = MemoryStore::default();
    let pins = pins_on(&store);
    let lease = store.lease();
    store.put_many(tree("a", 4).1).await.unwrap();
    let writer = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(lease);
    };
    let collection = pins.collector().collect(Collect::default());
    let (summary, ()) = tokio::join!(collection.finish(), writer);
    assert_eq!(summary.unwrap().spared, 0);
    assert!(stored(&store).await.is_empty());
}

#[tokio::test]
async fn leases_keep_what_is_written_under_them() {
    let store = MemoryStore::default();
    let pins = pins_on(&store);
    let lease = store.lease();
    let (root, blocks) = tree("a", 4);
    store.put_many(blocks.clone()).await.unwrap();
    let summary = pins
        .collector()
        .collect(Collect::default())
        .finish()
        .await
        .unwrap();
    assert_eq!(
        (summary.removed, summary.spared as usize),
        (0, blocks.len())
    );
    pins.put_many(&[Pin::recursive(root)]).await.unwrap();
    drop(lease);
    pins.collector()
        .collect(Collect::default())
        .finish()
        .await
        .unwrap();
    assert_eq!(missing(&store, &blocks).await, []);
    pins.remove(&root, true).await.unwrap();
    pins.collector()
        .collect(Collect::default())
        .finish()
        .await
        .unwrap();
    assert_eq!(stored(&store).await.len(), 0);
}

#[tokio::test]
async fn guards_keep_what_is_under_them() {
    let store = MemoryStore::default();
    let pins = pins_on(&store);
    let (root, blocks) = tree("a", 4);
    store.put_many(blocks.clone()).await.unwrap();
    store.put_many(vec![raw("junk")]).await.unwrap();
    let guard = pins.collector().protect(root).await;
    pins.collector()
        .collect(Collect::default())
        .finish()
        .await
        .unwrap();
    assert_eq!(missing(&store, &blocks).await, []);
    drop(guard);
    pins.collector()
        .collect(Collect::default())
        .finish()
        .await
        .unwrap();
    assert_eq!(stored(&store).await.len(), 0);
}

#[tokio::test]
async fn dropping_it_stops_it_and_the_next_goes_on() {
    let store = MemoryStore::default();
    for i in 0..6000 {
        store.put_many(vec![raw(&format!("{i}"))]).await.unwrap();
    }
    let pins = pins_on(&store);
    let slow = Collect {
        rate: NonZeroU32::new(2000),
        ..Collect::default()
    };
    let started = Instant::now();
    let mut collection = pins.collector().collect(slow);
    assert!(matches!(collection.next().await, Some(Event::Removed(..))));
    assert!(pins.collector().is_running());
    assert!(
        started.elapsed() > Duration::from_millis(200),
        "not slowed down"
    );
    drop(collection);
    let dropped = Instant::now();
    while pins.collector().is_running() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(dropped.elapsed() < Duration::from_secs(1));
    let left = stored(&store).await.len();
    assert!(left > 0 && left < 6000, "{left}");
    let summary = pins
        .collector()
        .collect(Collect::default())
        .finish()
        .await
        .unwrap();
    assert_eq!(summary.removed as usize, left);
}

#[tokio::test]
async fn collections_take_turns() {
    let store = MemoryStore::default();
    for i in 0..1500 {
        store.put_many(vec![raw(&format!("{i}"))]).await.unwrap();
    }
    let pins = pins_on(&store);
    let collect = || pins.collector().collect(Collect::default()).finish();
    let (a, b, c) = tokio::join!(collect(), collect(), collect());
    let removed = [a, b, c].map(|summary| summary.unwrap().removed);
    assert_eq!(removed.iter().sum::<u64>(), 1500);
    assert_eq!(removed.iter().filter(|n| **n == 0).count(), 2);
}

#[tokio::test]
async fn a_damaged_record_stops_it() {
    use basalt_blockstore::{Batch, Datastore};
    let store = MemoryStore::default();
    store.put_many(vec![raw("junk")]).await.unwrap();
    let mut batch = Batch::default();
    batch.put(&b"pins/r/not a cid"[..], &b"\x01"[..]);
    store.write(batch).await.unwrap();
    let pins = pins_on(&store);
    let listed: Vec<_> = pins.pins(Mode::Recursive).collect().await;
    assert!(matches!(listed[..], [Err(Error::Record(_))]));
    let said = failures(&events(&pins).await);
    assert!(
        said[0].starts_with("the record of a pin is damaged"),
        "{said:?}"
    );
    assert_eq!(stored(&store).await.len(), 1);
}

#[tokio::test]
async fn a_corrupt_block_stops_it_and_is_named() {
    let store = Staged::default();
    let pins = Pins::new(Arc::new(store.inner.clone()), Arc::new(store.clone()));
    let (a, blocks) = tree("a", 9);
    let (b, b_blocks) = tree("b", 9);
    for blocks in [&blocks, &b_blocks, &vec![raw("junk")]] {
        store.put_many(blocks.clone()).await.unwrap();
    }
    pins.put_many(&[Pin::recursive(a), Pin::recursive(b)])
        .await
        .unwrap();
    let bad = blocks.iter().find(|b| !b.is_leaf()).unwrap();
    store.corrupt(bad.multihash());
    let before = stored(&store).await;
    let said = failures(&events(&pins).await);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with(&format!("could not retrieve links for {}: ", bad.cid())));
    assert!(said[0].contains("a bit is wrong"), "{said:?}");
    assert_eq!(stored(&store).await, before);
    let found: Vec<_> = pins.verify().collect().await;
    let found: Vec<_> = found.into_iter().map(|v| v.unwrap()).collect();
    let broken = found.iter().find(|v| v.root == a).unwrap();
    assert_eq!(broken.bad.len(), 1);
    assert_eq!(broken.bad[0].0, *bad.cid());
    assert!(found.iter().find(|v| v.root == b).unwrap().is_ok());
    // A guard asks for no more than what can be read.
    pins.remove(&a, true).await.unwrap();
    let _guard = pins.collector().protect(a).await;
    assert_eq!(failures(&events(&pins).await), [""; 0]);
}
