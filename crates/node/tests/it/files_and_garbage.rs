//! The mutable tree beside garbage collections: nothing of it is lost, flushed or not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use basalt::Node;
use basalt::block::{Block, Hasher, codec};
use basalt::mfs::{MkdirOptions, WriteOptions};
use basalt::unixfs::CidFormat;
use bytes::Bytes;
use futures::TryStreamExt;

/// Numbers that look random, the same for each seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

async fn read(node: &Node, path: &str) -> Vec<u8> {
    let files = node.files().unwrap();
    let found = files.node(path).await.unwrap();
    let file = files.open_file(path, found).await.unwrap();
    let pieces: Vec<Bytes> = file.stream().try_collect().await.unwrap();
    pieces.concat()
}

/// Changes of one side's own files; gives what they hold at the end.
async fn side(node: Node, side: u64) -> BTreeMap<String, Vec<u8>> {
    let files = node.files().unwrap().clone();
    let mut dice = Dice(0x9e37_79b9 + side * 77);
    let mut wanted: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let home = format!("/side{side}/deep");
    let made = MkdirOptions {
        parents: true,
        cids: None,
    };
    files.mkdir(&home, made).await.unwrap();
    for n in 0..120 {
        let path = format!("{home}/f{}", dice.roll(12));
        let text = format!("{side} {n} ").repeat(1 + dice.roll(4000) as usize);
        match dice.roll(6) {
            0..=2 => {
                let how = WriteOptions {
                    create: Some(CidFormat::default()),
                    raw_leaves: None,
                };
                let mut writer = files.writer(&path, how).await.unwrap();
                writer.truncate(0).await.unwrap();
                writer.write(text.clone().into()).await.unwrap();
                tokio::task::yield_now().await;
                writer.finish().await.unwrap();
                wanted.insert(path.clone(), text.into_bytes());
            }
            3 => {
                // As `files cp`: the block is there, kept by nothing but the guard.
                let lease = node.blocks().lease();
                let data = Bytes::from(text.clone());
                let block = Block::hash(1, codec::RAW, Hasher::SHA2_256, data).unwrap();
                node.blocks().put_many(vec![block.clone()]).await.unwrap();
                let kept = node.pins().collector().protect(*block.cid()).await;
                drop(lease);
                tokio::task::yield_now().await;
                files.put_over(&path, block).await.unwrap();
                drop(kept);
                wanted.insert(path.clone(), text.into_bytes());
            }
            4 => {
                let to = format!("{home}/f{}", dice.roll(12));
                if let Some(text) = wanted.remove(&path) {
                    files.rename(&path, &to).await.unwrap();
                    wanted.insert(to, text);
                }
            }
            _ => {
                files.remove(&path, false, true).await.unwrap();
                wanted.remove(&path);
            }
        }
        if dice.roll(3) == 0 {
            files.flush(&home).await.unwrap();
        }
        if dice.roll(8) == 0
            && let Some((path, text)) = wanted.iter().next()
        {
            assert!(read(&node, path).await == *text, "{path}");
        }
    }
    wanted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn collections_take_nothing_of_the_tree() {
    let node = Node::builder().open().await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let collecting = {
        let (node, done) = (node.clone(), done.clone());
        tokio::spawn(async move {
            let mut removed = 0;
            while !done.load(Ordering::SeqCst) {
                removed += node.collect_garbage().await.unwrap().removed;
                tokio::task::yield_now().await;
            }
            removed
        })
    };
    let sides: Vec<_> = (0..4)
        .map(|n| tokio::spawn(side(node.clone(), n)))
        .collect();
    let mut wanted = BTreeMap::new();
    for side in sides {
        wanted.extend(side.await.unwrap());
    }
    done.store(true, Ordering::SeqCst);
    assert!(collecting.await.unwrap() > 0, "there was garbage");
    node.collect_garbage().await.unwrap();
    for (path, text) in &wanted {
        assert!(read(&node, path).await == *text, "{path}");
    }
    node.files().unwrap().flush("/").await.unwrap();
    node.collect_garbage().await.unwrap();
    for (path, text) in &wanted {
        assert!(read(&node, path).await == *text, "{path}");
    }
}

#[tokio::test]
async fn what_was_removed_is_collected_and_pins_stay() {
    let node = Node::builder().open().await.unwrap();
    let files = node.files().unwrap();
    let block = |text: &'static str| {
        Block::hash(
            1,
            codec::RAW,
            Hasher::SHA2_256,
            Bytes::from_static(text.as_bytes()),
        )
        .unwrap()
    };
    let (kept, lost) = (block("kept"), block("lost"));
    files.put("/kept", kept.clone()).await.unwrap();
    files.put("/lost", lost.clone()).await.unwrap();
    node.collect_garbage().await.unwrap();
    assert!(node.blocks().store().has(lost.cid()).await.unwrap());
    files.remove("/lost", false, false).await.unwrap();
    node.collect_garbage().await.unwrap();
    assert!(!node.blocks().store().has(lost.cid()).await.unwrap());
    assert!(node.blocks().store().has(kept.cid()).await.unwrap());
}
