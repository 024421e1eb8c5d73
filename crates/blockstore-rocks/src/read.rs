//! Reading blocks and records: from memory in line, from the disk on the pool.

use basalt_block::{Block, Cid};
use basalt_blockstore::{BlockStat, Result};
use bytes::Bytes;
use rocksdb::DBPinnableSlice;

use crate::cf::Cf;
use crate::codec::{Key, Meta};
use crate::db::{Db, decode_meta};
use crate::error;

/// An answer that is in memory, or the need to go to the disk.
pub(crate) enum Cached<T> {
    Here(T),
    OnDisk,
}

impl<T> Cached<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Cached<U> {
        match self {
            Self::Here(value) => Cached::Here(f(value)),
            Self::OnDisk => Cached::OnDisk,
        }
    }
}

type Value<'a> = Option<DBPinnableSlice<'a>>;

impl Db {
    fn meta_cached(&self, key: &Key) -> Result<Cached<Option<Meta>>> {
        match self.get_cached(Cf::Meta, key.as_ref()) {
            Ok(row) => decode(key, row).map(Cached::Here),
            Err(error) if error::needs_disk(&error) => Ok(Cached::OnDisk),
            Err(error) => Err(error::store(error)),
        }
    }

    pub(crate) fn stat_cached(&self, cid: &Cid) -> Result<Cached<Option<BlockStat>>> {
        let meta = self.meta_cached(&Key::of_cid(cid))?;
        Ok(meta.map(|meta| Some(meta?.stat(cid.codec()))))
    }

    pub(crate) fn stats(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        let keys: Vec<Key> = cids.iter().map(Key::of_cid).collect();
        let metas = self.metas(&keys)?;
        let stat = |(cid, meta): (&Cid, Option<Meta>)| Some(meta?.stat(cid.codec()));
        Ok(cids.iter().zip(metas).map(stat).collect())
    }

    /// The index row of a block, from memory.
    pub(crate) fn known(&self, cid: &Cid) -> Result<Cached<Option<Meta>>> {
        self.meta_cached(&Key::of_cid(cid))
    }

    /// A block of this index row, from memory.
    pub(crate) fn block_cached(&self, cid: &Cid, meta: Meta) -> Result<Cached<Block>> {
        let home = home(meta);
        // What is in a blob file is in no cache of RocksDB's.
        if home.blobs_from().is_some_and(|least| meta.size >= least) {
            return Ok(Cached::OnDisk);
        }
        let key = Key::of_cid(cid);
        match self.get_cached(home, key.as_ref()) {
            Ok(Some(data)) => Ok(Cached::Here(copied(cid, meta, &data)?)),
            // Deleted since, or lost: the disk knows.
            Ok(None) => Ok(Cached::OnDisk),
            Err(error) if error::needs_disk(&error) => Ok(Cached::OnDisk),
            Err(error) => Err(error::block(cid, error)),
        }
    }

    /// A block, from memory.
    pub(crate) fn cached(&self, cid: &Cid) -> Result<Cached<Option<Block>>> {
        match self.known(cid)? {
            Cached::Here(Some(meta)) => Ok(self.block_cached(cid, meta)?.map(Some)),
            Cached::Here(None) => Ok(Cached::Here(None)),
            Cached::OnDisk => Ok(Cached::OnDisk),
        }
    }

    pub(crate) fn block(&self, cid: &Cid) -> Result<Option<Block>> {
        let key = Key::of_cid(cid);
        let row = self.get(Cf::Meta, key.as_ref()).map_err(error::store)?;
        let Some(meta) = decode(&key, row)? else {
            return Ok(None);
        };
        self.block_with(cid, meta)
    }

    /// The block, with its index row at hand.
    pub(crate) fn block_with(&self, cid: &Cid, meta: Meta) -> Result<Option<Block>> {
        let key = Key::of_cid(cid);
        let data = self.get(home(meta), key.as_ref());
        self.checked(cid, &key, meta, data)
    }

    /// The blocks, read in as few visits as RocksDB needs.
    pub(crate) fn blocks(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        if let [cid] = cids {
            return Ok(vec![self.block(cid)?]);
        }
        let keys: Vec<Key> = cids.iter().map(Key::of_cid).collect();
        let metas = self.metas(&keys)?;
        let mut blocks = vec![None; cids.len()];
        for cf in [Cf::Nodes, Cf::Data] {
            let there = |(n, meta): (usize, &Option<Meta>)| Some((n, (*meta)?));
            let wanted: Vec<(usize, Meta)> = metas
                .iter()
                .enumerate()
                .filter_map(there)
                .filter(|(_, meta)| home(*meta) == cf)
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let values = self.get_many(cf, wanted.iter().map(|(n, _)| &keys[*n]));
            for ((n, meta), data) in wanted.into_iter().zip(values) {
                blocks[n] = self.checked(&cids[n], &keys[n], meta, data)?;
            }
        }
        Ok(blocks)
    }

    /// A block from the bytes found under its key; when there are none, whether it was deleted
    /// while it was read, or is lost.
    fn checked(
        &self,
        cid: &Cid,
        key: &Key,
        meta: Meta,
        data: Result<Value<'_>, rocksdb::Error>,
    ) -> Result<Option<Block>> {
        match data {
            Ok(Some(data)) => copied(cid, meta, &data).map(Some),
            Ok(None) => self.block_of_one_moment(cid, key),
            Err(error) => Err(error::block(cid, error)),
        }
    }

    fn block_of_one_moment(&self, cid: &Cid, key: &Key) -> Result<Option<Block>> {
        let snapshot = self.raw().snapshot();
        let get = |cf| snapshot.get_pinned_cf(self.cf(cf), key);
        let Some(meta) = decode(key, get(Cf::Meta).map_err(error::store)?)? else {
            return Ok(None);
        };
        match get(home(meta)).map_err(|e| error::block(cid, e))? {
            Some(data) => copied(cid, meta, &data).map(Some),
            None => Err(error::corrupt(cid, "its bytes are missing")),
        }
    }

    pub(crate) fn record_cached(&self, key: &[u8]) -> Result<Cached<Option<Bytes>>> {
        match self.get_cached(Cf::Records, key) {
            Ok(value) => Ok(Cached::Here(bytes(value))),
            Err(error) if error::needs_disk(&error) => Ok(Cached::OnDisk),
            Err(error) => Err(error::store(error)),
        }
    }

    pub(crate) fn record(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let value = self.get(Cf::Records, key).map_err(error::store)?;
        Ok(bytes(value))
    }

    pub(crate) fn records(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>> {
        let values = self.get_many(Cf::Records, keys);
        let value = |value: Result<_, _>| value.map(bytes).map_err(error::store);
        values.into_iter().map(value).collect()
    }
}

/// Where the bytes are.
fn home(meta: Meta) -> Cf {
    if meta.is_node() { Cf::Nodes } else { Cf::Data }
}

fn decode(key: &Key, row: Value<'_>) -> Result<Option<Meta>> {
    row.map(|row| decode_meta(key.as_ref(), &row)).transpose()
}

fn bytes(value: Value<'_>) -> Option<Bytes> {
    value.map(|value| Bytes::copy_from_slice(&value))
}

/// The block, in memory of its own: bytes borrowed from RocksDB would keep the store open. The length
/// is a second opinion beside RocksDB's checksum.
fn copied(cid: &Cid, meta: Meta, data: &[u8]) -> Result<Block> {
    if data.len() as u64 != meta.size {
        let (have, want) = (data.len(), meta.size);
        let why = format!("it has {have} bytes, the index says {want}");
        return Err(error::corrupt(cid, why));
    }
    Ok(Block::unchecked(*cid, Bytes::copy_from_slice(data)))
}
