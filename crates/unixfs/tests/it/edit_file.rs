//! Files after any changes have the bytes of a model, and hostile ones end in errors.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use basalt_block::{Block, Cid, codec};
use basalt_chunker::Chunker;
use basalt_ipld::dag_pb::{Link, Node};
use basalt_unixfs::{
    BlockSink, BlockSource, CidFormat, Data, Error, File, FileBuilder, FileEdit, FileEditOptions,
    FileOptions, Kind, Layout, Mtime, Result,
};
use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;

use crate::{content, store};

#[derive(Debug, Clone)]
enum Change {
    Write(u16, u16),
    Truncate(u16),
    Flush,
    Reopen,
    Mode(u32),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (0..3000u16, 0..900u16).prop_map(|(at, len)| Change::Write(at, len)),
        2 => (0..3500u16).prop_map(Change::Truncate),
        1 => Just(Change::Flush),
        1 => Just(Change::Reopen),
        1 => (0..3u32).prop_map(Change::Mode),
    ]
}

async fn read(source: &Arc<dyn BlockSource>, cid: &Cid) -> Vec<u8> {
    let file = File::open(source.clone(), cid).await.unwrap();
    let bytes: Vec<Bytes> = file.stream().try_collect().await.unwrap();
    bytes.concat()
}

proptest! {
    #![proptest_config(crate::kept())]

    #[test]
    fn any_changes_lead_to_the_bytes_of_the_model(
        len in 0..2000usize,
        chunk in prop::sample::select(vec![7usize, 64, 500, 5000]),
        max_links in 2..6usize,
        trickle in any::<bool>(),
        raw in any::<bool>(),
        inline in any::<bool>(),
        raw_leaves in prop::option::of(any::<bool>()),
        v1 in any::<bool>(),
        changes in prop::collection::vec(change(), 0..25),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (sink, source, _) = store();
            let mut model = content(len).to_vec();
            let cids = CidFormat {
                inline: inline.then_some(100),
                ..if v1 { CidFormat::V1 } else { CidFormat::default() }
            };
            let chunker = Chunker::Size(chunk);
            let options = FileOptions {
                chunker,
                layout: if trickle { Layout::Trickle } else { Layout::Balanced },
                raw_leaves: raw,
                max_links,
                cids,
                ..FileOptions::default()
            };
            let mut builder = FileBuilder::new(options, sink.clone()).unwrap();
            builder.write(model.clone().into()).await.unwrap();
            let root = builder.finish().await.unwrap().cid;
            let options = FileEditOptions { chunker, raw_leaves, max_links };
            let open = async |cid: Cid| {
                FileEdit::open(source.clone(), sink.clone(), &cid, options.clone()).await.unwrap()
            };
            let mut edit = open(root).await;
            for change in changes {
                match change {
                    Change::Write(at, len) => {
                        let bytes = vec![at as u8 | 1; usize::from(len)];
                        edit.write_at(at.into(), &bytes).await.unwrap();
                        let (at, end) = (usize::from(at), usize::from(at) + bytes.len());
                        model.resize(model.len().max(end), 0);
                        model[at..end].copy_from_slice(&bytes);
                    }
                    Change::Truncate(size) => {
                        edit.truncate(size.into()).await.unwrap();
                        model.resize(size.into(), 0);
                    }
                    Change::Flush => {
                        let node = edit.flush().await.unwrap();
                        assert_eq!(node.file_size, model.len() as u64);
                        assert!(read(&source, &node.cid).await == model);
                        assert_eq!(edit.flush().await.unwrap(), node);
                    }
                    Change::Reopen => edit = open(edit.flush().await.unwrap().cid).await,
                    Change::Mode(mode) => {
                        edit.set_mode(Some(mode)).await.unwrap();
                        assert_eq!(edit.stat().mode, (mode > 0).then_some(mode));
                    }
                }
                assert_eq!(edit.size(), model.len() as u64);
            }
            let node = edit.flush().await.unwrap();
            assert!(read(&source, &node.cid).await == model);
        });
    }
}

/// Keeps what it gets, and counts it.
struct Counted {
    store: Arc<dyn BlockSink>,
    blocks: AtomicUsize,
}

#[async_trait::async_trait]
impl BlockSink for Counted {
    async fn put(&self, blocks: Vec<Block>) -> Result<()> {
        self.blocks.fetch_add(blocks.len(), Ordering::Relaxed);
        self.store.put(blocks).await
    }
}

fn counted() -> (Arc<Counted>, Arc<dyn BlockSource>) {
    let (store, source, _) = store();
    let blocks = AtomicUsize::new(0);
    (Arc::new(Counted { store, blocks }), source)
}

#[tokio::test]
async fn a_write_in_the_middle_writes_a_leaf_and_the_way_to_it() {
    let (sink, source) = counted();
    let options = FileOptions {
        chunker: Chunker::Size(1000),
        max_links: 10,
        raw_leaves: true,
        ..FileOptions::default()
    };
    let mut builder = FileBuilder::new(options, sink.clone()).unwrap();
    builder.write(content(900_000)).await.unwrap();
    let root = builder.finish().await.unwrap().cid;
    let before = sink.blocks.load(Ordering::Relaxed);
    let options = FileEditOptions::default();
    let mut edit = FileEdit::open(source, sink.clone(), &root, options)
        .await
        .unwrap();
    edit.write_at(450_000, b"here").await.unwrap();
    edit.flush().await.unwrap();
    assert_eq!(sink.blocks.load(Ordering::Relaxed) - before, 4);
}

#[tokio::test]
async fn a_huge_gap_takes_little_work() {
    let (sink, source) = counted();
    let options = FileEditOptions::default();
    let mut edit = FileEdit::new(source.clone(), sink.clone(), CidFormat::V1, options.clone());
    edit.write_at(1 << 50, b"end").await.unwrap();
    let node = edit.flush().await.unwrap();
    assert_eq!(node.file_size, (1 << 50) + 3);
    assert!(sink.blocks.load(Ordering::Relaxed) < 10_000);
    let file = File::open(source, &node.cid).await.unwrap();
    let bytes: Vec<Bytes> = file.range((1 << 50) - 2, None).try_collect().await.unwrap();
    assert_eq!(bytes.concat(), b"\0\0end");

    edit.truncate(3).await.unwrap();
    assert_eq!(edit.flush().await.unwrap().file_size, 3);
    for place in [u64::MAX, u64::MAX - 1, 1 << 63] {
        assert!(matches!(
            edit.write_at(place, b"x").await,
            Err(Error::FileTooLarge)
        ));
        assert!(matches!(
            edit.truncate(place).await,
            Err(Error::FileTooLarge)
        ));
    }
    // Its blocks would be more than a size can say.
    assert!(matches!(
        edit.truncate((1 << 63) - 1).await,
        Err(Error::FileTooLarge)
    ));
    assert_eq!(edit.size(), 3);
}

#[tokio::test]
async fn a_time_that_is_kept_becomes_the_present_where_a_leaf_is_the_root() {
    let (sink, source, _) = store();
    let mut edit = FileEdit::new(
        source,
        sink,
        CidFormat::default(),
        FileEditOptions::default(),
    );
    let old = Some(Mtime {
        seconds: 5,
        nanos: 6,
    });
    edit.set_mtime(old).await.unwrap();
    edit.write_at(0, b"some").await.unwrap();
    edit.flush().await.unwrap();
    assert!(
        edit.stat()
            .mtime
            .is_some_and(|time| time.seconds > 1_000_000_000)
    );
}

#[tokio::test]
async fn a_failed_write_can_be_tried_again() {
    struct Full(AtomicUsize, Arc<dyn BlockSink>);

    #[async_trait::async_trait]
    impl BlockSink for Full {
        async fn put(&self, blocks: Vec<Block>) -> Result<()> {
            if self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                return Err(Error::Cancelled);
            }
            self.1.put(blocks).await
        }
    }

    let (store, source, _) = store();
    let sink = Arc::new(Full(AtomicUsize::new(0), store));
    let options = FileEditOptions {
        chunker: Chunker::Size(10),
        ..Default::default()
    };
    let mut edit = FileEdit::new(source.clone(), sink, CidFormat::V1, options);
    edit.write_at(0, &content(100)).await.unwrap();
    edit.flush().await.unwrap_err();
    edit.flush().await.unwrap_err();
    let node = edit.flush().await.unwrap();
    assert_eq!(read(&source, &node.cid).await, content(100));
}

async fn stored(sink: &Arc<dyn BlockSink>, data: Data, links: Vec<Link>) -> Cid {
    let data = Some(data.encode().into());
    let node = Node { links, data };
    let block = CidFormat::V1
        .block(codec::DAG_PB, node.encode().into())
        .unwrap();
    let cid = *block.cid();
    sink.put(vec![block]).await.unwrap();
    cid
}

fn file(size: u64, block_sizes: Vec<u64>) -> Data {
    Data {
        file_size: Some(size),
        block_sizes,
        ..Data::new(Kind::File)
    }
}

#[tokio::test]
async fn sizes_that_lie_are_told() {
    let (sink, source, _) = store();
    let leaf = CidFormat::V1.block(codec::RAW, content(10)).unwrap();
    let cid = *leaf.cid();
    sink.put(vec![leaf]).await.unwrap();
    let link = || Link::new(cid, "", 10);
    let open = async |root: Cid| {
        let options = FileEditOptions::default();
        FileEdit::open(source.clone(), sink.clone(), &root, options).await
    };

    // The root disagrees with itself.
    for data in [
        file(9, vec![10]),
        file(10, vec![]),
        file(u64::MAX, vec![u64::MAX]),
        file(0, vec![1 << 63]),
    ] {
        let root = stored(&sink, data, vec![link()]).await;
        let error = open(root).await.unwrap_err().to_string();
        assert!(error.contains(&root.to_string()), "{error}");
    }
    let mut both = file(13, vec![10]);
    both.data = Some("abc".into());
    let root = stored(&sink, both, vec![link()]).await;
    assert!(matches!(open(root).await, Err(Error::Malformed { .. })));

    // The root disagrees with its leaf.
    let root = stored(&sink, file(20, vec![20]), vec![link()]).await;
    let mut edit = open(root).await.unwrap();
    edit.write_at(15, b"x").await.unwrap();
    let error = edit.flush().await.unwrap_err();
    assert!(
        matches!(error, Error::SizeMismatch { found: 10, .. }),
        "{error}"
    );
    let mut edit = open(root).await.unwrap();
    assert!(matches!(
        edit.truncate(15).await,
        Err(Error::SizeMismatch { .. })
    ));

    // No file at all.
    let root = stored(&sink, Data::new(Kind::Directory), vec![]).await;
    assert!(matches!(open(root).await, Err(Error::IsDirectory)));
    let root = stored(&sink, Data::new(Kind::Symlink), vec![]).await;
    assert!(matches!(open(root).await, Err(Error::IsSymlink)));
}

#[tokio::test]
async fn a_dag_without_end_is_given_up() {
    let (sink, source, _) = store();
    let leaf = CidFormat::V1.block(codec::RAW, content(10)).unwrap();
    let mut cid = *leaf.cid();
    sink.put(vec![leaf]).await.unwrap();
    for _ in 0..200 {
        cid = stored(&sink, file(10, vec![10]), vec![Link::new(cid, "", 10)]).await;
    }
    let options = FileEditOptions::default();
    let mut edit = FileEdit::open(source, sink, &cid, options).await.unwrap();
    assert!(matches!(edit.truncate(5).await, Err(Error::TooDeep(_))));
    edit.write_at(0, b"x").await.unwrap();
    assert!(matches!(edit.flush().await, Err(Error::TooDeep(_))));
}
