//! Publishing under names.

mod gossip;
mod republish;

pub(crate) use gossip::WeakNameGossip;
pub use gossip::{Awaited, NameGossip};

use std::time::Duration;

use basalt_ipld::Path;
use basalt_ipns::{Name, Publication};
use basalt_repo::PrivateKey;
use basalt_routing::Events;

use crate::{Node, Result};

/// How long a publisher waits for others to know.
const SOON: Duration = Duration::from_secs(2);

impl Node {
    /// Publishes under the name of `key`: signs a record and keeps it, durably. Other nodes do not
    /// learn of it.
    ///
    /// # Errors
    /// The sequence number is not greater than the present one, or the store fails.
    pub async fn publish_locally(
        &self,
        key: &PrivateKey,
        publication: Publication,
    ) -> Result<Name> {
        let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
        let store = self.names().store();
        let record = store.publish(key.public(), publication, sign).await?;
        let name = Name::of(key.public());
        self.names().published(name, record);
        Ok(name)
    }

    /// Publishes under the name of `key` and gives the record to other nodes.
    ///
    /// # Errors
    /// As [`Node::publish_locally`], or nobody could be given the record; this node keeps it then.
    pub async fn publish(&self, key: &PrivateKey, publication: Publication) -> Result<Name> {
        let name = self.publish_locally(key, publication).await?;
        self.tell_record(&name).await?;
        Ok(name)
    }

    /// Gives the best known record of a name to other nodes, waiting for a moment; that goes on behind
    /// if it takes longer. That nobody could be given it is no failure: it is tried again when names are
    /// published again.
    pub async fn tell_record_soon(&self, name: &Name) {
        let (node, name) = (self.clone(), *name);
        let told = tokio::spawn(async move {
            if let Err(error) = node.tell_record(&name).await {
                tracing::warn!(target: "basalt::ipns", %name, %error, "a record was not given to other nodes");
            }
        });
        let _ = tokio::time::timeout(SOON, told).await;
    }

    /// Gives the best known record of a name to other nodes.
    ///
    /// # Errors
    /// Nobody could be given it.
    pub async fn tell_record(&self, name: &Name) -> Result<()> {
        let (Some(routing), Some(record)) = (self.routing(), self.names().store().get(name).await?)
        else {
            return Ok(());
        };
        routing
            .put_value(&name.routing_key(), record.bytes(), &Events::default())
            .await
    }

    /// Checks that a path leads to a block that can be had and read.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn check_exists(&self, path: &Path, offline: bool) -> Result<()> {
        let found = self.resolve(path, offline).await?;
        let blocks = match offline {
            true => self.blocks().offline(),
            false => self.blocks().session(),
        };
        let block = blocks.get(&found.cid).await?;
        basalt_ipld::decode_block(found.cid.codec(), block.data())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipns::Find;
    use crate::repo::InitOptions;

    /// A copy of the directory is what a crash would leave: nothing was closed or synced for it.
    #[tokio::test]
    async fn what_was_published_outlives_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        Node::init(&first, InitOptions::default(), |_: &str| {})
            .await
            .unwrap();
        let node = Node::builder().repo(&first).open().await.unwrap();
        let key = node.require_repo().unwrap().keys().own().unwrap();
        let value = Path::parse("/ipfs/bafkqaaa").unwrap();
        let publication = Publication {
            value: value.clone(),
            lifetime: 3_600_000_000_000,
            ttl: 0,
            sequence: None,
            v1: true,
        };
        let name = node.publish_locally(&key, publication).await.unwrap();
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .args([&first, &second])
            .status()
            .unwrap();
        assert!(copied.success());
        // The lock is the first repo's.
        std::fs::remove_file(second.join("repo.lock")).unwrap();
        let again = Node::builder().repo(&second).open().await.unwrap();
        let path = Path::parse(format!("/ipns/{name}")).unwrap();
        assert_eq!(
            again
                .names()
                .resolve_all(&path, &Find::default())
                .await
                .unwrap(),
            value
        );
        assert!(again.check_exists(&path, true).await.is_ok());
    }
}
