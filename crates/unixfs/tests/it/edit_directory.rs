//! Directories after any changes are as models and builders have them.

use std::{collections::BTreeMap, sync::Arc};

use basalt_block::{Cid, codec};
use basalt_blockstore::MemoryStore;
use basalt_ipld::dag_pb::{Link, Node};
use basalt_unixfs::{
    BlockSink, BlockSource, CidFormat, Data, DirectoryBuilder, DirectoryEdit, DirectoryOptions,
    Entry, Error, Kind, Mtime, OnlyHash, SizeEstimation, Stat,
};
use futures::TryStreamExt;
use proptest::prelude::*;

use crate::store;

#[derive(Debug, Clone)]
enum Change {
    Put(u8, u8),
    Remove(u8),
    Flush,
    Reopen,
    Mode(u32),
    Format(bool),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        12 => (any::<u8>(), 0..4u8).prop_map(|(name, child)| Change::Put(name, child)),
        9 => any::<u8>().prop_map(Change::Remove),
        2 => Just(Change::Flush),
        2 => Just(Change::Reopen),
        1 => (0..4u32).prop_map(Change::Mode),
        1 => any::<bool>().prop_map(Change::Format),
    ]
}

fn child(number: u8) -> (Cid, u64) {
    let data = vec![number; usize::from(number)];
    let block = CidFormat::V1.block(codec::RAW, data.into()).unwrap();
    (*block.cid(), u64::from(number) * 100)
}

fn name(number: u8) -> Vec<u8> {
    format!("{}{number}", "x".repeat(usize::from(number % 7))).into_bytes()
}

/// Built afresh, in the form that the edited one has.
async fn afresh(
    model: &BTreeMap<Vec<u8>, (Cid, u64)>,
    edit: &DirectoryEdit,
) -> basalt_unixfs::DirectoryNode {
    let options = DirectoryOptions {
        cids: edit.cids(),
        sharding_size: u64::from(edit.is_sharded()),
        estimation: SizeEstimation::Links,
        max_links: 0,
        ..edit.options().clone()
    };
    let mut builder = DirectoryBuilder::new(options, edit.stat()).unwrap();
    for (name, (cid, tsize)) in model {
        builder.add(name, cid, *tsize).unwrap();
    }
    builder.finish(&OnlyHash).await.unwrap()
}

async fn check(
    edit: &mut DirectoryEdit,
    store: &Arc<MemoryStore>,
    model: &BTreeMap<Vec<u8>, (Cid, u64)>,
) {
    let listed: Vec<Entry> = edit.entries().try_collect().await.unwrap();
    let by_name: BTreeMap<Vec<u8>, (Cid, u64)> = listed
        .iter()
        .map(|e| (e.name.to_vec(), (e.cid, e.dag_size)))
        .collect();
    assert_eq!(listed.len(), by_name.len());
    assert_eq!(&by_name, model);
    let node = edit.flush(store).await.unwrap();
    assert_eq!(node.sharded, edit.is_sharded());
    // A HAMT without entries is never built, only left behind.
    if !model.is_empty() || !node.sharded {
        assert_eq!(node, afresh(model, edit).await);
    }
}

async fn run(options: DirectoryOptions, changes: Vec<Change>) {
    let (_, source, store) = store();
    let mut edit = DirectoryEdit::new(source.clone(), options.clone()).unwrap();
    let mut model = BTreeMap::new();
    for change in changes {
        match change {
            Change::Put(n, c) => {
                let (cid, dag_size) = child(c);
                let entry = Entry {
                    name: name(n).into(),
                    cid,
                    dag_size,
                };
                match edit.put(entry).await {
                    Ok(old) => {
                        let before = model.insert(name(n), (cid, dag_size));
                        assert_eq!(old.map(|e| (e.cid, e.dag_size)), before);
                    }
                    Err(Error::MaxLinks) => assert!(!edit.is_sharded()),
                    // With slots of so many bits, hashes are soon used up.
                    Err(error) => panic!("{error}"),
                }
            }
            Change::Remove(n) => {
                let old = edit.remove(&name(n)).await.unwrap();
                assert_eq!(old.map(|e| (e.cid, e.dag_size)), model.remove(&name(n)));
                assert_eq!(edit.get(&name(n)).await.unwrap(), None);
            }
            Change::Flush => check(&mut edit, &store, &model).await,
            Change::Reopen => {
                let node = edit.flush(&store).await.unwrap();
                edit = DirectoryEdit::open(source.clone(), &node.cid, options.clone())
                    .await
                    .unwrap();
                assert_eq!(edit.flush(&OnlyHash).await.unwrap(), node);
            }
            Change::Mode(mode) => {
                edit.set_mode(Some(mode)).unwrap();
                assert_eq!(edit.stat().mode, (mode > 0).then_some(mode));
            }
            Change::Format(v1) => {
                // Below a HAMT's root nothing is named anew: builders know no such mixtures.
                if !edit.is_sharded() {
                    edit.set_cids(if v1 {
                        CidFormat::V1
                    } else {
                        CidFormat::default()
                    });
                }
            }
        }
        for n in [0, 77] {
            let got = edit.get(&name(n)).await.unwrap();
            assert_eq!(
                got.map(|e| (e.cid, e.dag_size)),
                model.get(&name(n)).copied()
            );
        }
    }
    check(&mut edit, &store, &model).await;
}

proptest! {
    #![proptest_config(crate::kept())]

    #[test]
    fn any_changes_lead_to_what_the_builder_makes(
        changes in prop::collection::vec(change(), 0..150),
        fanout in prop::sample::select(vec![8usize, 16, 256, 1024]),
        sharding_size in prop::sample::select(vec![0u64, 1, 100, 1000, 2000]),
        max_links in prop::sample::select(vec![0usize, 3, 30]),
        estimation in prop::sample::select(vec![
            SizeEstimation::Links, SizeEstimation::Block, SizeEstimation::Disabled,
        ]),
    ) {
        let options = DirectoryOptions {
            cids: CidFormat::default(),
            max_links,
            fanout,
            sharding_size,
            estimation,
        };
        tokio::runtime::Runtime::new().unwrap().block_on(run(options, changes));
    }
}

fn small() -> DirectoryOptions {
    DirectoryOptions {
        sharding_size: 1000,
        ..DirectoryOptions::default()
    }
}

async fn fill(edit: &mut DirectoryEdit, range: std::ops::Range<u32>) {
    for i in range {
        let (cid, dag_size) = child(1);
        let name = format!("{i}").into();
        edit.put(Entry {
            name,
            cid,
            dag_size,
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn a_listing_shows_the_directory_as_it_was() {
    let (_, source, store) = store();
    let mut edit = DirectoryEdit::new(source, small()).unwrap();
    fill(&mut edit, 0..500).await;
    edit.flush(&store).await.unwrap();
    fill(&mut edit, 500..600).await;
    let mut before = edit.entries();
    let first = before.try_next().await.unwrap().unwrap();
    for i in 0..600 {
        edit.remove(format!("{i}").as_bytes()).await.unwrap();
    }
    edit.flush(&store).await.unwrap();
    let rest: Vec<Entry> = before.try_collect().await.unwrap();
    assert_eq!(rest.len(), 599);
    assert!(!rest.contains(&first));
}

/// Counts what is read and written.
struct Counted(Arc<MemoryStore>, std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl BlockSource for Counted {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<basalt_block::Block> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        BlockSource::get(&self.0, cid).await
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<basalt_block::Block>> {
        self.1
            .fetch_add(cids.len(), std::sync::atomic::Ordering::Relaxed);
        BlockSource::get_many(&self.0, cids).await
    }
}

/// Counts what is written.
#[derive(Default)]
struct Written(std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl basalt_unixfs::BlockSink for Written {
    async fn put(&self, blocks: Vec<basalt_block::Block>) -> basalt_unixfs::Result<()> {
        self.0
            .fetch_add(blocks.len(), std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn a_change_in_a_large_directory_touches_few_blocks() {
    use std::sync::atomic::Ordering;

    let (_, source, store) = store();
    let mut edit = DirectoryEdit::new(source, DirectoryOptions::default()).unwrap();
    fill(&mut edit, 0..20_000).await;
    let root = edit.flush(&store).await.unwrap().cid;
    let counted = Arc::new(Counted(store.clone(), Default::default()));
    let mut edit = DirectoryEdit::open(counted.clone(), &root, DirectoryOptions::default())
        .await
        .unwrap();
    fill(&mut edit, 20_000..20_001).await;
    let written = Written::default();
    edit.flush(&written).await.unwrap();
    assert!(written.0.load(Ordering::Relaxed) <= 4);
    assert!(counted.1.load(Ordering::Relaxed) <= 8);

    let mut entries = edit.entries();
    entries.try_next().await.unwrap().unwrap();
    assert!(counted.1.load(Ordering::Relaxed) < 200);
    drop(entries);

    // Kubo looks whether it has become small, and so must we; but not every time.
    edit.remove(b"7").await.unwrap();
    let counts = counted.1.load(Ordering::Relaxed);
    for i in 100..200 {
        edit.remove(format!("{i}").as_bytes()).await.unwrap();
    }
    assert!(counted.1.load(Ordering::Relaxed) - counts < 3000);
}

#[tokio::test]
async fn a_failed_flush_loses_nothing() {
    struct Full;

    #[async_trait::async_trait]
    impl basalt_unixfs::BlockSink for Full {
        async fn put(&self, _: Vec<basalt_block::Block>) -> basalt_unixfs::Result<()> {
            Err(Error::Cancelled)
        }
    }

    let (_, source, store) = store();
    for count in [3, 600] {
        let mut edit = DirectoryEdit::new(source.clone(), small()).unwrap();
        fill(&mut edit, 0..count).await;
        edit.flush(&Full).await.unwrap_err();
        let node = edit.flush(&store).await.unwrap();
        let again = DirectoryEdit::open(source.clone(), &node.cid, small())
            .await
            .unwrap();
        let entries: Vec<Entry> = again.entries().try_collect().await.unwrap();
        assert_eq!(entries.len(), count as usize);
    }
}

#[tokio::test]
async fn mode_and_time_are_kept_through_every_form() {
    let (_, source, store) = store();
    let stat = Stat {
        mode: Some(0o750),
        mtime: Some(Mtime {
            seconds: -5,
            nanos: 7,
        }),
    };
    let mut edit = DirectoryEdit::with_stat(source.clone(), small(), stat).unwrap();
    fill(&mut edit, 0..100).await;
    assert!(edit.is_sharded());
    let node = edit.flush(&store).await.unwrap();
    let mut edit = DirectoryEdit::open(source, &node.cid, small())
        .await
        .unwrap();
    assert_eq!(edit.stat(), stat);
    for i in 1..100 {
        edit.remove(format!("{i}").as_bytes()).await.unwrap();
    }
    assert!(!edit.is_sharded());
    assert_eq!(edit.stat(), stat);
    edit.set_mtime(None).unwrap();
    edit.set_mode(Some(0)).unwrap();
    assert!(edit.stat().is_empty());
}

/// A shard with these links, the name of each behind the digits of its slot.
async fn shard(store: &Arc<MemoryStore>, links: &[(&str, Cid)]) -> Cid {
    let data = Data {
        data: Some(vec![((1u16 << links.len()) - 1) as u8].into()),
        hash_type: Some(0x22),
        fanout: Some(8),
        ..Data::new(Kind::HamtShard)
    };
    let link = |(at, (name, cid)): (usize, &(&str, Cid))| {
        Link::new(*cid, format!("{at}{name}").into_bytes(), 1)
    };
    let node = Node {
        links: links.iter().enumerate().map(link).collect(),
        data: Some(data.encode().into()),
    };
    let block = CidFormat::V1
        .block(codec::DAG_PB, node.encode().into())
        .unwrap();
    let cid = *block.cid();
    BlockSink::put(store, vec![block]).await.unwrap();
    cid
}

#[tokio::test]
async fn shards_that_lead_to_each_other_many_times_are_given_up() {
    let (_, source, store) = store();
    for (bottom, is_barren) in [(vec![], true), (vec![("name", child(1).0); 8], false)] {
        let mut cid = shard(&store, &bottom).await;
        for _ in 0..20 {
            cid = shard(&store, &[("", cid); 8]).await;
        }
        let mut edit = DirectoryEdit::open(source.clone(), &cid, DirectoryOptions::default())
            .await
            .unwrap();
        if is_barren {
            let listed = edit.entries().try_next().await;
            assert!(matches!(listed, Err(Error::TooDeep(_))), "{listed:?}");
        }
        // What is counted is counted once; what is found to be small is then too large to be read.
        let removed = edit.remove(b"name").await;
        if is_barren {
            assert_eq!(removed.unwrap(), None);
        } else {
            assert!(matches!(removed, Err(Error::TooDeep(_))), "{removed:?}");
        }
    }
}

#[tokio::test]
async fn shards_that_contradict_themselves_are_named() {
    let (_, source, store) = store();
    let (leaf, _) = child(1);
    let good = || Data {
        data: Some(vec![1].into()),
        hash_type: Some(0x22),
        fanout: Some(8),
        ..Data::new(Kind::HamtShard)
    };
    let with = |change: fn(&mut Data)| {
        let mut data = good();
        change(&mut data);
        data
    };
    let cases = [
        with(|data| data.data = Some(vec![3].into())),
        with(|data| data.data = Some(vec![0, 1].into())),
        with(|data| data.data = None),
        with(|data| data.fanout = Some(1 << 40)),
        with(|data| data.fanout = Some(7)),
        with(|data| data.fanout = None),
        with(|data| data.fanout = Some(256)),
        with(|data| data.hash_type = Some(0x12)),
    ];
    for data in cases {
        let node = Node {
            links: vec![Link::new(leaf, "0", 1)],
            data: Some(data.encode().into()),
        };
        let block = CidFormat::V1
            .block(codec::DAG_PB, node.encode().into())
            .unwrap();
        let bad = *block.cid();
        BlockSink::put(&store, vec![block]).await.unwrap();
        let options = DirectoryOptions::default();
        let open = DirectoryEdit::open(source.clone(), &bad, options.clone()).await;
        assert!(open.unwrap_err().to_string().contains(&bad.to_string()));

        // The same one level down shows when it is met, and nothing has changed then.
        let root = shard(&store, &[("", bad); 8]).await;
        let mut edit = DirectoryEdit::open(source.clone(), &root, options)
            .await
            .unwrap();
        let (cid, dag_size) = child(2);
        let name = "name".into();
        let errors = [
            edit.get(b"name").await.unwrap_err(),
            edit.remove(b"name").await.unwrap_err(),
            edit.put(Entry {
                name,
                cid,
                dag_size,
            })
            .await
            .unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(&bad.to_string()), "{error}");
        }
        assert_eq!(edit.flush(&store).await.unwrap().cid, root);
    }
}
