//! What the tests share.

use std::path::Path;

use basalt_block::{Block, Cid, Hasher, Multihash, codec};
use basalt_blockstore::{Blockstore, ScrubEvent};
use basalt_blockstore_rocks::{Options, RocksStore};
use futures::{StreamExt, TryStreamExt};

pub(crate) fn open(path: &Path) -> RocksStore {
    RocksStore::open(Options::new(path)).unwrap()
}

/// A block of `size` bytes that are random but for their dependence on `seed`.
pub(crate) fn block(seed: u64, size: usize) -> Block {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut data = seed.to_le_bytes().to_vec();
    while data.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        data.extend(state.to_le_bytes());
    }
    data.truncate(size.max(8));
    Block::hash(1, codec::RAW, Hasher::SHA2_256, data.into()).unwrap()
}

/// A dag-pb block with one link to each of `children`.
pub(crate) fn node(children: &[Block]) -> Block {
    let mut data = Vec::new();
    for child in children {
        let cid = child.cid().to_bytes();
        data.extend([0x12, cid.len() as u8 + 2, 0x0a, cid.len() as u8]);
        data.extend(cid);
    }
    Block::hash(1, codec::DAG_PB, Hasher::SHA2_256, data.into()).unwrap()
}

pub(crate) fn cids(blocks: &[Block]) -> Vec<Cid> {
    blocks.iter().map(|b| *b.cid()).collect()
}

pub(crate) fn hashes(blocks: &[Block]) -> Vec<Multihash> {
    blocks.iter().map(|b| *b.multihash()).collect()
}

/// Every block verifies, and the totals are those of a count.
pub(crate) async fn assert_sound(store: &RocksStore) {
    let (blocks, bytes) = store
        .keys()
        .try_fold((0, 0), async |(n, bytes), (_, stat)| {
            Ok((n + 1, bytes + stat.size))
        })
        .await
        .unwrap();
    let usage = store.usage();
    assert_eq!((usage.blocks, usage.block_bytes), (blocks, bytes));
    let mut good = 0;
    let mut findings = store.scrub();
    while let Some(event) = findings.next().await {
        match event {
            ScrubEvent::Good(_) => good += 1,
            bad => panic!("{bad:?}"),
        }
    }
    assert_eq!(good, blocks);
}

/// Copies the files of a store that nobody writes to.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "ballast" {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
