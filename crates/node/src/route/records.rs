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

#[cfg(test)]
mod tests {
    use basalt_network::PeerId;
    use basalt_routing::{PeerInfo, Providers, PublicKeys, Validators, Values};

    use super::*;
    use crate::on_disk::{crashed, store};

    #[tokio::test]
    async fn values_and_written_provider_records_outlive_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        let open = |records: Arc<dyn Datastore>| {
            let records = Arc::new(Stored(records));
            let rules = Validators::default().with("pk", PublicKeys);
            (Providers::new(records.clone()), Values::new(records, rules))
        };
        let (providers, values) = open(store(&first));
        let public = basalt_network::Keypair::generate_ed25519().public();
        let value = Bytes::from(public.encode_protobuf());
        let key = [b"/pk/", &public.to_peer_id().to_bytes()[..]].concat();
        values.put(&key, &value).await.unwrap();
        let peer = PeerInfo::new(PeerId::random(), Vec::new());
        assert!(providers.add(b"written", &peer));
        providers.flush().await.unwrap();
        assert!(providers.add(b"waiting", &peer));
        let (providers, values) = open(crashed(&first, &second));
        assert_eq!(values.get(&key).await.unwrap().unwrap().1, value);
        assert_eq!(providers.get(b"written").await.unwrap(), [peer]);
        // Of these nobody was told that they are kept; their announcers come again.
        assert!(providers.get(b"waiting").await.unwrap().is_empty());
    }
}
