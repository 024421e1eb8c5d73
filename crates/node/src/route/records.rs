//! The node's datastore as the place where the DHT keeps what it was given.

use std::sync::Arc;

use async_trait::async_trait;
use basalt_blockstore::{Batch, Datastore};
use basalt_routing::{Error, RecordBatch, Records, Result};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};

pub(super) struct Stored(pub(super) Arc<dyn Datastore>);

fn failed(error: basalt_blockstore::Error) -> Error {
    Error::Store(error.to_string())
}

#[async_trait]
impl Records for Stored {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.0.get(key).await.map_err(failed)
    }

    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Bytes, Bytes)>> {
        // The least key that comes after another is that with one more byte.
        let from = after.map(|after| [after, &[0]].concat());
        let found = self.0.scan(prefix, from.as_deref()).take(most);
        found.try_collect().await.map_err(failed)
    }

    async fn write(&self, batch: RecordBatch) -> Result<()> {
        let mut writes = Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.put(key, value),
                None => writes.delete(key),
            };
        }
        self.0.write(writes).await.map_err(failed)
    }
}
