//! Copies what can be read of a damaged store into a whole one.

use basalt_block::{Block, Cid, Multihash, codec};
use basalt_blockstore::{Batch, Blockstore, Datastore, Result, ScrubEvent};
use bytes::Bytes;
use futures::StreamExt;

use crate::RocksStore;
use crate::cf::Cf;
use crate::codec::{Key, Meta};
use crate::db::{Db, Snap};

/// Bytes of blocks, or of records, that are copied at a time.
const BYTES: usize = 4 << 20;
/// Blocks that are copied at a time.
const BLOCKS: usize = 1000;

/// What was saved of a damaged store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rescued {
    /// Blocks that were copied; each was checked against its hash.
    pub blocks: u64,
    /// Records that were copied.
    pub records: u64,
    /// Blocks that could not be read.
    pub lost_blocks: Vec<Multihash>,
    /// Places where records, or rows of the index, could not be read.
    pub gaps: Vec<String>,
}

impl RocksStore {
    /// Copies every good block and every readable record into `target`, durably. For a store whose
    /// damage keeps RocksDB from writing; it reads this one only. A block whose row of the index is
    /// lost gets a new one.
    ///
    /// # Errors
    /// Those of writing to `target`. What cannot be read here is told in the answer.
    pub async fn rescue_into(&self, target: &Self) -> Result<Rescued> {
        let mut rescued = Rescued::default();
        let mut good = Vec::new();
        let mut findings = self.scrub();
        while let Some(event) = findings.next().await {
            match event {
                ScrubEvent::Good(hash) => good.push(hash),
                ScrubEvent::Bad(hash, _) => match self.salvage(&hash).await? {
                    Some(block) => {
                        rescued.blocks += 1;
                        target.put_many(vec![block]).await?;
                    }
                    None => rescued.lost_blocks.push(hash),
                },
                ScrubEvent::Damaged(text) => rescued.gaps.push(text),
                _ => {}
            }
            if good.len() == BLOCKS {
                self.copy_blocks(target, std::mem::take(&mut good), &mut rescued)
                    .await?;
            }
        }
        self.copy_blocks(target, good, &mut rescued).await?;
        self.copy_records(target, &mut rescued).await?;
        Ok(rescued)
    }

    async fn copy_blocks(
        &self,
        target: &Self,
        hashes: Vec<Multihash>,
        rescued: &mut Rescued,
    ) -> Result<()> {
        for part in hashes.chunks(32) {
            let (db, part) = (self.db().clone(), part.to_vec());
            let read = move || {
                let (mut blocks, mut lost) = (Vec::new(), Vec::new());
                for hash in part {
                    match read(&db, &hash) {
                        Some(block) => blocks.push(block),
                        None => lost.push(hash),
                    }
                }
                (blocks, lost)
            };
            let (blocks, lost) = self.pool().run(read).await?;
            rescued.blocks += blocks.len() as u64;
            rescued.lost_blocks.extend(lost);
            target.put_many(blocks).await?;
        }
        Ok(())
    }

    async fn copy_records(&self, target: &Self, rescued: &mut Rescued) -> Result<()> {
        let mut place = Some((self.db().snapshot(), Vec::new()));
        while let Some((snapshot, from)) = place.take() {
            let read = move || {
                let chunk = records(&snapshot, Cf::Records, from);
                (snapshot, chunk)
            };
            let (snapshot, chunk) = self.pool().run(read).await?;
            rescued.records += chunk.batch.0.len() as u64;
            rescued.gaps.extend(chunk.gap);
            target.write(chunk.batch).await?;
            place = chunk.next.map(|next| (snapshot, next));
        }
        Ok(())
    }
}

/// The block under the codec that leads to the same row of the index.
fn read(db: &Db, hash: &Multihash) -> Option<Block> {
    let row = db.get(Cf::Meta, Key::of(hash).as_ref()).ok().flatten();
    let meta = row.and_then(|row| Meta::decode(&row))?;
    let cid = Cid::new_v1(meta.codec(), *hash);
    db.block(&cid).ok().flatten()
}

/// The block whose bytes are there and whole, whatever the index says; as dag-pb if it may have
/// links.
pub(crate) fn salvage(db: &Db, hash: &Multihash) -> Option<Block> {
    let key = Key::of(hash);
    let homes = [(Cf::Nodes, codec::DAG_PB), (Cf::Data, codec::RAW)];
    homes.into_iter().find_map(|(cf, codec)| {
        let data = db.get(cf, key.as_ref()).ok().flatten()?;
        let cid = Cid::new_v1(codec, *hash);
        Block::verified(cid, Bytes::copy_from_slice(&data)).ok()
    })
}

/// Where rows of `cf` cannot be read.
pub(crate) fn gaps(snapshot: &Snap, cf: Cf) -> Vec<String> {
    let mut gaps = Vec::new();
    let mut from = Some(Vec::new());
    while let Some(start) = from {
        let chunk = records(snapshot, cf, start);
        gaps.extend(chunk.gap);
        from = chunk.next;
    }
    gaps
}

struct Chunk {
    batch: Batch,
    gap: Option<String>,
    next: Option<Vec<u8>>,
}

fn records(snapshot: &Snap, cf: Cf, from: Vec<u8>) -> Chunk {
    let mut chunk = Chunk {
        batch: Batch::default(),
        gap: None,
        next: None,
    };
    let mut last = from.clone();
    let mut bytes = 0;
    let mut iter = snapshot.iter(cf);
    iter.seek(&from);
    while let Some((key, value)) = iter.item() {
        if bytes >= BYTES {
            chunk.next = Some(key.to_vec());
            return chunk;
        }
        bytes += key.len() + value.len();
        last = key.to_vec();
        let value = Bytes::copy_from_slice(value);
        chunk.batch.put(Bytes::copy_from_slice(key), value);
        iter.next();
    }
    if let Err(damage) = iter.status() {
        let place = String::from_utf8_lossy(&last).into_owned();
        chunk.gap = Some(format!("{} after {place:?}: {damage}", cf.name()));
        chunk.next = behind(&last).find_map(|key| {
            iter.seek(&key);
            iter.key().map(<[u8]>::to_vec)
        });
    }
    chunk
}

/// Keys behind `key`, each later than the one before, by ever larger steps.
fn behind(key: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let within = (0..8).map(move |bit| [key, &[1 << bit]].concat());
    let after = (0..key.len()).rev().flat_map(move |at| {
        let step = move |bit: u32| key[at].checked_add(1 << bit);
        (0..8)
            .map_while(step)
            .map(move |byte| [&key[..at], &[byte]].concat())
    });
    within.chain(after)
}

#[cfg(test)]
mod tests {
    use super::behind;

    #[test]
    fn keys_behind_a_key_are_in_order() {
        let key = b"pins/ab\xffc";
        let keys: Vec<_> = behind(key).collect();
        assert!(keys.is_sorted());
        assert!(keys.iter().all(|k| k.as_slice() > key.as_slice()));
        assert!(keys.contains(&b"pins/b".to_vec()));
        assert!(behind(b"").count() > 0);
    }
}
