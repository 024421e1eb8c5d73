//! Where the DHT keeps what it was given.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;

/// Records that are written or, where there is no value, deleted.
pub type RecordBatch = Vec<(Bytes, Option<Bytes>)>;

/// A sorted map that outlives the process.
#[async_trait]
pub trait Records: Send + Sync + 'static {
    /// The value under a key.
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>>;

    /// At most `most` records whose keys begin with `prefix` and come after `after`, sorted.
    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Bytes, Bytes)>>;

    /// Writes all of it or nothing.
    async fn write(&self, batch: RecordBatch) -> Result<()>;
}

/// Records in memory.
#[derive(Default)]
pub struct MemoryRecords(Mutex<BTreeMap<Bytes, Bytes>>);

#[async_trait]
impl Records for MemoryRecords {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.get(key).cloned())
    }

    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Bytes, Bytes)>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = after.unwrap_or(prefix);
        let found = all
            .range(Bytes::copy_from_slice(from)..)
            .skip_while(|(key, _)| after.is_some_and(|after| *key == after))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(most);
        Ok(found.map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    async fn write(&self, batch: RecordBatch) -> Result<()> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in batch {
            match value {
                Some(value) => drop(all.insert(key, value)),
                None => drop(all.remove(&key)),
            }
        }
        Ok(())
    }
}

/// Records on a disk that can be full: nothing is written then.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct OnDisk {
    records: MemoryRecords,
    pub(crate) full: std::sync::atomic::AtomicBool,
}

#[cfg(test)]
#[async_trait]
impl Records for OnDisk {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.records.get(key).await
    }

    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Bytes, Bytes)>> {
        self.records.scan(prefix, after, most).await
    }

    async fn write(&self, batch: RecordBatch) -> Result<()> {
        match self.full.load(std::sync::atomic::Ordering::Relaxed) {
            true => Err(crate::Error::Store("no space left on device".to_owned())),
            false => self.records.write(batch).await,
        }
    }
}
