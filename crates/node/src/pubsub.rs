//! PubSub, as the config says, and what it keeps on disk.

use std::sync::Arc;
use std::time::Duration;

use basalt_blockstore::{Batch, Datastore};
use basalt_network::{PeerId, PubsubOptions, SequenceNumbers};
use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt};

use crate::{Node, Result};

/// Under which the greatest numbers of authors lie, by their IDs.
const NUMBERS: &[u8] = b"pubsub/seqno/";
/// `Pubsub.SeenMessagesTTL` where it is not set.
const SEEN: Duration = Duration::from_secs(120);
/// Numbers that are forgotten in one batch.
const AT_ONCE: usize = 1000;

impl Node {
    /// How PubSub is spoken, if it is on; `asked` is what options of the daemon say of that.
    pub(crate) fn pubsub_options(&self, asked: Option<bool>) -> Result<Option<PubsubOptions>> {
        let config = self.require_repo()?.config();
        let settings = config.pubsub();
        let on = settings.enabled || config.flag("Ipns.UsePubsub") == Some(true);
        if !asked.unwrap_or(on) {
            return Ok(None);
        }
        let seen = config.duration("Pubsub.SeenMessagesTTL");
        Ok(Some(PubsubOptions {
            signing: !settings.disable_signing,
            seen: seen.and_then(|seen| seen.to_std()).unwrap_or(SEEN),
            numbers: Arc::new(Numbers(self.records().clone())),
        }))
    }

    /// Ends what otherwise goes on for as long as the network does, and has nothing to lose: reading
    /// topics, and waiting for connections to carry.
    pub fn end_watches(&self) {
        if let Some(network) = self.network() {
            network.close_tunnels(|_| true);
            if let Some(pubsub) = network.pubsub() {
                pubsub.end_readers();
            }
        }
    }

    /// Forgets the numbers of an author's messages, or of all authors: how many authors those were.
    ///
    /// # Errors
    /// The store fails.
    pub async fn reset_pubsub(&self, author: Option<PeerId>) -> Result<u64> {
        if let Some(pubsub) = self.network().and_then(|network| network.pubsub()) {
            pubsub.forget(author).await?;
        }
        let records = self.records();
        if let Some(author) = author {
            let key = key(&author);
            let known = records.get(&key).await?.is_some();
            if known {
                let mut batch = Batch::default();
                records
                    .write({
                        batch.delete(key);
                        batch
                    })
                    .await?;
            }
            return Ok(known.into());
        }
        let mut found = records.scan(NUMBERS, None);
        let (mut count, mut batch) = (0, Batch::default());
        while let Some((key, _)) = found.try_next().await? {
            batch.delete(key);
            count += 1;
            if batch.0.len() == AT_ONCE {
                records.write(std::mem::take(&mut batch)).await?;
            }
        }
        records.write(batch).await?;
        Ok(count)
    }
}

fn key(author: &PeerId) -> Vec<u8> {
    [NUMBERS, &author.to_bytes()].concat()
}

/// The numbers in the node's records.
struct Numbers(Arc<dyn Datastore>);

impl SequenceNumbers for Numbers {
    fn get(&self, author: PeerId) -> BoxFuture<'_, Option<u64>> {
        async move {
            match self.0.get(&key(&author)).await {
                Ok(value) => value.and_then(|v| Some(u64::from_be_bytes(v[..].try_into().ok()?))),
                Err(error) => {
                    tracing::error!(target: "basalt::pubsub", %author, %error, "the number of the last message cannot be read");
                    None
                }
            }
        }
        .boxed()
    }

    fn put(&self, numbers: Vec<(PeerId, u64)>) -> BoxFuture<'_, ()> {
        async move {
            let mut batch = Batch::default();
            for (author, number) in &numbers {
                batch.put(key(author), number.to_be_bytes().to_vec());
            }
            if let Err(error) = self.0.write(batch).await {
                tracing::error!(target: "basalt::pubsub", %error, "the numbers of messages are not kept");
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn numbers_are_kept_and_forgotten() {
        let node = Node::builder().open().await.unwrap();
        let numbers = Numbers(node.records().clone());
        let authors: Vec<PeerId> = (0..2500).map(|_| PeerId::random()).collect();
        let all = authors.iter().zip(1..).map(|(author, n)| (*author, n));
        numbers.put(all.collect()).await;
        assert_eq!(numbers.get(authors[6]).await, Some(7));
        assert_eq!(node.reset_pubsub(Some(authors[6])).await.unwrap(), 1);
        assert_eq!(node.reset_pubsub(Some(authors[6])).await.unwrap(), 0);
        assert_eq!(numbers.get(authors[6]).await, None);
        assert_eq!(node.reset_pubsub(None).await.unwrap(), 2499);
        assert_eq!(numbers.get(authors[0]).await, None);
    }
}
