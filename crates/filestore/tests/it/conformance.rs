//! The suite of every store, on blocks that are kept and on blocks that are referred to.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use basalt_block::{Block, Cid, Multihash, codec};
use basalt_blockstore::{
    Batch, BlockStat, Blockstore, Datastore, Deleted, Findings, Horizon, Lease, MemoryStore,
    Records, Result, StatStream, Usage,
};
use basalt_filestore::{Filestore, Options, Reference};
use bytes::Bytes;
use tempfile::TempDir;

/// A filestore whose raw blocks are all put as references to one growing file.
struct Referring {
    store: Filestore,
    /// What is not the filestore's own.
    records: MemoryStore,
    refers: bool,
    file: Mutex<std::fs::File>,
    dir: TempDir,
}

async fn open(refers: bool) -> Referring {
    let dir = TempDir::new().unwrap();
    let memory = Arc::new(MemoryStore::default());
    let options = Options {
        root: dir.path().to_owned(),
        files: true,
        urls: false,
    };
    let store = Filestore::open(memory.clone(), memory, options)
        .await
        .unwrap();
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.path().join("bytes"))
        .unwrap();
    Referring {
        store,
        records: MemoryStore::default(),
        refers,
        file: file.into(),
        dir,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept() {
    basalt_blockstore::conformance::check(async || open(false).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_referred_to() {
    basalt_blockstore::conformance::check(async || open(true).await).await;
}

#[async_trait]
impl Blockstore for Referring {
    async fn get(&self, cid: &Cid) -> Result<Option<Block>> {
        self.store.get(cid).await
    }
    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        Blockstore::get_many(&self.store, cids).await
    }
    async fn stat_many(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        self.store.stat_many(cids).await
    }
    async fn put_many(&self, blocks: Vec<Block>) -> Result<()> {
        let cids: Vec<Cid> = blocks.iter().map(|b| *b.cid()).collect();
        let kept = self.store.blocks().stat_many(&cids).await?;
        let fits = |b: &Block| b.cid().codec() == codec::RAW && b.data().len() <= 2 << 20;
        let (mut put, mut refer) = (Vec::new(), Vec::new());
        for (block, kept) in blocks.into_iter().zip(kept) {
            if kept.is_some() || !self.refers || !fits(&block) {
                put.push(block);
                continue;
            }
            let offset = {
                let mut file = self.file.lock().unwrap();
                let offset = file.metadata().unwrap().len();
                file.write_all(block.data()).unwrap();
                offset
            };
            let place = self.dir.path().join("bytes");
            let path = self.store.path_of(place.as_os_str().as_bytes()).unwrap();
            let size = block.data().len() as u64;
            let reference = Reference { path, offset, size };
            refer.push((*block.multihash(), reference));
        }
        self.store.put_many(put).await?;
        self.store.refer(refer).await
    }
    async fn sync(&self) -> Result<()> {
        self.store.sync().await
    }
    async fn delete_many(&self, hashes: &[Multihash]) -> Result<Vec<Deleted>> {
        self.store.delete_many(hashes).await
    }
    async fn sweep(&self, hashes: &[Multihash], horizon: Horizon) -> Result<Vec<Deleted>> {
        self.store.sweep(hashes, horizon).await
    }
    async fn compact(&self) -> Result<()> {
        self.store.compact().await
    }
    fn lease(&self) -> Lease {
        self.store.lease()
    }
    fn begin_sweep(&self) -> Horizon {
        self.store.begin_sweep()
    }
    fn keys(&self) -> StatStream {
        self.store.keys()
    }
    fn scrub(&self) -> Findings {
        self.store.scrub()
    }
    fn usage(&self) -> Usage {
        self.store.usage()
    }
}

#[async_trait]
impl Datastore for Referring {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Datastore::get(&self.records, key).await
    }
    async fn get_many(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>> {
        Datastore::get_many(&self.records, keys).await
    }
    async fn write(&self, batch: Batch) -> Result<()> {
        Datastore::write(&self.records, batch).await
    }
    fn scan(&self, prefix: &[u8], from: Option<&[u8]>) -> Records {
        self.records.scan(prefix, from)
    }
}
