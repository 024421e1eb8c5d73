//! One flipped bit anywhere is found and named; wrong bytes are never served.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use basalt_block::{Block, Multihash};
use basalt_blockstore::{Batch, Blockstore, Datastore, Error, ScrubEvent};
use basalt_blockstore_rocks::{Options, RocksStore};
use futures::StreamExt;
use tempfile::TempDir;

use crate::support::{block, cids, copy, node, open};

async fn build(path: &Path) -> Vec<Block> {
    let mut blocks: Vec<Block> = (0..600).map(|n| block(n, 200 + n as usize)).collect();
    blocks.extend((1000..1060).map(|n| block(n, 50_000)));
    let nodes: Vec<Block> = blocks.chunks(4).map(node).collect();
    blocks.extend(nodes);
    let late = 100;
    let store = open(path);
    store.put_many(blocks[late..].to_vec()).await.unwrap();
    store
        .put_many((5000..5100).map(|n| block(n, 100_000)).collect())
        .await
        .unwrap();
    store.sync().await.unwrap();
    store.compact().await.unwrap();
    store.close().await;
    // The last ones stay in the log.
    let store = open(path);
    store.put_many(blocks[..late].to_vec()).await.unwrap();
    let mut batch = Batch::default();
    batch.put("pins/a", "a record");
    Datastore::write(&store, batch).await.unwrap();
    store.close().await;
    blocks
}

#[derive(Debug, Default)]
struct Outcome {
    refused: u32,
    reported: u32,
    named: u32,
    unharmed: u32,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_in_every_kind_of_file() {
    let dir = TempDir::new().unwrap();
    let whole = dir.path().join("whole");
    let blocks = build(&whole).await;
    let mut outcomes: BTreeMap<String, Outcome> = BTreeMap::new();
    for entry in std::fs::read_dir(&whole).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let len = entry.metadata().unwrap().len();
        if len == 0 || name == "ballast" {
            continue;
        }
        let kind = match name.split_once('.') {
            Some((_, kind)) => kind.to_owned(),
            None => name.split('-').next().unwrap().to_owned(),
        };
        for at in [0, len / 7, len / 3, len / 2, len * 4 / 5, len - 1] {
            let harmed = dir.path().join("harmed");
            copy(&whole, &harmed);
            flip(&harmed.join(&name), at as usize);
            let outcome = outcomes.entry(kind.clone()).or_default();
            look(&harmed, &blocks, outcome, &format!("{name} at {at}")).await;
            std::fs::remove_dir_all(&harmed).unwrap();
        }
    }
    let seen = |kind: &str| {
        outcomes
            .get(kind)
            .unwrap_or_else(|| panic!("no {kind} file"))
    };
    assert_eq!(seen("CURRENT").unharmed, 6, "{outcomes:#?}");
    assert!(seen("MANIFEST").refused > 0, "{outcomes:#?}");
    assert!(seen("log").reported > 0, "{outcomes:#?}");
    assert!(seen("sst").named + seen("sst").refused > 0, "{outcomes:#?}");
    assert!(seen("blob").named > 0, "{outcomes:#?}");
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

async fn look(path: &Path, blocks: &[Block], outcome: &mut Outcome, what: &str) {
    let store = match RocksStore::open(Options::new(path)) {
        Ok(store) => store,
        Err(Error::Damaged(text) | Error::Io(text)) => {
            assert!(!text.is_empty());
            outcome.refused += 1;
            return;
        }
        Err(other) => panic!("{what}: {other}"),
    };
    let lossy = store.damage().is_some();
    outcome.reported += u32::from(lossy);
    let mut named = HashSet::new();
    for block in blocks {
        match Blockstore::get(&store, block.cid()).await {
            Ok(Some(got)) => assert_eq!(got, *block, "{what}: wrong bytes were served"),
            Ok(None) => assert!(lossy, "{what}: a block is denied without a report"),
            Err(Error::Corrupt { cid, .. }) => {
                assert_eq!(cid.hash(), block.multihash(), "{what}");
                named.insert(*cid.hash());
            }
            Err(Error::Damaged(_)) => {
                named.insert(*block.multihash());
            }
            Err(other) => panic!("{what}: {other}"),
        }
    }
    match Blockstore::get_many(&store, &cids(blocks)).await {
        Ok(got) => assert!(lossy || got.iter().flatten().eq(blocks), "{what}"),
        Err(Error::Corrupt { .. } | Error::Damaged(_)) => assert!(!named.is_empty(), "{what}"),
        Err(other) => panic!("{what}: {other}"),
    }
    match Datastore::get(&store, b"pins/a").await {
        Ok(Some(value)) => assert_eq!(value, "a record"),
        Ok(None) => assert!(lossy, "{what}"),
        Err(Error::Damaged(_)) => outcome.reported += 1,
        Err(other) => panic!("{what}: {other}"),
    }
    let found = scrub(&store).await;
    let missed: Vec<_> = named.difference(&found).collect();
    assert!(missed.is_empty(), "{what}: a scrub missed {missed:?}");
    if named.is_empty() && !lossy {
        outcome.unharmed += 1;
    } else {
        outcome.named += u32::from(!named.is_empty());
    }
}

/// The blocks that a scrub calls bad. It must see all others as well.
async fn scrub(store: &RocksStore) -> HashSet<Multihash> {
    let mut bad = HashSet::new();
    let mut findings = store.scrub();
    while let Some(event) = findings.next().await {
        if let ScrubEvent::Bad(hash, _) = event {
            bad.insert(hash);
        }
    }
    bad
}

/// The files of one kind, the largest first.
fn files(path: &Path, kind: &str) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_str().unwrap().ends_with(kind))
        .map(|entry| (entry.metadata().unwrap().len(), entry.path()))
        .collect();
    files.sort_unstable_by(|a, b| b.cmp(a));
    files.into_iter().map(|(_, path)| path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_block_can_be_dropped_and_written_again() {
    let dir = TempDir::new().unwrap();
    let blocks: Vec<Block> = (0..200).map(|n| block(n, 100_000)).collect();
    let store = open(dir.path());
    store.put_many(blocks.clone()).await.unwrap();
    store.sync().await.unwrap();
    store.close().await;
    let blob = &files(dir.path(), ".blob")[0];
    let len = std::fs::metadata(blob).unwrap().len() as usize;
    flip(blob, len / 2);

    let store = open(dir.path());
    let bad = scrub(&store).await;
    assert_eq!(bad.len(), 1, "one bit harms one block");
    let bad: Vec<Multihash> = bad.into_iter().collect();
    store.delete_many(&bad).await.unwrap();
    assert_eq!(store.usage().blocks, 199);
    assert!(scrub(&store).await.is_empty());
    store.put_many(blocks.clone()).await.unwrap();
    store.sync().await.unwrap();
    let got = Blockstore::get_many(&store, &cids(&blocks)).await.unwrap();
    assert!(got.iter().flatten().eq(&blocks));
    crate::support::assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_goes_on_past_a_lost_file() {
    let dir = TempDir::new().unwrap();
    let parts: Vec<Vec<Block>> = (0..4u64)
        .map(|part| (0..80).map(|n| block(part << 32 | n, 100_000)).collect())
        .collect();
    let store = open(dir.path());
    for part in &parts {
        store.put_many(part.clone()).await.unwrap();
        store.sync().await.unwrap();
    }
    store.close().await;
    let lost = files(dir.path(), ".blob");
    assert!(lost.len() >= 4);
    // Cut short rather than removed: a store whose files are missing does not open.
    std::fs::File::options()
        .write(true)
        .open(&lost[1])
        .unwrap()
        .set_len(200_000)
        .unwrap();
    match RocksStore::open(Options::new(dir.path())) {
        Err(Error::Damaged(_)) => {}
        Err(other) => panic!("{other}"),
        Ok(store) => {
            let bad = scrub(&store).await;
            assert!(bad.len() > 70 && bad.len() <= 80, "{}", bad.len());
            let all: Vec<Block> = parts.concat();
            let mut served = 0;
            for block in &all {
                let got = Blockstore::get(&store, block.cid()).await;
                served += usize::from(matches!(got, Ok(Some(_))));
            }
            assert_eq!(served + bad.len(), all.len());
        }
    }
}

/// A whole table of the index is wiped out in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn damage_of_the_index_is_survived_and_mended() {
    let dir = TempDir::new().unwrap();
    let blocks: Vec<Block> = (0..5000).map(|n| block(n, 300)).collect();
    let store = open(dir.path());
    store.put_many(blocks.clone()).await.unwrap();
    store
        .put_many((9000..9080).map(|n| block(n, 90_000)).collect())
        .await
        .unwrap();
    store.sync().await.unwrap();
    store.close().await;
    let mut harmed = 0;
    for table in files(dir.path(), ".sst") {
        let bytes = std::fs::read(&table).unwrap();
        // The index has rows of about 40 bytes, the table of small blocks some 350 each.
        if !(100_000..1_000_000).contains(&bytes.len()) {
            continue;
        }
        let mut wiped = bytes.clone();
        wiped[40_000..90_000].fill(0xee);
        std::fs::write(&table, wiped).unwrap();
        harmed += 1;
    }
    assert_eq!(harmed, 1, "the table of the index was not found");

    let store = open(dir.path());
    let (mut good, mut bad, mut parts) = (0, Vec::new(), 0);
    let mut findings = store.scrub();
    while let Some(event) = findings.next().await {
        match event {
            ScrubEvent::Good(_) => good += 1,
            ScrubEvent::Bad(hash, _) => bad.push(hash),
            _ => parts += 1,
        }
    }
    assert!(parts > 0, "the damaged part is told");
    assert!(bad.len() > 500 && bad.len() < 3000, "{}", bad.len());
    assert_eq!(good + bad.len(), 5080, "every block is good or bad");
    let bad: HashSet<Multihash> = bad.into_iter().collect();
    for block in &blocks {
        match Blockstore::get(&store, block.cid()).await {
            Ok(Some(got)) => assert!(got == *block && !bad.contains(block.multihash())),
            Err(Error::Damaged(_)) => assert!(bad.contains(block.multihash())),
            other => panic!("{other:?}"),
        }
    }
    // Writing the blocks again mends the index, unless RocksDB has met the damage in a compaction
    // of its own; from then on it writes nothing more, and says why.
    let written = async || {
        store.put_many(blocks.clone()).await?;
        store.sync().await
    };
    match written().await {
        Err(error) => assert!(matches!(error, Error::Damaged(_)), "{error}"),
        Ok(()) => {
            let got = Blockstore::get_many(&store, &cids(&blocks)).await.unwrap();
            assert!(got.iter().flatten().eq(&blocks));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_good_can_be_rescued() {
    let dir = TempDir::new().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    let mut blocks: Vec<Block> = (0..5000).map(|n| block(n, 300)).collect();
    blocks.extend((9000..9080).map(|n| block(n, 90_000)));
    blocks.push(node(&blocks[..4]));
    let store = open(&from);
    store.put_many(blocks.clone()).await.unwrap();
    let mut batch = Batch::default();
    for n in 0..20_000 {
        batch.put(format!("pins/recursive/{n:05}"), block(n, 40).into_data());
    }
    Datastore::write(&store, batch).await.unwrap();
    store.close().await;
    let mut harmed = 0;
    for table in files(&from, ".sst") {
        let mut bytes = std::fs::read(&table).unwrap();
        if bytes.len() > 100_000 {
            bytes[60_000..70_000].fill(0xee);
            std::fs::write(&table, bytes).unwrap();
            harmed += 1;
        }
    }
    assert_eq!(harmed, 3, "the index, the small blocks and the records");

    let (store, target) = (open(&from), open(&to));
    let rescued = store.rescue_into(&target).await.unwrap();
    let lost = rescued.lost_blocks.len();
    assert!(lost > 20 && lost < 1000, "{lost}");
    assert_eq!(rescued.blocks as usize + lost, blocks.len());
    assert_eq!(target.usage().blocks, rescued.blocks);
    assert!(
        rescued.records > 18_000 && rescued.records < 20_000,
        "{}",
        rescued.records
    );
    assert!(rescued.gaps.len() >= 2, "{:?}", rescued.gaps);
    crate::support::assert_sound(&target).await;
    for block in &blocks {
        let got = Blockstore::get(&target, block.cid()).await.unwrap();
        assert_eq!(
            got.is_none(),
            rescued.lost_blocks.contains(block.multihash())
        );
        let (was, is) = (
            store.stat(block.cid()).await,
            target.stat(block.cid()).await,
        );
        // A row of the index that was lost is made anew.
        assert!(got.is_none() || was.is_err() || was.unwrap() == is.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_table_is_rebuilt_from_what_can_be_read() {
    let dir = TempDir::new().unwrap();
    let whole = dir.path().join("whole");
    let blocks = build(&whole).await;
    let tables = files(&whole, ".sst");
    assert!(tables.len() >= 4);
    for table in tables {
        let name = table.file_name().unwrap().to_owned();
        let len = std::fs::metadata(&table).unwrap().len() as usize;
        // In the rows, the index or the filter, and in the footer.
        for at in [10, len / 2, len.saturating_sub(300), len - 20] {
            let what = format!("{} at {at}", name.to_string_lossy());
            let harmed = dir.path().join("harmed");
            copy(&whole, &harmed);
            flip(&harmed.join(&name), at);
            let store = open(&harmed);
            let mut lost = scrub(&store).await;
            let rebuilt = store.rebuild().await.unwrap();
            // A lost row of the index is made anew of the bytes.
            lost.retain(|hash| rebuilt.lost_blocks.contains(hash));
            assert_eq!(lost.len(), rebuilt.lost_blocks.len(), "{what}");
            store.close().await;
            let store = open(&harmed);
            assert_eq!(store.damage(), None, "{what}");
            crate::support::assert_sound(&store).await;
            for block in &blocks {
                let got = Blockstore::get(&store, block.cid()).await.unwrap();
                let is_lost = lost.contains(block.multihash());
                assert_eq!(got.is_some(), !is_lost, "{what}");
                assert!(got.is_none_or(|got| got == *block), "{what}");
            }
            store.put_many(blocks.clone()).await.unwrap();
            store.compact().await.unwrap();
            store.close().await;
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "{what}");
            std::fs::remove_dir_all(&harmed).unwrap();
        }
    }
}

/// Several tables of the index, none of which opens: every block is named by the keys of the bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_ends_when_no_index_opens() {
    let dir = TempDir::new().unwrap();
    let harmed = dir.path().join("harmed");
    let blocks: Vec<Block> = (0..900).map(|n| block(n, 300)).collect();
    for part in blocks.chunks(300) {
        let store = open(&harmed);
        store.put_many(part.to_vec()).await.unwrap();
        // A flush: what is bulky is not logged.
        let seed = u64::from(part[0].data()[0]) << 40;
        let bulk = (0..60).map(|n| block(seed | n << 8 | 1, 100_000));
        store.put_many(bulk.collect()).await.unwrap();
        store.sync().await.unwrap();
        store.close().await;
    }
    let mut hit = 0;
    for table in files(&harmed, ".sst") {
        let bytes = std::fs::read(&table).unwrap();
        let is_meta = bytes.windows(8).any(|window| window == b"namemeta");
        if is_meta {
            flip(&table, bytes.len() - 20);
            hit += 1;
        }
    }
    assert!(hit >= 2, "{hit}");
    let store = open(&harmed);
    assert!(store.is_broken());
    let bad = scrub(&store).await;
    assert!(blocks.iter().all(|b| bad.contains(b.multihash())));
    let rebuilt = store.rebuild().await.unwrap();
    assert!(rebuilt.lost_blocks.is_empty());
    store.close().await;
    let store = open(&harmed);
    let got = Blockstore::get_many(&store, &cids(&blocks)).await.unwrap();
    assert!(got.iter().flatten().eq(&blocks));
    crate::support::assert_sound(&store).await;
}
