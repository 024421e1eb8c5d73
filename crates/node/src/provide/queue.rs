//! What waits to be announced for the first time. It outlives the process.
//!
//! An entry is a CID and whether everything below it is meant too, so that adding a large tree costs one
//! entry. Who adds waits until there is room for the entry, not until it is written: an entry that a crash
//! loses is announced with the next cycle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use basalt_block::{Cid, cid_of_bytes};
use basalt_blockstore::{Batch, Datastore};
use bytes::Bytes;
use futures::stream::FuturesUnordered;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::{Mutex, Notify, mpsc};

use super::{Provider, Work, keys};
use crate::{Node, Result};

/// The table; a number that counts up follows. The value: 1 with everything below, else 0; the CID.
const TABLE: &[u8] = b"provide/queue/";
/// The strategy that the entries were made for.
const STRATEGY: &[u8] = b"provide/strategy";
/// Entries that may wait to be written.
const WAITING: usize = 1024;
/// Entries that are kept; what comes then is announced with the next cycle.
const ENTRIES: u64 = 1_000_000;
/// Entries that are taken at a time.
const PAGE: usize = 64;
/// Keys that are announced at a time.
const KEYS: usize = 4096;

pub(super) struct Queue {
    records: Arc<dyn Datastore>,
    new: mpsc::Sender<(Cid, bool)>,
    incoming: Mutex<Option<mpsc::Receiver<(Cid, bool)>>>,
    next: AtomicU64,
    pub(super) length: AtomicU64,
    written: Notify,
}

fn key(number: u64) -> Bytes {
    [TABLE, &number.to_be_bytes()].concat().into()
}

/// Deletes every entry; gives how many there were.
pub(super) async fn clear(records: &dyn Datastore) -> Result<u64> {
    let mut all = 0;
    loop {
        let page: Vec<_> = records.scan(TABLE, None).take(1024).try_collect().await?;
        if page.is_empty() {
            return Ok(all);
        }
        all += page.len() as u64;
        let mut batch = Batch::default();
        for (key, _) in page {
            batch.delete(key);
        }
        records.write(batch).await?;
    }
}

impl Queue {
    /// The queue that is kept in `records`; emptied if it was made for another strategy.
    pub(super) async fn open(records: Arc<dyn Datastore>, strategy: &str) -> Result<Self> {
        let before = records.get(STRATEGY).await?;
        if before.is_none_or(|before| before != strategy.as_bytes()) {
            clear(&*records).await?;
            let mut batch = Batch::default();
            batch.put(STRATEGY, strategy.as_bytes().to_vec());
            records.write(batch).await?;
        }
        let (mut last, mut length) = (None, 0);
        let mut all = records.scan(TABLE, None);
        while let Some((key, _)) = all.try_next().await? {
            last = key.last_chunk().map(|number| u64::from_be_bytes(*number));
            length += 1;
        }
        drop(all);
        let (new, incoming) = mpsc::channel(WAITING);
        Ok(Self {
            records,
            new,
            incoming: Mutex::new(Some(incoming)),
            next: AtomicU64::new(last.map_or(0, |last| last + 1)),
            length: AtomicU64::new(length),
            written: Notify::new(),
        })
    }

    pub(super) async fn push(&self, cid: Cid, below: bool) {
        // Identities have their content in them; nobody asks for them.
        if cid.hash().code() != 0 && self.length.load(Ordering::Relaxed) < ENTRIES {
            let _ = self.new.send((cid, below)).await;
        }
    }

    /// Has a block announced if there is room for the entry now.
    pub(super) fn offer(&self, cid: Cid) {
        if cid.hash().code() != 0 && self.length.load(Ordering::Relaxed) < ENTRIES {
            let _ = self.new.try_send((cid, false));
        }
    }

    pub(super) async fn clear(&self) -> Result<u64> {
        let cleared = clear(&*self.records).await?;
        self.length.store(0, Ordering::Relaxed);
        Ok(cleared)
    }

    async fn write(&self, entries: &[(Cid, bool)]) -> Result<()> {
        let mut batch = Batch::default();
        let length = entries.len() as u64;
        let first = self.next.fetch_add(length, Ordering::Relaxed);
        for (number, (cid, below)) in (first..).zip(entries) {
            let value = [&[u8::from(*below)], &cid.to_bytes()[..]].concat();
            batch.put(key(number), value);
        }
        self.records.write(batch).await?;
        self.length.fetch_add(length, Ordering::Relaxed);
        self.written.notify_one();
        Ok(())
    }

    async fn page(&self) -> Result<Vec<(Bytes, Bytes)>> {
        let page = self.records.scan(TABLE, None).take(PAGE);
        Ok(page.try_collect().await?)
    }

    async fn remove(&self, page: &[(Bytes, Bytes)]) -> Result<()> {
        let mut batch = Batch::default();
        for (key, _) in page {
            batch.delete(key.clone());
        }
        self.records.write(batch).await?;
        let gone = page.len() as u64;
        let less = |length: u64| Some(length.saturating_sub(gone));
        let _ = self
            .length
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        Ok(())
    }
}

impl Provider {
    /// Writes entries as they come, several at once if they come fast.
    pub(super) async fn write_queue(self, node: Node) {
        let queue = &self.0.queue;
        let Some(mut incoming) = queue.incoming.lock().await.take() else {
            return;
        };
        let mut entries = Vec::new();
        loop {
            tokio::select! {
                _ = incoming.recv_many(&mut entries, WAITING) => {}
                () = node.closed() => {
                    incoming.close();
                    incoming.recv_many(&mut entries, WAITING).await;
                }
            }
            if entries.is_empty() {
                return;
            }
            if let Err(error) = queue.write(&entries).await {
                tracing::error!(target: "basalt::provide", %error, "what is new cannot be queued; the next cycle announces it");
            }
            entries.clear();
        }
    }

    /// Announces what is queued, the first first, until the node is closed.
    pub(super) async fn work_off(self, node: Node) {
        loop {
            let page = match self.0.queue.page().await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(target: "basalt::provide", %error, "the queue cannot be read");
                    Vec::new()
                }
            };
            if page.is_empty() {
                tokio::select! {
                    () = self.0.queue.written.notified() => continue,
                    () = node.closed() => return,
                }
            }
            if !self.wait_for_peers(&node).await {
                return;
            }
            let done = tokio::select! {
                done = self.announce_page(&node, &page) => done,
                () = node.closed() => return,
            };
            if let Err(error) = done {
                tracing::warn!(target: "basalt::provide", %error, "what is new was not announced; it is tried again");
                tokio::time::sleep(super::LOOK * 10).await;
            }
        }
    }

    async fn announce_page(&self, node: &Node, page: &[(Bytes, Bytes)]) -> Result<()> {
        let entities = self.0.settings.strategy.entities;
        let mut batch = Vec::new();
        let mut running = FuturesUnordered::new();
        let most = self.0.workers.most(Work::New);
        for (_, value) in page {
            let Some((below, cid)) = value.split_first() else {
                continue;
            };
            let Ok(cid) = cid_of_bytes(cid) else {
                continue;
            };
            let mut all = match below {
                0 => futures::stream::iter([Ok(cid)]).boxed(),
                _ if entities => keys::entities(node, cid),
                _ => keys::below(node, cid),
            };
            loop {
                let cid = tokio::select! {
                    cid = all.next() => cid,
                    // They go on while more is read.
                    Some(done) = running.next() => {
                        let () = done?;
                        continue;
                    }
                };
                let Some(cid) = cid else {
                    break;
                };
                // What is missing or broken is not announced.
                let Ok(cid) = cid else {
                    continue;
                };
                batch.push(cid.hash().to_bytes().into());
                if batch.len() >= KEYS {
                    if running.len() >= most {
                        running.try_next().await?;
                    }
                    running.push(self.announce_many(std::mem::take(&mut batch), Work::New));
                }
            }
        }
        if !batch.is_empty() {
            running.push(self.announce_many(batch, Work::New));
        }
        while running.try_next().await?.is_some() {}
        self.0.queue.remove(page).await
    }
}

#[cfg(test)]
mod tests;
