//! References to files that are there, moved, changed, cut off or hostile.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use basalt_block::{Block, Hasher, codec};
use basalt_blockstore::{Batch, Blockstore, Datastore, Deleted, Error, MemoryStore};
use basalt_filestore::{Filestore, Options, Order, Reference, Row, Status};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tempfile::TempDir;

struct Place {
    dir: TempDir,
    memory: Arc<MemoryStore>,
    store: Filestore,
}

async fn place() -> Place {
    let dir = TempDir::new().unwrap();
    let memory = Arc::new(MemoryStore::default());
    let store = open(&memory, dir.path(), true).await;
    Place { dir, memory, store }
}

async fn open(memory: &Arc<MemoryStore>, root: &Path, files: bool) -> Filestore {
    let options = Options {
        root: root.to_owned(),
        files,
        urls: true,
    };
    let store = Filestore::open(memory.clone(), memory.clone(), options);
    store.await.unwrap()
}

impl Place {
    /// Writes a file of two blocks and refers to them.
    async fn add(&self, name: &str, seed: u8) -> Vec<Block> {
        let blocks: Vec<Block> = [[seed; 1000], [seed + 1; 1000]]
            .iter()
            .map(|data| {
                let data = Bytes::copy_from_slice(data);
                Block::hash(1, codec::RAW, Hasher::SHA2_256, data).unwrap()
            })
            .collect();
        let all: Vec<u8> = blocks.iter().flat_map(|b| b.data().to_vec()).collect();
        std::fs::write(self.dir.path().join(name), all).unwrap();
        self.refer(name, &blocks).await;
        blocks
    }

    async fn refer(&self, name: &str, blocks: &[Block]) {
        let file = self.dir.path().join(name);
        let path = self.store.path_of(file.as_os_str().as_bytes()).unwrap();
        let mut offset = 0;
        let mut references = Vec::new();
        for block in blocks {
            let size = block.data().len() as u64;
            let path = path.clone();
            references.push((*block.multihash(), Reference { path, offset, size }));
            offset += size;
        }
        self.store.refer(references).await.unwrap();
    }

    async fn status(&self, block: &Block) -> Status {
        self.store.check(block.multihash()).await.unwrap().status()
    }

    async fn paths(&self, order: Order) -> Vec<String> {
        let rows: Vec<_> = self.store.list(order, false).try_collect().await.unwrap();
        rows.iter()
            .map(|row| {
                let reference = row.reference.as_ref().unwrap();
                let path = String::from_utf8_lossy(&reference.path).into_owned();
                format!("{path} {}", reference.offset)
            })
            .collect()
    }
}

async fn error(store: &Filestore, block: &Block) -> String {
    match store.get(block.cid()).await {
        Err(error @ Error::Reference(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bytes_come_from_the_file() {
    let place = place().await;
    let blocks = place.add("a", 1).await;
    for block in &blocks {
        let got = place.store.get(block.cid()).await.unwrap();
        assert_eq!(got.as_ref(), Some(block));
        assert_eq!(place.status(block).await, Status::Ok);
        assert_eq!(place.memory.usage().blocks, 0, "nothing is kept");
    }
    assert_eq!(place.store.usage().blocks, 2);
    assert_eq!(place.store.usage().block_bytes, 2000);
    assert_eq!(place.paths(Order::File).await, ["a 0", "a 1000"]);
    // The totals outlive the handle.
    let again = open(&place.memory, place.dir.path(), true).await;
    assert_eq!(again.usage().blocks, 2);
    // Without them, or with bad ones, the references are counted.
    for bad in [Some("\u{ff}"), None] {
        let mut batch = Batch::default();
        match bad {
            Some(bad) => batch.put("filestore-totals", bad),
            None => batch.delete("filestore-totals"),
        };
        Datastore::write(&*place.memory, batch).await.unwrap();
        let again = open(&place.memory, place.dir.path(), true).await;
        assert_eq!((again.usage().blocks, again.usage().block_bytes), (2, 2000));
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let place = place().await;
    let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|name| place.dir.path().join(name));
    let mut all = Vec::new();
    for (n, name) in ["a", "b", "c", "d", "e"].iter().enumerate() {
        all.push(place.add(name, n as u8 * 10).await);
    }
    std::fs::rename(&a, place.dir.path().join("moved")).unwrap();
    std::fs::write(&b, [99; 2000]).unwrap();
    std::fs::write(&c, [20; 1500]).unwrap();
    std::fs::remove_file(&d).unwrap();
    std::fs::create_dir(&d).unwrap();
    std::fs::remove_file(&e).unwrap();
    nix::unistd::mkfifo(&e, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let store = &place.store;
    let gone = format!("open {}: no such file or directory", a.display());
    assert_eq!(error(store, &all[0][0]).await, gone);
    let changed = "data in file did not match. b offset 1000";
    assert_eq!(error(store, &all[1][1]).await, changed);
    assert!(store.get(all[2][0].cid()).await.unwrap().is_some());
    assert_eq!(error(store, &all[2][1]).await, "EOF: c offset 1000");
    let folder = format!("read {}: is a directory", d.display());
    assert_eq!(error(store, &all[3][0]).await, folder);
    let pipe = format!("read {}: not a regular file", e.display());
    assert_eq!(error(store, &all[4][0]).await, pipe);
    let mut found = Vec::new();
    for blocks in &all {
        found.push(place.status(&blocks[1]).await);
    }
    use Status::{Changed, FileError, NoFile};
    assert_eq!(found, [NoFile, Changed, Changed, FileError, FileError]);
    let absent = Block::hash(1, codec::RAW, Hasher::SHA2_256, "none".into()).unwrap();
    assert_eq!(place.status(&absent).await, Status::Missing);
}

#[tokio::test]
async fn adding_again_mends_and_else_keeps() {
    let place = place().await;
    let blocks = place.add("a", 1).await;
    std::fs::copy(place.dir.path().join("a"), place.dir.path().join("b")).unwrap();
    place.refer("b", &blocks).await;
    assert_eq!(place.paths(Order::File).await, ["a 0", "a 1000"]);
    std::fs::write(place.dir.path().join("a"), [1; 1500]).unwrap();
    place.refer("b", &blocks).await;
    assert_eq!(place.paths(Order::File).await, ["a 0", "b 1000"]);
    assert_eq!(place.store.usage().blocks, 2);
    for block in &blocks {
        assert_eq!(place.status(block).await, Status::Ok);
    }
}

#[tokio::test]
async fn places_that_are_refused() {
    let place = place().await;
    let root = place.dir.path().display().to_string();
    let outside = format!("cannot add filestore references outside ipfs root ({root})");
    for path in [
        "/etc/passwd".to_owned(),
        format!("{root}x/file"),
        format!("{root}/../x"),
        root.clone(),
        "relative".to_owned(),
        String::new(),
    ] {
        let refused = place.store.path_of(path.as_bytes()).unwrap_err();
        assert_eq!(refused.to_string(), outside, "{path}");
    }
    let dotted = format!("{root}/x/.././a/b");
    assert_eq!(&place.store.path_of(dotted.as_bytes()).unwrap()[..], b"a/b");
    let long = vec![b'/'; 40_000];
    assert!(place.store.path_of(&long).is_err());
    let off = open(&place.memory, place.dir.path(), false).await;
    let file = format!("{root}/a");
    let refused = off.path_of(file.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        refused,
        "filestore is not enabled, see https://git.io/vNItf"
    );
    assert_eq!(&off.path_of(b"http://x/y").unwrap()[..], b"http://x/y");
}

#[tokio::test]
async fn hostile_rows_do_no_harm() {
    let place = place().await;
    let block = Block::hash(1, codec::RAW, Hasher::SHA2_256, "x".into()).unwrap();
    for path in ["/etc/passwd", "../x", "a/../../x", "a\0b"] {
        let reference = Reference {
            path: path.into(),
            offset: 0,
            size: 1,
        };
        let row = vec![(*block.multihash(), reference)];
        place.store.refer(row).await.unwrap();
        let told = error(&place.store, &block).await;
        assert!(told.ends_with("is outside of the root"), "{told}");
    }
    // A row that is damaged is listed, names its block when it is asked for, and can be removed.
    let mut batch = Batch::default();
    let keys: Vec<_> = place
        .memory
        .scan(b"filestore/", None)
        .try_collect()
        .await
        .unwrap();
    let (key, _): (Bytes, Bytes) = keys[0].clone();
    batch.put(key, "\u{ff}");
    Datastore::write(&*place.memory, batch).await.unwrap();
    assert_eq!(place.status(&block).await, Status::Other);
    assert_eq!(place.store.list(Order::File, true).count().await, 1);
    let told = place.store.get(block.cid()).await.unwrap_err().to_string();
    assert!(told.contains(&block.cid().to_string()), "{told}");
    let gone = place
        .store
        .delete_many(&[*block.multihash()])
        .await
        .unwrap();
    assert_eq!(gone, [Deleted::Gone(0)]);
    assert_eq!(place.store.usage().blocks, 0);
}

#[tokio::test]
async fn what_is_kept_and_referred_to() {
    let place = place().await;
    let blocks = place.add("a", 1).await;
    place.store.put_many(blocks[..1].to_vec()).await.unwrap();
    let both: Vec<_> = place.store.duplicates().try_collect().await.unwrap();
    assert_eq!(both, [*blocks[0].multihash()]);
    std::fs::remove_file(place.dir.path().join("a")).unwrap();
    let got = place.store.get(blocks[0].cid()).await.unwrap();
    assert_eq!(got.as_ref(), Some(&blocks[0]), "what was put is kept");
    let hashes: Vec<_> = blocks.iter().map(|b| *b.multihash()).collect();
    let deleted = place.store.delete_many(&hashes).await.unwrap();
    assert_eq!(deleted, [Deleted::Gone(1000), Deleted::Gone(1000)]);
    assert_eq!(place.store.usage().blocks, 0);
}

#[test]
fn a_row_has_the_bytes_it_always_had() {
    let reference = Reference {
        path: "d/a".into(),
        offset: 300,
        size: 5,
    };
    let row = Row {
        reference,
        epoch: 1,
    };
    assert_eq!(row.encode(), b"\x05\xac\x02\x01d/a");
}
