//! Telling other nodes again what this node has published, before they forget it.

use std::time::Duration;

use basalt_ipns::{Name, Publication};
use basalt_repo::{GoDuration, PrivateKey};

use crate::{Node, Result};

/// How long after the start it is done first.
const FIRST: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(4 * 60 * 60);
const LIFETIME: GoDuration = GoDuration::from_secs(48 * 60 * 60);
/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(5 * 60);

impl Node {
    /// Publishes every name of the node's keys again each `Ipns.RepublishPeriod`, until the node is
    /// closed.
    pub(crate) async fn republish_names(self, every: Option<Duration>) {
        let every = every.filter(|every| !every.is_zero()).unwrap_or(EVERY);
        let mut wait = FIRST.min(every);
        loop {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.closed() => return,
            }
            wait = match self.republish_all().await {
                Ok(()) => every,
                Err(error) => {
                    tracing::warn!(target: "basalt::ipns", %error, "names were not published again");
                    AGAIN.min(every)
                }
            };
        }
    }

    async fn republish_all(&self) -> Result<()> {
        let node = self.clone();
        let keys = tokio::task::spawn_blocking(move || -> Result<Vec<PrivateKey>> {
            let keys = node.require_repo()?.keys();
            let all = keys.list()?.into_iter();
            let all = all.map(|(name, _)| keys.find(&name));
            Ok(all.collect::<Result<_, _>>()?)
        })
        .await??;
        for key in keys {
            self.republish(&key).await?;
        }
        Ok(())
    }

    /// Signs the last record of a key anew, with a later end and the same number.
    async fn republish(&self, key: &PrivateKey) -> Result<()> {
        let name = Name::of(key.public());
        let Some(last) = self.names().store().published(&name).await? else {
            return Ok(());
        };
        let config = self.require_repo()?.config();
        let lifetime = config.duration("Ipns.RecordLifetime").unwrap_or(LIFETIME);
        let publication = Publication {
            value: last.value()?,
            lifetime: lifetime.as_nanos(),
            ttl: last.ttl().unwrap_or(0),
            sequence: None,
            v1: true,
        };
        self.publish(key, publication).await.map(drop)
    }
}
