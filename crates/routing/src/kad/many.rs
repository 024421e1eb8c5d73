//! Announcing many keys at once: those that lie near to each other are told to the same peers.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use libp2p_identity::PeerId;
use tokio::time::timeout;

use super::covered::{Covered, Nearest};
use super::{Dht, Key, Message};
use crate::{Error, Events, Result};

/// Keys whose messages are kept in memory at a time.
const BATCH: usize = 512;

/// How much is done at once.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Peers that are told side by side.
    pub peers: usize,
    /// How long a peer may take to be told of a batch of keys.
    pub time: Duration,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            peers: 20,
            time: Duration::from_secs(10),
        }
    }
}

/// What announcing has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Announced {
    /// Keys that somebody was told of.
    pub keys: u64,
    /// Keys that nobody could be told of.
    pub failed: u64,
    /// How often a peer was told of a key.
    pub records: u64,
    /// Lookups that were needed.
    pub lookups: u64,
    /// Peers that were found.
    pub peers: u64,
    /// Peers that were told anything.
    pub reached: u64,
}

impl std::ops::AddAssign for Announced {
    fn add_assign(&mut self, other: Self) {
        self.keys += other.keys;
        self.failed += other.failed;
        self.records += other.records;
        self.lookups += other.lookups;
        self.peers += other.peers;
        self.reached += other.reached;
    }
}

/// Bits that a key is looked for with; no network has parts as small as these would be.
const GUESSED: usize = 18;

/// A key whose place is in a part. It is found by trying.
fn key_in((first, bits): (u64, usize)) -> Option<Vec<u8>> {
    if bits > GUESSED {
        return None;
    }
    let fits = |bytes: &[u8; 32]| (Key::of(bytes).head() ^ first) >> (64 - bits.max(1)) == 0;
    let mut guesses = (0..16u32 << bits).map(|_| rand::random::<[u8; 32]>());
    guesses.find(fits).map(|bytes| bytes.to_vec())
}

impl Dht {
    /// Tells other nodes that this one has what has these keys: the nearer keys are to each other, the
    /// fewer lookups are needed.
    ///
    /// # Errors
    /// There is nobody to tell, or the node has no address.
    pub async fn provide_many(&self, mut keys: Vec<Bytes>, effort: Effort) -> Result<Announced> {
        let own = self.own().await;
        if own.addresses.is_empty() {
            return Err(Error::NoAddresses);
        }
        if self.size() == 0 {
            return Err(Error::NobodyToAsk);
        }
        keys.sort_by_cached_key(|key| Key::of(key));
        keys.dedup();
        let mut done = Announced::default();
        let mut covered = Covered::default();
        for batch in keys.chunks(BATCH) {
            let mut plan: HashMap<PeerId, Vec<usize>> = HashMap::new();
            for (place, bytes) in batch.iter().enumerate() {
                let key = Key::of(bytes);
                let peers = self.nearest_to(&key, bytes, &mut covered, &mut done).await;
                self.providers().add_own(bytes, &own);
                for peer in peers {
                    plan.entry(peer).or_default().push(place);
                }
            }
            let told = stream::iter(plan)
                .map(async |(peer, places)| {
                    let messages = places
                        .iter()
                        .map(|place| Message::add_provider(&batch[*place], own.clone()))
                        .map(|message| message.encode().into())
                        .collect();
                    let told = timeout(effort.time, self.tell_all(peer, messages)).await;
                    matches!(told, Ok(Ok(()))).then_some(places)
                })
                .buffer_unordered(effort.peers.max(1))
                .collect::<Vec<_>>()
                .await;
            let mut holders = vec![0u64; batch.len()];
            for places in told.into_iter().flatten() {
                done.reached += 1;
                places.into_iter().for_each(|place| holders[place] += 1);
            }
            done.records += holders.iter().sum::<u64>();
            let failed = holders.iter().filter(|holders| **holders == 0).count() as u64;
            done.failed += failed;
            done.keys += batch.len() as u64 - failed;
        }
        done.peers = covered.peers() as u64;
        Ok(done)
    }

    /// The peers that are to be told of a key, by what is known or by asking.
    async fn nearest_to(
        &self,
        key: &Key,
        bytes: &[u8],
        covered: &mut Covered,
        done: &mut Announced,
    ) -> Vec<PeerId> {
        loop {
            let beside = match covered.nearest(key) {
                Nearest::Peers(peers) => return peers,
                Nearest::Unknown => None,
                Nearest::UnknownBeside(part) => {
                    covered.asked(part);
                    match key_in(part) {
                        Some(beside) => Some(beside),
                        None => continue,
                    }
                }
            };
            done.lookups += 1;
            let target = beside.as_deref().unwrap_or(bytes);
            let found = self.closest_peers(target, &Events::default()).await;
            let found = found.unwrap_or_default();
            if !found.is_empty() {
                covered.add(&Key::of(target), &found);
            } else if beside.is_none() {
                return found;
            }
        }
    }

    async fn tell_all(&self, peer: PeerId, messages: Vec<Bytes>) -> Result<()> {
        self.reach(peer, &Events::default()).await?;
        let protocol = self.scope().protocol();
        self.host().tell(peer, protocol, messages).await
    }
}
