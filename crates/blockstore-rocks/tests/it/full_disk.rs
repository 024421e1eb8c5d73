//! On a full disk writes are refused, nothing acknowledged is lost, and space makes all well again.
//! Needs a file system of its own: not run where mounting is not permitted.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use basalt_block::Block;
use basalt_blockstore::{Batch, Blockstore, Datastore, Error};
use basalt_blockstore_rocks::{Options, RocksStore};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tempfile::TempDir;

use crate::support::{assert_sound, block, cids, hashes};

struct Disk {
    dir: TempDir,
}

impl Disk {
    /// A small file system, or `None` with a printed reason.
    fn of(mib: usize) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let size = format!("size={mib}m");
        let mounted = mount(
            Some("tmpfs"),
            dir.path(),
            Some("tmpfs"),
            MsFlags::empty(),
            Some(size.as_str()),
        );
        match mounted {
            Ok(()) => Some(Self { dir }),
            Err(error) => {
                eprintln!("not run: cannot mount a tmpfs: {error}");
                None
            }
        }
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// Takes all the space there is, from outside of the store.
    fn fill(&self) -> Filler {
        self.fill_at("filler")
    }

    fn fill_at(&self, name: &str) -> Filler {
        let path = self.dir.path().join(name);
        let file = std::fs::File::create(&path).unwrap();
        let (mut len, mut part) = (0, 64 << 20);
        while part >= 4096 {
            match nix::fcntl::posix_fallocate(&file, len, part) {
                Ok(()) => len += part,
                Err(_) => part /= 2,
            }
        }
        Filler(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(self.dir.path(), MntFlags::MNT_DETACH);
    }
}

struct Filler(PathBuf);

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn options(path: &Path) -> Options {
    let mut options = Options::new(path);
    options.memory_budget = 16 << 20;
    options
}

fn parts(from: u64, to: u64) -> impl Iterator<Item = Vec<Block>> {
    (from..to).map(|part| (0..8).map(|n| block(part << 16 | n, 120_000)).collect())
}

async fn until_it_writes(store: &RocksStore) {
    let began = Instant::now();
    loop {
        let mut batch = Batch::default();
        batch.put("again", "yes");
        match Datastore::write(store, batch).await {
            Ok(()) => return,
            Err(Error::Full(_) | Error::Io(_)) if began.elapsed() < Duration::from_secs(20) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => panic!("{error} after {:?}", began.elapsed()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_refused_before_the_disk_is_full() {
    let Some(disk) = Disk::of(128) else { return };
    let store = RocksStore::open(options(&disk.store())).unwrap();
    let mut kept: Vec<Block> = Vec::new();
    let mut refused = None;
    for part in parts(0, 1000) {
        match store.put_many(part.clone()).await {
            Ok(()) => kept.extend(part),
            Err(error) => {
                refused = Some((error, part));
                break;
            }
        }
    }
    let (error, part) = refused.expect("the disk is smaller than the blocks");
    assert!(matches!(&error, Error::Full(_)), "{error}");
    assert!(error.to_string().contains("repo gc"), "{error}");
    let none = Blockstore::get_many(&store, &cids(&part)).await.unwrap();
    assert!(none.iter().all(Option::is_none), "half a request was kept");
    store.sync().await.unwrap();
    assert_sound(&store).await;
    // Records and deletions still work, and give room.
    until_it_writes(&store).await;
    // Every other block, so that no file is without living ones.
    let (gone, stay): (Vec<_>, Vec<_>) = (0..).zip(kept).partition(|(n, _)| n % 2 == 0);
    let only = |blocks: Vec<(u32, Block)>| blocks.into_iter().map(|(_, b)| b).collect();
    let (gone, stay): (Vec<Block>, Vec<Block>) = (only(gone), only(stay));
    store.delete_many(&hashes(&gone)).await.unwrap();
    store.sync().await.unwrap();
    store.compact().await.unwrap();
    store.put_many(part.clone()).await.unwrap();
    store.sync().await.unwrap();
    store.close().await;
    let store = RocksStore::open(options(&disk.store())).unwrap();
    let got = Blockstore::get_many(&store, &cids(&stay)).await.unwrap();
    assert!(got.iter().flatten().eq(&stay));
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_survives_a_disk_that_others_fill() {
    let Some(disk) = Disk::of(160) else { return };
    let store = RocksStore::open(options(&disk.store())).unwrap();
    let mut kept: Vec<Block> = Vec::new();
    for part in parts(0, 20) {
        store.put_many(part.clone()).await.unwrap();
        kept.extend(part);
    }
    store.sync().await.unwrap();
    // These are in memory only when the disk fills up.
    for part in parts(20, 26) {
        store.put_many(part.clone()).await.unwrap();
        kept.extend(part);
    }
    let filler = disk.fill();
    let synced = store.sync().await;
    assert!(matches!(synced, Err(Error::Full(_))), "{synced:?}");
    let more = store.put_many(parts(50, 51).next().unwrap()).await;
    assert!(matches!(more, Err(Error::Full(_))), "{more:?}");
    let got = Blockstore::get_many(&store, &cids(&kept)).await.unwrap();
    assert!(got.iter().flatten().eq(&kept), "reads go on");
    drop(filler);
    until_it_writes(&store).await;
    store.sync().await.unwrap();
    store.put_many(parts(50, 51).next().unwrap()).await.unwrap();
    assert_sound(&store).await;
    store.close().await;
    let store = RocksStore::open(options(&disk.store())).unwrap();
    let got = Blockstore::get_many(&store, &cids(&kept)).await.unwrap();
    assert!(
        got.iter().flatten().eq(&kept),
        "nothing acknowledged is lost"
    );
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_whole_or_not_on_a_full_disk() {
    let Some(disk) = Disk::of(96) else { return };
    let store = RocksStore::open(options(&disk.store())).unwrap();
    let filler = disk.fill();
    let mut kept = Vec::new();
    let mut refused = 0;
    for n in 0..400u32 {
        let mut batch = Batch::default();
        batch.put(format!("r/{n}"), vec![n as u8; 200_000]);
        batch.put(format!("s/{n}"), "second");
        match Datastore::write(&store, batch).await {
            Ok(()) => kept.push(n),
            Err(error) => {
                assert!(matches!(&error, Error::Full(_) | Error::Io(_)), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    drop(filler);
    until_it_writes(&store).await;
    store.close().await;
    let store = RocksStore::open(options(&disk.store())).unwrap();
    assert_eq!(store.damage(), None);
    for n in 0..400u32 {
        let r = Datastore::get(&store, format!("r/{n}").as_bytes())
            .await
            .unwrap();
        let s = Datastore::get(&store, format!("s/{n}").as_bytes())
            .await
            .unwrap();
        assert_eq!(r.is_some(), s.is_some(), "half a batch");
        assert!(r.is_some() || !kept.contains(&n), "record {n} is lost");
    }
}

/// What a crash leaves: the files as they are, beside the open store.
fn crash(disk: &Disk) -> PathBuf {
    let crashed = disk.dir.path().join("crashed");
    std::fs::create_dir(&crashed).unwrap();
    for entry in std::fs::read_dir(disk.store()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), crashed.join(entry.file_name())).unwrap();
    }
    crashed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_opens_and_deletes_without_a_free_byte() {
    let Some(disk) = Disk::of(128) else { return };
    let store = RocksStore::open(options(&disk.store())).unwrap();
    let blocks: Vec<Block> = parts(0, 8).flatten().collect();
    store.put_many(blocks.clone()).await.unwrap();
    store.sync().await.unwrap();
    // In the log only, more than the ballast holds.
    let logged: Vec<Block> = (0..30).map(|n| block(1 << 40 | n, 100_000)).collect();
    for part in logged.chunks(5) {
        store.put_many(part.to_vec()).await.unwrap();
        store.sync().await.unwrap();
    }
    let mut batch = Batch::default();
    for n in 0..10 {
        batch.put(format!("pins/{n}"), "kept");
    }
    Datastore::write(&store, batch).await.unwrap();
    let crashed = crash(&disk);
    store.close().await;
    std::fs::remove_dir_all(disk.store()).unwrap();
    let all = [blocks, logged].concat();
    for n in 0..5 {
        // Again and again: nothing of what a start needs is used up.
        let filler = disk.fill();
        let store = RocksStore::open(options(&crashed)).unwrap();
        let more = disk.fill_at("more");
        assert_eq!(store.damage(), None);
        let got = Blockstore::get_many(&store, &cids(&all)).await.unwrap();
        assert_eq!(got.iter().flatten().count(), all.len() - n);
        let put = store.put_many(vec![block(1 << 50, 100_000)]).await;
        assert!(matches!(put, Err(Error::Full(_))), "{put:?}");
        let mut batch = Batch::default();
        batch.delete(format!("pins/{n}"));
        Datastore::write(&store, batch).await.unwrap();
        store.delete_many(&hashes(&all[n..=n])).await.unwrap();
        store.sync().await.unwrap();
        store.close().await;
        drop((filler, more));
    }
    let store = RocksStore::open(options(&crashed)).unwrap();
    let got = Blockstore::get_many(&store, &cids(&all[5..]))
        .await
        .unwrap();
    assert!(got.iter().flatten().eq(&all[5..]));
    for n in 0..10 {
        let key = format!("pins/{n}");
        let pin = Datastore::get(&store, key.as_bytes()).await.unwrap();
        assert_eq!(pin.is_some(), n >= 5, "{key}");
    }
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_are_durable_beside_blocks_that_find_no_room() {
    let Some(disk) = Disk::of(160) else { return };
    // What is put fits into one memtable, so that no flush begins by itself.
    let store = RocksStore::open(Options::new(disk.store())).unwrap();
    let kept: Vec<Block> = parts(0, 8).flatten().collect();
    store.put_many(kept.clone()).await.unwrap();
    let mut batch = Batch::default();
    batch.put("pins/a", "1").put("pins/b", "1");
    Datastore::write(&store, batch).await.unwrap();
    // These are in memory only, and never synced.
    let unsynced: Vec<Block> = parts(20, 26).flatten().collect();
    for part in unsynced.chunks(8) {
        store.put_many(part.to_vec()).await.unwrap();
    }
    let filler = disk.fill();
    let mut batch = Batch::default();
    batch.delete("pins/a");
    Datastore::write(&store, batch).await.unwrap();
    store.delete_many(&hashes(&kept[..1])).await.unwrap();
    let mut batch = Batch::default();
    batch.delete("pins/b");
    Datastore::write(&store, batch).await.unwrap();
    let rest = tempfile::TempDir::new().unwrap();
    crate::support::copy(&disk.store(), rest.path());
    drop(filler);
    let after = RocksStore::open(options(rest.path())).unwrap();
    for pin in ["pins/a", "pins/b"] {
        let found = Datastore::get(&after, pin.as_bytes()).await.unwrap();
        assert_eq!(found, None, "{pin}");
    }
    let got = Blockstore::get_many(&after, &cids(&kept[1..])).await;
    assert!(got.unwrap().iter().flatten().eq(&kept[1..]));
    assert_sound(&after).await;
    // With space the living store keeps what was in memory.
    until_it_writes(&store).await;
    store.sync().await.unwrap();
    let got = Blockstore::get_many(&store, &cids(&unsynced)).await;
    assert!(got.unwrap().iter().flatten().eq(&unsynced));
    store.close().await;
    assert_sound(&RocksStore::open(options(&disk.store())).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_found_no_room_does_not_keep_deletions_from_being_written() {
    // The ballast, a part of the disk, is larger than a memtable.
    let Some(disk) = Disk::of(512) else { return };
    let store = RocksStore::open(options(&disk.store())).unwrap();
    let kept: Vec<Block> = parts(0, 4).flatten().collect();
    store.put_many(kept.clone()).await.unwrap();
    let mut batch = Batch::default();
    batch.put("pins/a", "1");
    Datastore::write(&store, batch).await.unwrap();
    let unsynced: Vec<Block> = parts(20, 23).flatten().collect();
    store.put_many(unsynced.clone()).await.unwrap();
    let filler = disk.fill();
    // More than a memtable: one is flushed, or tried to.
    for n in 0..60 {
        let mut batch = Batch::default();
        batch.put(format!("r/{n}"), vec![1; 200_000]);
        let _ = Datastore::write(&store, batch).await;
    }
    let mut batch = Batch::default();
    batch.delete("pins/a");
    Datastore::write(&store, batch).await.unwrap();
    drop(filler);
    until_it_writes(&store).await;
    store.close().await;
    let store = RocksStore::open(options(&disk.store())).unwrap();
    assert_eq!(Datastore::get(&store, b"pins/a").await.unwrap(), None);
    assert_sound(&store).await;
}
