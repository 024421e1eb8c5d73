//! Opening, flushing, damage, and calls at a time.

use std::sync::Arc;

use basalt_blockstore::{Batch, Blockstore, Datastore, MemoryStore};
use basalt_mfs::{Error, Mfs, MkdirOptions, Settings, WriteOptions};
use basalt_unixfs::CidFormat;
use futures::TryStreamExt;

use crate::support::{open, raw, settings};

const PARENTS: MkdirOptions = MkdirOptions {
    parents: true,
    cids: None,
};

#[tokio::test]
async fn what_is_flushed_is_there_again_and_the_rest_is_not() {
    let store = MemoryStore::default();
    let files = open(&store, Settings::default());
    files.mkdir("/a/b", PARENTS).await.unwrap();
    files.put("/a/x", raw("x")).await.unwrap();
    let root = files.flush("/").await.unwrap();
    files.put("/a/y", raw("y")).await.unwrap();

    let again = open(&store, Settings::default());
    assert_eq!(again.node("/").await.unwrap().block.cid(), &root);
    assert!(matches!(again.node("/a/y").await, Err(Error::NotExist)));

    files.close().await.unwrap();
    let again = open(&store, Settings::default());
    assert_eq!(again.node("/a/y").await.unwrap().block, raw("y"));
}

#[tokio::test]
async fn what_was_looked_at_before_a_flush_is_flushed() {
    let store = MemoryStore::default();
    let files = open(&store, Settings::default());
    files.mkdir("/a/b", PARENTS).await.unwrap();
    files.put("/a/b/x", raw("x")).await.unwrap();
    // Written by itself; the root does not link to it yet.
    files.node("/a/b").await.unwrap();
    files.node("/a").await.unwrap();
    files.close().await.unwrap();
    let again = open(&store, Settings::default());
    again.node("/a/b/x").await.unwrap();
}

#[tokio::test]
async fn a_tree_that_was_only_read_writes_nothing() {
    let store = MemoryStore::default();
    let files = open(&store, Settings::default());
    files.node("/").await.unwrap();
    files.close().await.unwrap();
    assert_eq!(files.recorded().await.unwrap(), None);
}

#[tokio::test]
async fn a_root_that_is_missing_fails_calls_and_can_be_replaced() {
    let store = MemoryStore::default();
    let files = open(&store, Settings::default());
    files.mkdir("/a", PARENTS).await.unwrap();
    let root = files.flush("/").await.unwrap();
    store.delete_many(&[*root.hash()]).await.unwrap();

    let broken = open(&store, Settings::default());
    let text = broken.node("/").await.unwrap_err().to_string();
    assert!(
        text.contains(&root.to_string()) && text.contains("files chroot"),
        "{text}"
    );
    // What is recorded is still kept, as far as it is there.
    assert_eq!(broken.roots().await.unwrap(), [root]);
    let old = broken
        .replace_root(basalt_mfs::empty_root(), |cid| cid.to_string())
        .await
        .unwrap();
    assert_eq!(old, Some(root));
    broken.node("/").await.unwrap();
    assert!(matches!(
        broken.replace_root(root, |cid| cid.to_string()).await,
        Err(Error::InUse)
    ));
}

#[tokio::test]
async fn a_record_that_is_no_cid_is_told() {
    let store = MemoryStore::default();
    let mut batch = Batch::default();
    batch.put(&b"local/filesroot"[..], &b"\xff\xff"[..]);
    Datastore::write(&store, batch).await.unwrap();
    let files = open(&store, Settings::default());
    let text = files.node("/").await.unwrap_err().to_string();
    assert!(text.contains("files chroot"), "{text}");
    assert!(files.roots().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_a_time_lose_nothing() {
    let store = MemoryStore::default();
    let files = open(&store, Settings::default());
    files.mkdir("/d", PARENTS).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|side| {
            let files = files.clone();
            tokio::spawn(async move {
                for n in 0..25 {
                    let own = format!("/d/{side}");
                    files.mkdir(&own, PARENTS).await.unwrap();
                    let path = format!("{own}/{n}");
                    files.put(&path, raw(&path)).await.unwrap();
                    files.flush(&own).await.unwrap();
                    let moved = format!("/d/{side}-{n}");
                    files.rename(&path, &moved).await.unwrap();
                    if n % 5 == 0 {
                        files.remove(&moved, false, false).await.unwrap();
                    } else {
                        files.flush("/d").await.unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let again = open(&store, Settings::default());
    let (_, listed) = again.list("/d", true).await.unwrap();
    let listed: Vec<_> = listed.try_collect().await.unwrap();
    assert_eq!(listed.len(), 8 + 8 * 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replaced_is_there_at_every_moment() {
    let store = MemoryStore::default();
    let files = open(&store, Settings::default());
    files.mkdir("/d", PARENTS).await.unwrap();
    files.put("/d/to", raw("first")).await.unwrap();
    let mover = tokio::spawn({
        let files = files.clone();
        async move {
            for n in 0..2000 {
                files.put("/d/from", raw(&n.to_string())).await.unwrap();
                files.rename("/d/from", "/d/to").await.unwrap();
                files.put_over("/d/to", raw("copied")).await.unwrap();
            }
        }
    });
    // A flush of somebody else may make any moment durable.
    while !mover.is_finished() {
        files.node("/d/to").await.unwrap();
    }
    mover.await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_given_up_is_done_or_not() {
    let store = MemoryStore::default();
    let files = Arc::new(open(&store, Settings::default()));
    for n in 0..50 {
        let path = format!("/{n}");
        let put = files.put(&path, raw(&path));
        // Polled a few times, then dropped.
        let _ = tokio::time::timeout(std::time::Duration::from_micros(n), put).await;
    }
    tokio::task::yield_now().await;
    let root = files.flush("/").await.unwrap();
    let again = open(&store, Settings::default());
    assert_eq!(again.node("/").await.unwrap().block.cid(), &root);
}

#[tokio::test]
async fn nothing_is_moved_into_itself() {
    let files = open(&MemoryStore::default(), Settings::default());
    files.mkdir("/a/b/c", PARENTS).await.unwrap();
    for to in ["/a/b", "/a/b/c", "/a/b/c/", "/a/b/c/d", "/a"] {
        let moved = files.rename("/a", to).await;
        assert!(matches!(moved, Err(Error::IntoItself(_))), "{to}");
    }
    files.node("/a/b/c").await.unwrap();
}

#[tokio::test]
async fn what_is_in_a_directory_is_not_moved_to_where_it_is() {
    let files = open(&MemoryStore::default(), Settings::default());
    files.mkdir("/d/below", PARENTS).await.unwrap();
    files.put("/d/file", raw("file")).await.unwrap();
    for from in ["/d/below", "/d/file"] {
        let moved = files.rename(from, "/d").await;
        assert!(matches!(moved, Err(Error::HasEntry)), "{from}");
        files.node(from).await.unwrap();
    }
    files.rename("/d/file", "/d/file").await.unwrap();
    files.node("/d/file").await.unwrap();
}

#[tokio::test]
async fn paths_end_somewhere() {
    let files = open(&MemoryStore::default(), Settings::default());
    let deep = "/a".repeat(basalt_mfs::MAX_DEPTH + 1);
    assert!(matches!(
        files.mkdir(&deep, PARENTS).await,
        Err(Error::TooDeep)
    ));
    let most = "/a".repeat(basalt_mfs::MAX_DEPTH);
    files.mkdir(&most, PARENTS).await.unwrap();
    files.flush("/").await.unwrap();
    files.remove("/a", true, false).await.unwrap();
}

const CREATE: WriteOptions = WriteOptions {
    create: Some(CidFormat::V1),
    raw_leaves: None,
};

async fn content(files: &Mfs, path: &str) -> Vec<u8> {
    let node = files.node(path).await.unwrap();
    let file = files.open_file(path, node).await.unwrap();
    let pieces: Vec<bytes::Bytes> = file.stream().try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn a_writer_shows_when_it_is_done_and_one_after_the_other() {
    let files = open(&MemoryStore::default(), Settings::default());
    let mut first = files.writer("/f", CREATE).await.unwrap();
    first.write("first".into()).await.unwrap();
    assert!(matches!(files.node("/f").await, Err(Error::NotExist)));
    assert!(matches!(
        files.remove("/f", false, false).await,
        Err(Error::NotExist)
    ));
    let second = {
        let files = files.clone();
        tokio::spawn(async move {
            let mut second = files.writer("/f", CREATE).await.unwrap();
            second.seek(5).await.unwrap();
            second.write(" second".into()).await.unwrap();
            second.finish().await.unwrap();
        })
    };
    tokio::task::yield_now().await;
    first.finish().await.unwrap();
    second.await.unwrap();
    assert_eq!(content(&files, "/f").await, b"first second");
}

#[tokio::test]
async fn a_writer_that_is_given_up_leaves_no_trace() {
    let files = open(&MemoryStore::default(), Settings::default());
    let mut writer = files.writer("/f", CREATE).await.unwrap();
    writer.write("lost".into()).await.unwrap();
    drop(writer);
    assert!(matches!(files.node("/f").await, Err(Error::NotExist)));
    let mut writer = files.writer("/f", CREATE).await.unwrap();
    writer.write("kept".into()).await.unwrap();
    writer.finish().await.unwrap();
    let mut writer = files.writer("/f", WriteOptions::default()).await.unwrap();
    writer.truncate(0).await.unwrap();
    drop(writer);
    assert_eq!(content(&files, "/f").await, b"kept");
}

#[tokio::test]
async fn what_came_in_the_way_of_a_writer_is_told() {
    let files = open(&MemoryStore::default(), Settings::default());
    let writer = files.writer("/f", CREATE).await.unwrap();
    files.mkdir("/f", MkdirOptions::default()).await.unwrap();
    assert!(matches!(writer.finish().await, Err(Error::HasEntry)));
    assert!(matches!(
        files.writer("/f", CREATE).await,
        Err(Error::WasNotFile(_))
    ));
}

#[tokio::test]
async fn what_is_removed_while_it_is_written_stays_removed() {
    let files = open(&MemoryStore::default(), Settings::default());
    files.put("/f", raw("old")).await.unwrap();
    let mut writer = files.writer("/f", CREATE).await.unwrap();
    writer.write("new".into()).await.unwrap();
    files.remove("/f", false, false).await.unwrap();
    writer.finish().await.unwrap();
    assert!(matches!(files.node("/f").await, Err(Error::NotExist)));
}

/// Reading opens directories; those that nobody uses are closed again.
#[tokio::test]
async fn many_directories_are_read_one_after_the_other() {
    let store = MemoryStore::default();
    let files = open(&store, settings(4));
    for a in 0..10 {
        for b in 0..500 {
            let path = format!("/{a}/{b}");
            files.mkdir(&path, PARENTS).await.unwrap();
        }
    }
    let root = files.flush("/").await.unwrap();
    let again = open(&store, settings(4));
    for a in 0..10 {
        for b in 0..500 {
            again.node(&format!("/{a}/{b}")).await.unwrap();
        }
    }
    assert_eq!(again.node("/").await.unwrap().block.cid(), &root);
}
