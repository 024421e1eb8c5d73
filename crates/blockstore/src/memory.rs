//! A store in memory, for tests and for nodes that keep nothing.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use basalt_block::{Block, Cid, Multihash, codec};
use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::{
    Batch, BlockStat, Blockstore, Datastore, Deleted, Epochs, Findings, Horizon, Lease, Op,
    Records, Result, ScrubEvent, StatStream, Usage,
};

/// Keeps blocks and records until it is dropped. Cloning gives another handle on the same store.
///
/// Listings are taken whole when they are asked for, so they cost memory by the size of the store.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    state: Arc<RwLock<State>>,
    epochs: Epochs,
}

#[derive(Debug, Default)]
struct State {
    blocks: HashMap<Multihash, Row>,
    block_bytes: u64,
    records: BTreeMap<Bytes, Bytes>,
}

#[derive(Debug)]
struct Row {
    data: Bytes,
    /// The codecs beside raw under which the bytes hold no links.
    leaf_under: Vec<u64>,
    epoch: u32,
}

impl Row {
    fn stat(&self, codec: u64) -> BlockStat {
        BlockStat {
            size: self.data.len() as u64,
            leaf: codec == codec::RAW || self.leaf_under.contains(&codec),
        }
    }
}

impl MemoryStore {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn delete(&self, hashes: &[Multihash], horizon: Option<Horizon>) -> Vec<Deleted> {
        let mut state = self.write();
        // Read under the lock, so that a lease taken before a put is seen by who deletes after it.
        let current = self.epochs.current();
        let horizon = horizon.or_else(|| {
            let oldest_kept = self.epochs.oldest_lease()?;
            Some(Horizon::of(oldest_kept))
        });
        let mut delete_one = |hash| {
            let Some(row) = state.blocks.get(hash) else {
                return Deleted::Absent;
            };
            if horizon.is_some_and(|h| h.spares(row.epoch, current)) {
                return Deleted::Spared;
            }
            let size = row.data.len() as u64;
            state.blocks.remove(hash);
            state.block_bytes -= size;
            Deleted::Gone(size)
        };
        hashes.iter().map(&mut delete_one).collect()
    }
}

#[async_trait]
impl Blockstore for MemoryStore {
    async fn get(&self, cid: &Cid) -> Result<Option<Block>> {
        let data = self.read().blocks.get(cid.hash()).map(|r| r.data.clone());
        Ok(data.map(|data| Block::unchecked(*cid, data)))
    }

    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        let state = self.read();
        let get = |cid: &Cid| {
            let data = state.blocks.get(cid.hash())?.data.clone();
            Some(Block::unchecked(*cid, data))
        };
        Ok(cids.iter().map(get).collect())
    }

    async fn stat_many(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        let state = self.read();
        let stat = |cid: &Cid| Some(state.blocks.get(cid.hash())?.stat(cid.codec()));
        Ok(cids.iter().map(stat).collect())
    }

    async fn put_many(&self, blocks: Vec<Block>) -> Result<()> {
        let mut state = self.write();
        let epoch = self.epochs.current();
        for block in blocks {
            let codec = block.cid().codec();
            let leaf = (codec != codec::RAW && block.is_leaf()).then_some(codec);
            if let Some(row) = state.blocks.get_mut(block.multihash()) {
                row.epoch = epoch;
                row.leaf_under
                    .extend(leaf.filter(|c| !row.leaf_under.contains(c)));
                continue;
            }
            state.block_bytes += block.data().len() as u64;
            let hash = *block.multihash();
            let row = Row {
                data: block.into_data(),
                leaf_under: leaf.into_iter().collect(),
                epoch,
            };
            state.blocks.insert(hash, row);
        }
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        Ok(())
    }

    async fn delete_many(&self, hashes: &[Multihash]) -> Result<Vec<Deleted>> {
        Ok(self.delete(hashes, None))
    }

    async fn sweep(&self, hashes: &[Multihash], horizon: Horizon) -> Result<Vec<Deleted>> {
        Ok(self.delete(hashes, Some(horizon)))
    }

    async fn compact(&self) -> Result<()> {
        Ok(())
    }

    fn lease(&self) -> Lease {
        self.epochs.lease()
    }

    fn begin_sweep(&self) -> Horizon {
        self.epochs.begin_sweep()
    }

    fn keys(&self) -> StatStream {
        let state = self.read();
        let row = |(hash, row): (&Multihash, &Row)| Ok((*hash, row.stat(codec::DAG_PB)));
        let rows: Vec<_> = state.blocks.iter().map(row).collect();
        stream::iter(rows).boxed()
    }

    fn scrub(&self) -> Findings {
        let state = self.read();
        let row = |(hash, row): (&Multihash, &Row)| (*hash, row.data.clone());
        let rows: Vec<_> = state.blocks.iter().map(row).collect();
        let check = |(hash, data)| match Block::verified(Cid::new_v1(codec::RAW, hash), data) {
            Ok(_) => ScrubEvent::Good(hash),
            Err(basalt_block::Error::Mismatch(_, found)) => {
                let text = format!("block in storage has different hash than requested: {found}");
                ScrubEvent::Bad(hash, text)
            }
            Err(error) => ScrubEvent::Bad(hash, error.to_string()),
        };
        stream::iter(rows).map(check).boxed()
    }

    fn usage(&self) -> Usage {
        let state = self.read();
        Usage {
            blocks: state.blocks.len() as u64,
            block_bytes: state.block_bytes,
            disk_bytes: 0,
        }
    }
}

#[async_trait]
impl Datastore for MemoryStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.read().records.get(key).cloned())
    }

    async fn get_many(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>> {
        let state = self.read();
        Ok(keys.iter().map(|k| state.records.get(k).cloned()).collect())
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let mut state = MemoryStore::write(self);
        for op in batch.0 {
            match op {
                Op::Put(key, value) => state.records.insert(key, value),
                Op::Delete(key) => state.records.remove(&key),
            };
        }
        Ok(())
    }

    fn scan(&self, prefix: &[u8], from: Option<&[u8]>) -> Records {
        let start = from.map_or(prefix, |from| from.max(prefix));
        let state = self.read();
        let rows: Vec<_> = state
            .records
            .range::<[u8], _>((Bound::Included(start), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| Ok((key.clone(), value.clone())))
            .collect();
        stream::iter(rows).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "conformance")]
    #[tokio::test(flavor = "multi_thread")]
    async fn conforms() {
        crate::conformance::check(async || MemoryStore::default()).await;
    }

    #[tokio::test]
    async fn handles_share_one_store() {
        let store = MemoryStore::default();
        let mut batch = Batch::default();
        batch.put("a/b", "c");
        Datastore::write(&store.clone(), batch).await.unwrap();
        assert_eq!(
            Datastore::get(&store, b"a/b").await.unwrap().unwrap(),
            "c".as_bytes()
        );
    }
}
