//! Blocks: read by several threads, checked against their names, and put into the store.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use basalt_block::{Block, Cid, Multihash, codec, hash_codes};
use basalt_blockstore::Blockstore;
use basalt_blockstore_rocks::RocksStore;
use basalt_kubo::{Api, Connection, Found, KuboRepo, Part};
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::{Events, KuboImportEvent, KuboImportProgress, KuboImported, TELL, damaged};
use crate::Result;

/// Blocks that the store is asked for together.
const CHUNK: usize = 256;
/// Bytes that are put together.
const BATCH: usize = 1 << 20;
/// Reading waits for the disk more than for the processor.
const READERS: usize = 6;
/// A file that is larger is no block: bitswap carries no more than 2 MiB, and Kubo never took more
/// than a few.
const MAX_BLOCK: u64 = 64 << 20;
/// A node of dag-cbor that is larger is not looked at; it is kept all the same.
const MAX_CBOR: usize = 1 << 20;

/// Where blocks come from.
pub(super) enum Feed {
    /// Parts, each read by one thread.
    Parts(Mutex<std::vec::IntoIter<Part>>),
    /// A list, of which the threads take some at a time.
    List(
        Api,
        Mutex<Box<dyn Iterator<Item = basalt_kubo::Result<Found>> + Send>>,
    ),
}

impl Feed {
    pub(super) fn open(source: &KuboRepo, api: Option<Api>) -> Result<Self> {
        Ok(match api {
            None => Self::Parts(Mutex::new(source.blocks()?.parts()?.into_iter())),
            Some(api) => {
                let blocks = api.blocks()?;
                Self::List(api, Mutex::new(Box::new(blocks)))
            }
        })
    }
}

/// What the threads have done, and how they are told to end.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    blocks: AtomicU64,
    bytes: AtomicU64,
    present: AtomicU64,
    present_bytes: AtomicU64,
}

/// Ends the threads when the import is given up.
struct StopOnDrop(Arc<Shared>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

type Bad = (String, String);

/// Brings every block of `feed` into `store`.
pub(super) async fn bring(
    store: Arc<RocksStore>,
    feed: Feed,
    total_bytes: u64,
    events: &Events,
    done: &mut KuboImported,
) -> Result<()> {
    let shared = Arc::new(Shared::default());
    let _stop = StopOnDrop(shared.clone());
    let feed = Arc::new(feed);
    let (bad, mut bads) = mpsc::channel::<Bad>(CHUNK);
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..READERS {
        let reader = Reader {
            store: store.clone(),
            feed: feed.clone(),
            shared: shared.clone(),
            bad: bad.clone(),
            runtime: Handle::current(),
        };
        readers.spawn_blocking(move || {
            let ended = reader.run();
            if ended.is_err() {
                reader.shared.stop.store(true, Ordering::Relaxed);
            }
            ended
        });
    }
    drop(bad);
    let mut tell = tokio::time::interval(TELL);
    loop {
        tokio::select! {
            found = bads.recv() => match found {
                Some((what, reason)) => damaged(events, done, what, reason).await,
                None => break,
            },
            _ = tell.tick() => {
                let _ = events.try_send(KuboImportEvent::Progress(shared.progress(total_bytes)));
            }
        }
    }
    while let Some(ended) = readers.join_next().await {
        ended??;
    }
    let _ = events
        .send(KuboImportEvent::Progress(shared.progress(total_bytes)))
        .await;
    done.blocks = shared.blocks.load(Ordering::Relaxed);
    done.bytes = shared.bytes.load(Ordering::Relaxed);
    done.present = shared.present.load(Ordering::Relaxed);
    Ok(())
}

impl Shared {
    fn progress(&self, total_bytes: u64) -> KuboImportProgress {
        let sum =
            |a: &AtomicU64, b: &AtomicU64| a.load(Ordering::Relaxed) + b.load(Ordering::Relaxed);
        let bytes = sum(&self.bytes, &self.present_bytes);
        KuboImportProgress {
            blocks: sum(&self.blocks, &self.present),
            bytes,
            total_bytes: total_bytes.max(bytes),
        }
    }
}

struct Reader {
    store: Arc<RocksStore>,
    feed: Arc<Feed>,
    shared: Arc<Shared>,
    bad: mpsc::Sender<Bad>,
    runtime: Handle,
}

impl Reader {
    fn run(&self) -> Result<()> {
        match &*self.feed {
            Feed::Parts(parts) => loop {
                let part = parts.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(part) = part else { return Ok(()) };
                let mut found = part.read()?;
                while self.some(found.by_ref(), None)? {}
                if self.stopped() {
                    return Ok(());
                }
            },
            Feed::List(api, list) => {
                let mut connection = api.connection();
                loop {
                    let chunk: Vec<_> = {
                        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
                        list.by_ref().take(CHUNK / 8).collect()
                    };
                    if chunk.is_empty() || !self.some(chunk.into_iter(), Some(&mut connection))? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    fn report(&self, what: String, reason: impl ToString) {
        // Fails when the import is given up.
        let _ = self.bad.blocking_send((what, reason.to_string()));
    }

    /// Takes some blocks from `found` and brings them into the store; `false` at the end.
    fn some(
        &self,
        found: impl Iterator<Item = basalt_kubo::Result<Found>>,
        mut connection: Option<&mut Connection>,
    ) -> Result<bool> {
        if self.stopped() {
            return Ok(false);
        }
        let mut chunk: Vec<(Cid, Found)> = Vec::new();
        let mut bytes = 0;
        let mut any = false;
        for found in found {
            let found = found?;
            any = true;
            let hash = match &found {
                Found::File(hash, _) | Found::Remote(hash) => *hash,
                Found::Bytes(hash, data, _) => {
                    bytes += data.len();
                    *hash
                }
                Found::Strange(what) => {
                    self.report(what.clone(), "its name is no block's");
                    continue;
                }
            };
            // Such a CID holds its block, which no store keeps.
            if hash.code() != hash_codes::IDENTITY {
                chunk.push((Cid::new_v1(codec::RAW, hash), found));
            }
            if chunk.len() >= CHUNK || bytes >= BATCH {
                break;
            }
        }
        let cids: Vec<Cid> = chunk.iter().map(|(cid, _)| *cid).collect();
        let stats = self.runtime.block_on(self.store.stat_many(&cids))?;
        let mut batch = Vec::new();
        let mut size = 0;
        for ((cid, found), stat) in chunk.into_iter().zip(stats) {
            if let Some(stat) = stat {
                self.shared.present.fetch_add(1, Ordering::Relaxed);
                self.shared
                    .present_bytes
                    .fetch_add(stat.size, Ordering::Relaxed);
                continue;
            }
            if self.stopped() {
                return Ok(false);
            }
            let Some(block) = self.load(&cid, found, connection.as_deref_mut())? else {
                continue;
            };
            size += block.data().len();
            batch.push(block);
            if size >= BATCH {
                self.put(std::mem::take(&mut batch), std::mem::take(&mut size))?;
            }
        }
        self.put(batch, size)?;
        Ok(any)
    }

    fn put(&self, batch: Vec<Block>, size: usize) -> Result<()> {
        let blocks = batch.len() as u64;
        self.runtime.block_on(self.store.put_many(batch))?;
        self.shared.blocks.fetch_add(blocks, Ordering::Relaxed);
        self.shared.bytes.fetch_add(size as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Reads a block and checks it; what is wrong with it is reported.
    fn load(
        &self,
        cid: &Cid,
        found: Found,
        connection: Option<&mut Connection>,
    ) -> Result<Option<Block>> {
        let (what, data) = match found {
            Found::File(_, path) => (path.display().to_string(), read(&path)),
            Found::Bytes(_, data, what) => (what, Ok(data)),
            Found::Remote(hash) => {
                let Some(connection) = connection else {
                    return Ok(None);
                };
                match connection.block(&hash) {
                    Ok(data) => (cid.to_string(), Ok(data)),
                    Err(basalt_kubo::Error::Refused(reason)) => (cid.to_string(), Err(reason)),
                    Err(error) => return Err(error.into()),
                }
            }
            Found::Strange(_) => return Ok(None),
        };
        let block = data.and_then(|data| checked(cid.hash(), data.into()));
        Ok(match block {
            Ok(block) => Some(block),
            Err(reason) => {
                self.report(what, reason);
                None
            }
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let size = file.metadata().map_err(|e| e.to_string())?.len();
    if size > MAX_BLOCK {
        return Err(format!("it has {size} bytes, which no block has"));
    }
    let mut data = Vec::with_capacity(size as usize);
    let read = file.take(MAX_BLOCK).read_to_end(&mut data);
    read.map_err(|e| e.to_string())?;
    Ok(data)
}

/// The block, if its bytes are those that the name says. Kubo's datastores do not tell the codec; it
/// decides where the store keeps the block, and is guessed from the bytes.
fn checked(hash: &Multihash, data: Bytes) -> Result<Block, String> {
    let links = |codec| basalt_ipld::for_each_link(codec, &data, |_| {}).is_ok();
    let codec = match data.first() {
        Some(0x0a | 0x12) if links(codec::DAG_PB) => codec::DAG_PB,
        Some(0x80..=0xbf) if data.len() <= MAX_CBOR && links(codec::DAG_CBOR) => codec::DAG_CBOR,
        _ => codec::RAW,
    };
    Block::verified(Cid::new_v1(codec, *hash), data).map_err(|e| e.to_string())
}
