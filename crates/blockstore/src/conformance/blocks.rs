//! Blocks: what is put can be had, once, under any CID of its multihash, and is counted.

use std::collections::BTreeMap;

use basalt_block::{Block, Cid, Hasher, codec};
use futures::{StreamExt, TryStreamExt};

use super::{cids, fresh, hashes, nth, raw, recount, totals, totals_of};
use crate::{BlockStat, Blockstore, Datastore, Deleted, ScrubEvent};

pub(super) async fn check<S: Blockstore + Datastore>(open: &impl AsyncFn() -> S) {
    what_is_put_can_be_had(&*fresh(open).await).await;
    a_block_is_kept_once(&*fresh(open).await).await;
    leaves_are_told_by_codec(&*fresh(open).await).await;
    deleting_counts(&*fresh(open).await).await;
    listing_names_all(&*fresh(open).await).await;
    scrubbing_finds_all_good(&*fresh(open).await).await;
    odd_blocks_are_kept(&*fresh(open).await).await;
    compacting_loses_nothing(&*fresh(open).await).await;
}

async fn what_is_put_can_be_had(store: &(impl Blockstore + Datastore)) {
    let absent = nth(1_000_000);
    assert_eq!(Blockstore::get(store, absent.cid()).await.unwrap(), None);
    assert!(!store.has(absent.cid()).await.unwrap());
    assert_eq!(store.stat(absent.cid()).await.unwrap(), None);
    assert_eq!(totals(store.usage()), (0, 0));

    let blocks: Vec<Block> = (0..100).map(nth).collect();
    store.put_many(blocks.clone()).await.unwrap();
    for durable in [false, true] {
        if durable {
            store.sync().await.unwrap();
        }
        // Answers come in the order asked, absent ones and repetitions included.
        let mut asked = cids(&blocks);
        asked.reverse();
        asked.insert(7, *absent.cid());
        asked.push(asked[3]);
        let got = Blockstore::get_many(store, &asked).await.unwrap();
        let stats = store.stat_many(&asked).await.unwrap();
        assert_eq!(got.len(), asked.len());
        assert_eq!(stats.len(), asked.len());
        for ((cid, block), stat) in asked.iter().zip(got).zip(stats) {
            if cid == absent.cid() {
                assert_eq!((block, stat), (None, None));
                continue;
            }
            let block = block.unwrap();
            assert_eq!(block.cid(), cid);
            Block::verified(*cid, block.data().clone()).unwrap();
            let size = block.data().len() as u64;
            assert_eq!(stat, Some(BlockStat { size, leaf: true }));
        }
        for block in &blocks {
            assert_eq!(
                Blockstore::get(store, block.cid()).await.unwrap().as_ref(),
                Some(block)
            );
            assert!(store.has(block.cid()).await.unwrap());
        }
    }
    store.put_many(Vec::new()).await.unwrap();
    assert!(store.stat_many(&[]).await.unwrap().is_empty());
    assert!(Blockstore::get_many(store, &[]).await.unwrap().is_empty());
    assert_eq!(totals(store.usage()), totals_of(&blocks));
}

async fn a_block_is_kept_once(store: &(impl Blockstore + Datastore)) {
    let data = b"\x0a\x04\x08\x02\x18\x00".as_slice();
    let v0 = Block::hash(0, codec::DAG_PB, Hasher::SHA2_256, data.into()).unwrap();
    let v1 = Block::hash(1, codec::DAG_PB, Hasher::SHA2_256, data.into()).unwrap();
    let other = raw(data);
    store
        .put_many(vec![v0.clone(), v0.clone(), v1.clone()])
        .await
        .unwrap();
    store.put_many(vec![other.clone()]).await.unwrap();
    store.sync().await.unwrap();
    store
        .put_many(vec![v1.clone(), other.clone()])
        .await
        .unwrap();
    assert_eq!(totals(store.usage()), (1, data.len() as u64));
    for block in [&v0, &v1, &other] {
        let got = Blockstore::get(store, block.cid()).await.unwrap().unwrap();
        assert_eq!(&got, block, "the block bears the CID it was asked by");
    }
}

async fn leaves_are_told_by_codec(store: &(impl Blockstore + Datastore)) {
    // A link to an empty raw block, as dag-pb and as dag-cbor.
    let link = raw("").cid().to_bytes();
    let mut pb = vec![0x12, link.len() as u8 + 2, 0x0a, link.len() as u8];
    pb.extend(&link);
    let mut cbor = vec![0xd8, 0x2a, 0x58, link.len() as u8 + 1, 0];
    cbor.extend(&link);
    let block =
        |codec, data: &[u8]| Block::hash(1, codec, Hasher::SHA2_256, data.to_vec().into()).unwrap();
    let node = block(codec::DAG_PB, &pb);
    let leaf = block(codec::DAG_PB, b"\x0a\x02\x08\x01");
    let cbor_node = block(codec::DAG_CBOR, &cbor);
    let cbor_leaf = block(codec::DAG_CBOR, b"\x63abc");
    let unknown = block(0x300539, b"no codec of ours");
    let all = [&node, &leaf, &cbor_node, &cbor_leaf, &unknown];
    let blocks = all.into_iter().cloned().collect::<Vec<_>>();
    store.put_many(blocks.clone()).await.unwrap();
    let want = [false, true, false, true, false];
    for synced in [false, true] {
        if synced {
            store.sync().await.unwrap();
        }
        let stats = store.stat_many(&cids(&blocks)).await.unwrap();
        let leaf = stats.iter().map(|s| s.unwrap().leaf);
        assert!(leaf.eq(want), "{stats:?}");
        let as_raw: Vec<_> = blocks.iter().map(|b| as_codec(b, codec::RAW)).collect();
        let stats = store.stat_many(&as_raw).await.unwrap();
        assert!(stats.iter().all(|s| s.unwrap().leaf), "raw has no links");
    }
    // Known under one codec is not known under another, until it is written under that one.
    assert!(!is_leaf(store, &as_codec(&cbor_leaf, codec::DAG_PB)).await);
    let late = raw(&b"\x0a\x03\x08\x02\x10"[..]);
    let late_pb = block(codec::DAG_PB, late.data());
    store.put_many(vec![late.clone()]).await.unwrap();
    assert!(!is_leaf(store, late_pb.cid()).await);
    store.put_many(vec![late_pb.clone()]).await.unwrap();
    assert!(is_leaf(store, late_pb.cid()).await);
    assert!(is_leaf(store, late.cid()).await);
}

fn as_codec(block: &Block, codec: u64) -> Cid {
    Cid::new_v1(codec, *block.multihash())
}

async fn is_leaf(store: &impl Blockstore, cid: &Cid) -> bool {
    store.stat(cid).await.unwrap().unwrap().leaf
}

async fn deleting_counts(store: &(impl Blockstore + Datastore)) {
    let blocks: Vec<Block> = (0..60).map(nth).collect();
    store.put_many(blocks.clone()).await.unwrap();
    let mut doomed = hashes(&blocks[..30]);
    doomed.push(*nth(1_000).multihash());
    doomed.push(doomed[0]);
    let deleted = store.delete_many(&doomed).await.unwrap();
    assert_eq!(deleted.len(), doomed.len());
    for (block, deleted) in blocks.iter().zip(&deleted[..30]) {
        assert_eq!(*deleted, Deleted::Gone(block.data().len() as u64));
    }
    assert_eq!(deleted[30..], [Deleted::Absent, Deleted::Absent]);
    assert_eq!(totals(store.usage()), totals_of(&blocks[30..]));
    for (n, block) in blocks.iter().enumerate() {
        assert_eq!(store.has(block.cid()).await.unwrap(), n >= 30);
        let got = Blockstore::get(store, block.cid()).await.unwrap();
        assert_eq!(got.is_some(), n >= 30);
    }
    // What was deleted can come back.
    store.sync().await.unwrap();
    store.put_many(blocks[..10].to_vec()).await.unwrap();
    let got = Blockstore::get_many(store, &cids(&blocks[..10]))
        .await
        .unwrap();
    assert!(got.iter().flatten().eq(&blocks[..10]));
    assert_eq!(totals(store.usage()), recount(store).await);
}

async fn listing_names_all(store: &(impl Blockstore + Datastore)) {
    let blocks: Vec<Block> = (0..10_000).map(nth).collect();
    for part in blocks.chunks(1000) {
        store.put_many(part.to_vec()).await.unwrap();
    }
    let keys = store.keys();
    // The listing is of the moment it was asked for, or knows of later ones: never of fewer.
    store
        .put_many((10_000..10_100).map(nth).collect())
        .await
        .unwrap();
    let listed: BTreeMap<_, _> = keys.try_collect().await.unwrap();
    for block in &blocks {
        let stat = listed.get(block.multihash()).expect("a block is listed");
        assert_eq!(stat.size, block.data().len() as u64);
    }
    assert!(listed.len() <= 10_100);
    // A listing may be given up.
    let mut some = store.keys();
    some.next().await.unwrap().unwrap();
}

async fn scrubbing_finds_all_good(store: &(impl Blockstore + Datastore)) {
    let blocks: Vec<Block> = (0..3_000).map(nth).collect();
    for part in blocks.chunks(500) {
        store.put_many(part.to_vec()).await.unwrap();
    }
    store.sync().await.unwrap();
    let liar = Block::unchecked(*nth(5_000).cid(), "other bytes".into());
    store.put_many(vec![liar.clone()]).await.unwrap();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut findings = store.scrub();
    while let Some(event) = findings.next().await {
        match event {
            ScrubEvent::Good(hash) => good.push(hash),
            ScrubEvent::Bad(hash, _) => bad.push(hash),
            other => panic!("{other:?}"),
        }
    }
    let mut want = hashes(&blocks);
    good.sort_unstable();
    want.sort_unstable();
    assert_eq!(good, want);
    assert_eq!(bad, [*liar.multihash()]);
}

async fn odd_blocks_are_kept(store: &(impl Blockstore + Datastore)) {
    let empty = raw("");
    let large = raw(vec![7; 3 << 20]);
    let blake = Block::hash(1, codec::RAW, Hasher::new(0x1e), "blake".into()).unwrap();
    let long = Hasher {
        code: 0x1e,
        len: Some(128),
    };
    let long = Block::hash(1, codec::RAW, long, "long digest".into()).unwrap();
    let short = Hasher {
        code: 0x12,
        len: Some(20),
    };
    let short = Block::hash(1, codec::RAW, short, "short digest".into()).unwrap();
    let blocks = vec![empty, large, blake, long, short];
    store.put_many(blocks.clone()).await.unwrap();
    for synced in [false, true] {
        if synced {
            store.sync().await.unwrap();
        }
        let got = Blockstore::get_many(store, &cids(&blocks)).await.unwrap();
        assert!(got.iter().flatten().eq(&blocks));
        assert_eq!(recount(store).await, totals_of(&blocks));
        assert_eq!(totals(store.usage()), totals_of(&blocks));
    }
}

async fn compacting_loses_nothing(store: &(impl Blockstore + Datastore)) {
    let blocks: Vec<Block> = (0..400).map(nth).collect();
    for part in blocks.chunks(50) {
        store.put_many(part.to_vec()).await.unwrap();
        store.sync().await.unwrap();
    }
    store.delete_many(&hashes(&blocks[..200])).await.unwrap();
    store.compact().await.unwrap();
    let got = Blockstore::get_many(store, &cids(&blocks)).await.unwrap();
    assert!(got[..200].iter().all(Option::is_none));
    assert!(got[200..].iter().flatten().eq(&blocks[200..]));
    assert_eq!(totals(store.usage()), totals_of(&blocks[200..]));
    // Given up at once, it does no harm.
    store.delete_many(&hashes(&blocks[200..300])).await.unwrap();
    let _ = futures::poll!(store.compact());
    store.put_many(blocks[..10].to_vec()).await.unwrap();
    assert_eq!(totals(store.usage()), recount(store).await);
}
