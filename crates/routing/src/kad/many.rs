//! Announcing many keys at once: those that lie near to each other are told to the same peers.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use libp2p_identity::PeerId;
use tokio::time::timeout;

use super::covered::{Covered, Nearest};
use super::{Dht, Key, Message};
use crate::{Error, Events, Result};

/// Keys that are announced at a time: the more, the fewer times a peer is connected to. Each is in the plan
/// of twenty peers, with four bytes.
const BATCH: usize = 16 << 10;
/// Keys that are planned in a stretch.
const STRETCH: u32 = 32;
/// Messages that a peer must take in each span of time; one that takes fewer is given up.
const PACE: usize = 512;

/// How much is done at once.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Peers that are told side by side.
    pub peers: usize,
    /// How long a peer may take to be told of 512 keys.
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
        let tail: Arc<[u8]> = Message::provider_tail(&own).into();
        for batch in keys.chunks(BATCH) {
            let mut plan: HashMap<PeerId, Vec<u32>> = HashMap::new();
            for (place, bytes) in (0u32..).zip(batch) {
                // Others who announce in this task must not wait for all of this.
                if place % STRETCH == 0 {
                    tokio::task::yield_now().await;
                }
                let key = Key::of(bytes);
                let peers = self.nearest_to(&key, bytes, &mut covered, &mut done).await;
                self.providers().add_own(bytes, &own);
                for peer in peers {
                    plan.entry(peer).or_default().push(place);
                }
            }
            let batch: Arc<[Bytes]> = batch.into();
            let mut holders = vec![0u64; batch.len()];
            let mut told = stream::iter(plan)
                .map(|(peer, places)| self.tell_of(peer, batch.clone(), places, &tail, effort.time))
                .buffer_unordered(effort.peers.max(1));
            while let Some(places) = told.next().await {
                let Some(places) = places else {
                    continue;
                };
                done.reached += 1;
                for place in places.iter() {
                    holders[*place as usize] += 1;
                }
            }
            drop(told);
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

    /// Tells a peer of some keys of a batch, and gives them back if it was told of all.
    async fn tell_of(
        &self,
        peer: PeerId,
        batch: Arc<[Bytes]>,
        places: Vec<u32>,
        tail: &Arc<[u8]>,
        time: Duration,
    ) -> Option<Arc<[u32]>> {
        let (places, sent): (Arc<[u32]>, _) = (places.into(), Arc::new(AtomicUsize::new(0)));
        let (tail, of, count) = (tail.clone(), places.clone(), sent.clone());
        let messages = (0..places.len()).map(move |next| {
            count.store(next + 1, Ordering::Relaxed);
            Message::add_provider_with(&batch[of[next] as usize], &tail).into()
        });
        let told = async {
            self.reach(peer, &Events::default()).await?;
            let protocol = self.scope().protocol();
            let told = self.host().tell(peer, protocol, Box::new(messages));
            told.await
        };
        let told = while_it_goes_on(told, &sent, time).await;
        matches!(told, Some(Ok(()))).then_some(places)
    }
}

/// What comes of work that counts its steps, unless it takes longer than `time` for [`PACE`] of them.
async fn while_it_goes_on<T>(
    work: impl Future<Output = T>,
    steps: &AtomicUsize,
    time: Duration,
) -> Option<T> {
    let (mut work, mut before) = (pin!(work), 0);
    loop {
        if let Ok(done) = timeout(time, &mut work).await {
            return Some(done);
        }
        let now = steps.load(Ordering::Relaxed);
        if now < before + PACE {
            return None;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    /// Work of so many steps, of which each takes so long.
    async fn after(steps: usize, each: Duration) -> Option<()> {
        let count = AtomicUsize::new(0);
        let work = async {
            for _ in 0..steps {
                sleep(each).await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        while_it_goes_on(work, &count, Duration::from_secs(10)).await
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_much_has_time_and_who_is_slow_is_given_up() {
        assert!(after(100 * PACE, Duration::from_millis(10)).await.is_some());
        assert!(after(PACE - 1, Duration::from_millis(19)).await.is_some());
        assert!(after(100 * PACE, Duration::from_millis(30)).await.is_none());
        assert!(after(1, Duration::from_secs(11)).await.is_none());
    }
}
