//! What is built is read back.

use std::{collections::BTreeMap, sync::Arc};

use basalt_block::{Block, Cid};
use basalt_unixfs::{
    BlockSource, Budget, CidFormat, Directory, DirectoryBuilder, DirectoryOptions, Error, File,
    FileBuilder, FileOptions, Inode, Layout, Stat, TreeBuilder, TreeOptions,
};
use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;

use crate::{content, store};

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(future)
}

async fn read(file: &File, offset: u64, len: Option<u64>) -> Vec<u8> {
    let pieces: Vec<Bytes> = file.range(offset, len).try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    pieces.concat()
}

fn any_options() -> impl Strategy<Value = FileOptions> {
    (
        prop::sample::select(vec![
            "size-1",
            "size-7",
            "size-100",
            "rabin-16-32-64",
            "buzhash",
        ]),
        any::<bool>(),
        any::<bool>(),
        2usize..6,
        prop::option::of(0usize..64),
    )
        .prop_map(
            |(chunker, trickle, raw_leaves, max_links, inline)| FileOptions {
                chunker: chunker.parse().unwrap(),
                layout: if trickle {
                    Layout::Trickle
                } else {
                    Layout::Balanced
                },
                raw_leaves,
                max_links,
                cids: CidFormat {
                    inline,
                    ..CidFormat::V1
                },
                ..FileOptions::default()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn files_come_back(
        options in any_options(),
        len in 0usize..2000,
        ranges in prop::collection::vec((0u64..2200, prop::option::of(0u64..2200)), 5),
        read_ahead in 0usize..3000,
    ) {
        run(async {
            let (sink, source, _) = store();
            let bytes = content(len);
            let mut builder = FileBuilder::new(options, sink).unwrap();
            for frame in bytes.chunks(333) {
                builder.write(bytes.slice_ref(frame)).await.unwrap();
            }
            let node = builder.finish().await.unwrap();
            let file = File::open(source, &node.cid).await.unwrap().read_ahead(read_ahead);
            assert_eq!(file.size(), len as u64);
            assert_eq!(file.dag_size(), node.dag_size);
            assert_eq!(node.file_size, len as u64);
            assert_eq!(read(&file, 0, None).await, bytes);
            for (offset, want) in ranges {
                let start = (offset as usize).min(len);
                let end = want.map_or(len, |w| (start + w as usize).min(len));
                assert_eq!(read(&file, offset, want).await, &bytes[start..end]);
            }
        });
    }

    #[test]
    fn directories_come_back(
        names in prop::collection::btree_set("[a-z]{1,4}", 0..120),
        fanout in prop::sample::select(vec![8usize, 16, 256]),
        max_links in 0usize..3,
    ) {
        run(async {
            let (sink, source, _) = store();
            let options = DirectoryOptions { fanout, max_links, ..DirectoryOptions::default() };
            let mut builder = DirectoryBuilder::new(options, Stat::default()).unwrap();
            let mut expected = BTreeMap::new();
            for (i, name) in names.iter().enumerate() {
                let block = CidFormat::V1.block(0x55, name.clone().into()).unwrap();
                builder.add(name.as_bytes(), block.cid(), i as u64).unwrap();
                expected.insert(name.clone().into_bytes(), (*block.cid(), i as u64));
            }
            let sharded = builder.is_sharded();
            assert_eq!(sharded, max_links > 0 && names.len() > max_links);
            let node = builder.finish(&*sink).await.unwrap();
            let directory = Directory::open(source, &node.cid).await.unwrap();
            assert_eq!(directory.is_sharded(), sharded);
            assert_eq!(directory.dag_size(), node.dag_size);
            let listed: Vec<_> = directory.entries().try_collect().await.unwrap();
            assert_eq!(listed.len(), expected.len());
            let listed: BTreeMap<_, _> =
                listed.into_iter().map(|e| (e.name.to_vec(), (e.cid, e.dag_size))).collect();
            assert_eq!(listed, expected);
            for (name, (cid, _)) in &expected {
                assert_eq!(directory.get(name).await.unwrap().cid, *cid);
            }
            assert_eq!(directory.lookup(b"not there").await.unwrap(), None);
        });
    }
}

#[test]
fn a_short_budget_changes_nothing_but_memory() {
    run(async {
        let (sink, _, _) = store();
        let bytes = content(20 << 20);
        let mut roots = Vec::new();
        for budget in [0, 300 << 10, 64 << 20] {
            let options = FileOptions {
                budget: Budget::new(budget),
                ..FileOptions::default()
            };
            let mut builder = FileBuilder::new(options, sink.clone()).unwrap();
            builder.write(bytes.clone()).await.unwrap();
            roots.push(builder.finish().await.unwrap());
        }
        assert_eq!(roots[0], roots[1]);
        assert_eq!(roots[0], roots[2]);
    });
}

#[test]
fn a_reader_is_as_good_as_buffers() {
    run(async {
        let (sink, _, _) = store();
        for len in [0, 1, 262_144, 262_145, 3_000_000] {
            let bytes = content(len);
            let mut pushed = FileBuilder::new(FileOptions::default(), sink.clone()).unwrap();
            pushed.write(bytes.clone()).await.unwrap();
            let mut pulled = FileBuilder::new(FileOptions::default(), sink.clone()).unwrap();
            for size in [None, Some(len as u64), Some(3)]
                .into_iter()
                .take(1 + len % 3)
            {
                let mut again = FileBuilder::new(FileOptions::default(), sink.clone()).unwrap();
                assert_eq!(
                    again.read_from(&mut &bytes[..], size).await.unwrap(),
                    len as u64
                );
                pulled = again;
            }
            if len == 0 {
                pulled.read_from(&mut &bytes[..], None).await.unwrap();
            }
            assert_eq!(
                pushed.finish().await.unwrap(),
                pulled.finish().await.unwrap()
            );
        }
    });
}

#[test]
fn a_tree_is_stored_whole() {
    run(async {
        let (sink, source, store) = store();
        let mut tree = TreeBuilder::new(TreeOptions::default(), sink).unwrap();
        let mut builder = FileBuilder::new(FileOptions::default(), tree.sink()).unwrap();
        builder.write(content(1_000_000)).await.unwrap();
        let file = builder.finish().await.unwrap();
        tree.file(b"a/b/file", &file).unwrap();
        tree.symlink(b"a/link", b"b/file", Stat::default())
            .await
            .unwrap();
        assert!(matches!(tree.file(b"../x", &file), Err(Error::OutsideRoot)));
        assert!(matches!(tree.file(b"a/b", &file), Err(Error::Exists)));
        let tree = tree.finish().await.unwrap();
        let paths: Vec<_> = tree.directories.iter().map(|d| d.path.as_slice()).collect();
        assert_eq!(paths, [&b"a/b"[..], b"a", b""]);

        let root = Directory::open(source.clone(), &tree.root.cid)
            .await
            .unwrap();
        let a = root.get(b"a").await.unwrap();
        let a = Directory::open(source.clone(), &a.cid).await.unwrap();
        let link = a.get(b"link").await.unwrap();
        let Inode::Symlink(link) = Inode::open(source.clone(), &link.cid).await.unwrap() else {
            panic!("no symlink")
        };
        assert_eq!(link.target, "b/file");
        let error = a.get(b"nothing").await.unwrap_err().to_string();
        assert_eq!(
            error,
            format!("no link named \"nothing\" under {}", a.cid())
        );
        let b = a.get(b"b").await.unwrap();
        let b = Directory::open(source.clone(), &b.cid).await.unwrap();
        let file = File::open(source, &b.get(b"file").await.unwrap().cid)
            .await
            .unwrap();
        assert_eq!(read(&file, 0, None).await, content(1_000_000));
        // Four leaves, their root, the symlink and three directories.
        let usage = basalt_blockstore::Blockstore::usage(&*store);
        assert_eq!(usage.blocks, 9);
        drop(Arc::clone(&store));
    });
}

#[test]
fn a_name_given_twice_is_refused() {
    run(async {
        let (sink, _, _) = store();
        for max_links in [0, 1] {
            let options = DirectoryOptions {
                max_links,
                ..DirectoryOptions::default()
            };
            let mut builder = DirectoryBuilder::new(options, Stat::default()).unwrap();
            let block = CidFormat::V1.block(0x55, "x".into()).unwrap();
            builder.add(b"twice", block.cid(), 1).unwrap();
            builder.add(b"other", block.cid(), 1).unwrap();
            builder.add(b"twice", block.cid(), 1).unwrap();
            assert!(matches!(builder.finish(&*sink).await, Err(Error::Exists)));
        }
    });
}

/// What is asked for at the end of a large file is all that is fetched.
#[test]
fn a_range_fetches_only_what_it_needs() {
    run(async {
        let (sink, source, store) = store();
        let options = FileOptions {
            chunker: "size-1000".parse().unwrap(),
            raw_leaves: true,
            max_links: 10,
            ..FileOptions::default()
        };
        let mut builder = FileBuilder::new(options, sink).unwrap();
        let bytes = content(1_000_000);
        builder.write(bytes.clone()).await.unwrap();
        let node = builder.finish().await.unwrap();
        // A thousand leaves, and 111 nodes above them.
        let store = basalt_blockstore::Blockstore::keys(&*store);
        let hashes: Vec<_> = store.try_collect().await.unwrap();
        assert_eq!(hashes.len(), 1111);
        let counted = Arc::new(Counted {
            source,
            asked: Default::default(),
        });
        let file = File::open(counted.clone(), &node.cid)
            .await
            .unwrap()
            .read_ahead(0);
        assert_eq!(read(&file, 999_990, None).await, &bytes[999_990..]);
        assert_eq!(counted.asked.load(std::sync::atomic::Ordering::Relaxed), 4);
    });
}

struct Counted {
    source: Arc<dyn BlockSource>,
    asked: std::sync::atomic::AtomicUsize,
}

#[async_trait::async_trait]
impl BlockSource for Counted {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<Block> {
        self.asked
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.source.get(cid).await
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<Block>> {
        self.asked
            .fetch_add(cids.len(), std::sync::atomic::Ordering::Relaxed);
        self.source.get_many(cids).await
    }
}
