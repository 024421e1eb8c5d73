//! A client that verifies each block, and needs nothing but what it was sent.

use std::collections::HashSet;
use std::sync::Arc;

use basalt_block::{Block, Cid};
use basalt_blockstore::{Blockstore, MemoryStore};
use basalt_car::{Decoder, Event};
use basalt_ipld::links;
use basalt_unixfs::{Directory, File};
use futures::TryStreamExt;

use crate::served::{Served, directory, file, noise};

/// The roots and the blocks of a CAR, each of them verified, in their order.
fn read_car(bytes: &[u8]) -> (Vec<Cid>, Vec<Block>) {
    let mut decoder = Decoder::default();
    decoder.feed(bytes.to_vec().into());
    let (mut roots, mut blocks) = (Vec::new(), Vec::new());
    while let Some(event) = decoder.next().unwrap() {
        match event {
            Event::Header(header) => roots.extend(header.roots()),
            Event::Section(section) => blocks.push(section.verify().unwrap()),
        }
    }
    decoder.finish().unwrap();
    (roots, blocks)
}

async fn store_of(blocks: &[Block]) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    store.put_many(blocks.to_vec()).await.unwrap();
    store
}

async fn read(store: &Arc<MemoryStore>, cid: &Cid, from: u64, length: Option<u64>) -> Vec<u8> {
    let file = File::open(Arc::new(store.clone()), cid).await.unwrap();
    let pieces: Vec<_> = file.range(from, length).try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn blocks_are_what_their_cids_say() {
    let store = Arc::new(MemoryStore::default());
    let cid = file(&store, &noise(300_000, 1), 10_000).await;
    let served = Served::of(&store).await;
    let mut left = vec![cid];
    let mut seen = 0;
    while let Some(cid) = left.pop() {
        let answer = served
            .get(&format!("/ipfs/{cid}?format=raw"), "")
            .await
            .unwrap();
        let block = Block::verified(cid, answer.body.into()).unwrap();
        left.extend(links(cid.codec(), block.data()).unwrap());
        seen += 1;
    }
    assert!(seen > 30, "{seen} blocks");
}

#[tokio::test]
async fn a_whole_car_has_all_blocks_and_no_others() {
    let store = Arc::new(MemoryStore::default());
    let data = noise(500_000, 2);
    let big = file(&store, &data, 10_000).await;
    let small = file(&store, b"small", 10).await;
    // The same file twice, and a directory in a directory.
    let inner = directory(&store, &[("big", big), ("small", small)], 0).await;
    let root = directory(&store, &[("a", inner), ("b", big)], 0).await;
    let served = Served::of(&store).await;
    let answer = served
        .get(&format!("/ipfs/{root}?format=car"), "")
        .await
        .unwrap();
    let (roots, blocks) = read_car(&answer.body);
    assert_eq!(roots, [root]);
    let mut known = HashSet::from([root]);
    for block in &blocks {
        assert!(
            known.contains(block.cid()),
            "a block comes before what links to it"
        );
        known.extend(links(block.cid().codec(), block.data()).unwrap());
    }
    let distinct: HashSet<_> = blocks.iter().map(|b| *b.cid()).collect();
    assert_eq!(distinct.len(), blocks.len(), "a block came twice");
    assert_eq!(distinct, known);
    let copy = store_of(&blocks).await;
    assert_eq!(read(&copy, &big, 0, None).await, data);

    let twice = served
        .get(&format!("/ipfs/{root}?format=car&car-dups=y"), "")
        .await
        .unwrap();
    let (_, blocks) = read_car(&twice.body);
    assert!(blocks.len() > distinct.len());
}

#[tokio::test]
async fn a_car_of_a_path_proves_the_path() {
    let store = Arc::new(MemoryStore::default());
    let mut entries = Vec::new();
    let names: Vec<String> = (0..200).map(|n| format!("file-{n}")).collect();
    for name in &names {
        entries.push((name.as_str(), file(&store, name.as_bytes(), 100).await));
    }
    let sharded = directory(&store, &entries, 10).await;
    let root = directory(&store, &[("many", sharded)], 0).await;
    let served = Served::of(&store).await;
    for name in ["file-7", "file-150", "none"] {
        let target = format!("/ipfs/{root}/many/{name}?format=car");
        let answer = served.get(&target, "").await.unwrap();
        let (_, blocks) = read_car(&answer.body);
        assert!(blocks.len() < 10, "{} blocks for one name", blocks.len());
        let copy = store_of(&blocks).await;
        let outer = Directory::open(Arc::new(copy.clone()), &root)
            .await
            .unwrap();
        let many = outer.get(b"many").await.unwrap().cid;
        let many = Directory::open(Arc::new(copy.clone()), &many)
            .await
            .unwrap();
        match many.lookup(name.as_bytes()).await.unwrap() {
            Some(entry) => assert_eq!(read(&copy, &entry.cid, 0, None).await, name.as_bytes()),
            None => assert_eq!(name, "none"),
        }
    }
    // All names, and none of the files.
    let target = format!("/ipfs/{root}/many?format=car&dag-scope=entity");
    let answer = served.get(&target, "").await.unwrap();
    let (_, blocks) = read_car(&answer.body);
    let copy = store_of(&blocks).await;
    let many = Directory::open(Arc::new(copy.clone()), &sharded)
        .await
        .unwrap();
    let listed: Vec<_> = many.entries().try_collect().await.unwrap();
    assert_eq!(listed.len(), 200);
    let has = copy.has(&entries[0].1).await.unwrap();
    assert!(!has, "the list came with a file");
}

#[tokio::test]
async fn a_range_comes_with_the_blocks_it_needs_and_no_others() {
    let store = Arc::new(MemoryStore::default());
    let data = noise(123_456, 3);
    let cid = file(&store, &data, 1000).await;
    let served = Served::of(&store).await;
    for (range, from, to) in [
        ("0:0", 0, 0),
        ("999:1000", 999, 1000),
        ("50000:60000", 50_000, 60_000),
        ("-10:*", 123_446, 123_455),
        ("123000:999999", 123_000, 123_455),
        ("100:-123000", 100, 456),
    ] {
        let target = format!("/ipfs/{cid}?format=car&dag-scope=entity&entity-bytes={range}");
        let answer = served.get(&target, "").await.unwrap();
        let (_, blocks) = read_car(&answer.body);
        let leaves = blocks.iter().filter(|b| b.cid().codec() == 0x55).count() as u64;
        assert_eq!(leaves, to / 1000 - from / 1000 + 1, "{range}");
        let copy = store_of(&blocks).await;
        let bytes = read(&copy, &cid, from, Some(to - from + 1)).await;
        assert_eq!(bytes, &data[from as usize..=to as usize], "{range}");
    }
}

#[tokio::test]
async fn what_is_missing_is_never_made_up() {
    let store = Arc::new(MemoryStore::default());
    let cid = file(&store, &noise(100_000, 4), 1000).await;
    let root = store.get(&cid).await.unwrap().unwrap();
    let mut all = vec![cid];
    let mut at = 0;
    while at < all.len() {
        let block = store.get(&all[at]).await.unwrap().unwrap();
        all.extend(links(block.cid().codec(), block.data()).unwrap());
        at += 1;
    }
    // Everything but one leaf in the middle.
    let gone = all
        .iter()
        .filter(|cid| cid.codec() == 0x55)
        .nth(50)
        .copied()
        .unwrap();
    let partial = Arc::new(MemoryStore::default());
    for cid in all.iter().filter(|cid| **cid != gone) {
        let block = store.get(cid).await.unwrap().unwrap();
        partial.put_many(vec![block]).await.unwrap();
    }
    assert!(partial.has(root.cid()).await.unwrap());
    let served = Served::of(&partial).await;
    for target in ["", "?format=car", "?format=tar"] {
        let answer = served.get(&format!("/ipfs/{cid}{target}"), "").await;
        assert!(
            answer.is_err(),
            "{target}: a whole answer without one block"
        );
    }
    let target = format!("/ipfs/{gone}?format=raw");
    let answer = served.get(&target, "").await.unwrap();
    assert_eq!(answer.status, 404);
    assert!(
        answer.text().contains(&gone.to_string()),
        "{}",
        answer.text()
    );
}
