//! Keeping the table alive.

use std::time::{Duration, SystemTime};

use futures::future::join_all;
use libp2p_identity::PeerId;

use super::{Dht, Key};
use crate::{Events, Result};

/// Buckets that are looked for: more bits than these would take too long to guess, and are empty in
/// any network of today.
const BUCKETS: usize = 15;
/// A peer that has not answered for so long is asked whether it is there.
const QUIET: Duration = Duration::from_secs(10 * 60);

impl Dht {
    /// Looks for peers in every part of the space and near the node, and asks those who were quiet
    /// whether they are there.
    ///
    /// # Errors
    /// The table is empty.
    pub async fn refresh(&self) -> Result<()> {
        self.drop_silent().await;
        let own = self.host().local_peer().to_bytes();
        self.look_for_closest(&own, &Events::default()).await?;
        let last = self.buckets().len().min(BUCKETS);
        for place in 0..last {
            let Some(key) = self.key_in_bucket(place) else {
                continue;
            };
            self.look_for_closest(&key, &Events::default()).await?;
        }
        Ok(())
    }

    async fn drop_silent(&self) {
        let quiet: Vec<PeerId> = {
            let table = self.table();
            let is_quiet = |time: Option<SystemTime>| {
                let ago = time.and_then(|time| time.elapsed().ok());
                ago.is_none_or(|ago| ago > QUIET)
            };
            let quiet = table.members().filter(|member| is_quiet(member.queried));
            quiet.map(|member| member.id).collect()
        };
        join_all(
            quiet
                .into_iter()
                .map(async |peer| match self.ping(peer).await {
                    Ok(()) => self.table().answered(&peer),
                    Err(_) => drop(self.table().remove(&peer)),
                }),
        )
        .await;
    }

    /// A key that shares exactly so many first bits with the node.
    fn key_in_bucket(&self, place: usize) -> Option<Vec<u8>> {
        let own = Key::of_peer(&self.host().local_peer());
        let mut guesses = (0..1u32 << (BUCKETS + 4)).map(|_| rand::random::<[u8; 32]>());
        guesses
            .find(|bytes| Key::of(bytes).common_bits(&own) == place)
            .map(|bytes| bytes.to_vec())
    }
}
