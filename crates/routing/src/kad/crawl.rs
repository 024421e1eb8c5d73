//! Going from peer to peer through a whole DHT.

use std::collections::{HashSet, VecDeque};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p_identity::PeerId;
use tokio::time::timeout;

use super::whole::{ADDRESSES, MOST, Whole};
use super::{Dht, Key, Message};
use crate::{Error, Events, K, PeerInfo, Result, Scope};

/// Peers that are asked side by side.
const SIDE_BY_SIDE: usize = 100;
/// How long a peer may take to tell whom it knows.
const PEER: Duration = Duration::from_secs(60);
/// First bits of the places for which keys are at hand. A peer knows of nearly nobody who shares more
/// bits with it, but for those that it names as its nearest.
const BITS: usize = 12;

/// A key for each way in which a place may begin.
static KEYS: LazyLock<Vec<[u8; 8]>> = LazyLock::new(|| {
    let mut keys = vec![None; 1 << BITS];
    let mut missing = keys.len();
    for guess in 0u64.. {
        let key = guess.to_be_bytes();
        let place = &mut keys[first_bits(&Key::of(&key))];
        if place.is_none() {
            *place = Some(key);
            missing -= 1;
        }
        if missing == 0 {
            break;
        }
    }
    keys.into_iter().flatten().collect()
});

fn first_bits(key: &Key) -> usize {
    // A number of so few bits fits.
    (key.head() >> (64 - BITS)) as usize
}

/// A key that shares exactly so many first bits with a place.
fn key_beside(place: &Key, bits: usize) -> [u8; 8] {
    KEYS[first_bits(place) ^ (1 << (BITS - 1 - bits))]
}

impl Dht {
    /// Finds all peers of the DHT. From then on those that are nearest to a key are known at once, and
    /// lookups begin there; gives how many there are.
    ///
    /// # Errors
    /// [`Error::NobodyToAsk`].
    pub async fn crawl(&self) -> Result<usize> {
        let mut waiting: VecDeque<PeerInfo> = VecDeque::new();
        if let Some(before) = self.known().get() {
            waiting.extend(before.all());
        }
        let members: Vec<PeerId> = self.table().members().map(|member| member.id).collect();
        waiting.extend(self.locate(members).await);
        let mut seen: HashSet<PeerId> = HashSet::new();
        waiting.retain(|peer| seen.insert(peer.id));
        let diverse = self.scope() == Scope::Wan;
        let mut whole = Whole::new();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < SIDE_BY_SIDE
                && let Some(peer) = waiting.pop_front()
            {
                running.push(self.visit_in_time(peer));
            }
            let Some((peer, told)) = running.next().await else {
                break;
            };
            let Ok(told) = told else {
                continue;
            };
            whole.add(peer, diverse);
            for peer in told {
                if seen.len() < MOST && seen.insert(peer.id) {
                    waiting.push_back(peer);
                }
            }
        }
        let found = whole.len();
        if found == 0 {
            return Err(Error::NobodyToAsk);
        }
        self.known().set(whole);
        Ok(found)
    }

    /// Asks a peer whom it knows. If it was reached, what is now known of its addresses comes with it.
    async fn visit_in_time(&self, mut peer: PeerInfo) -> (PeerInfo, Result<Vec<PeerInfo>>) {
        self.host().remember(vec![peer.clone()], PEER).await;
        let told = timeout(PEER, self.all_known_to(peer.id)).await;
        let told = told.unwrap_or(Err(Error::Timeout));
        if told.is_ok() {
            let located = self.locate(vec![peer.id]).await.into_iter().next();
            peer = located.filter(|p| !p.addresses.is_empty()).unwrap_or(peer);
        }
        (peer, told)
    }

    /// Everybody a peer knows, bucket by bucket.
    async fn all_known_to(&self, peer: PeerId) -> Result<Vec<PeerInfo>> {
        self.reach(peer, &Events::default()).await?;
        let place = Key::of_peer(&peer);
        // Its nearest first: that says how many buckets it has.
        let mut known = self.known_near(peer, &peer.to_bytes()).await?;
        let shared = known
            .iter()
            .map(|p| Key::of_peer(&p.id).common_bits(&place));
        let deepest = shared.max().unwrap_or(0);
        for bits in 0..=deepest.min(BITS - 1) {
            known.extend(self.known_near(peer, &key_beside(&place, bits)).await?);
        }
        Ok(known)
    }

    async fn known_near(&self, peer: PeerId, key: &[u8]) -> Result<Vec<PeerInfo>> {
        let answer = self.ask(peer, &Message::find_node(key)).await?;
        let mut told = answer.closer;
        // An honest answer has no more than K.
        told.truncate(2 * K);
        let own = self.host().local_peer();
        told.retain(|told| told.id != own && told.id != peer && self.scope().asks(&told.addresses));
        for told in &mut told {
            told.addresses.retain(|address| self.keeps(address));
            told.addresses.truncate(ADDRESSES);
        }
        Ok(told)
    }

    /// The peers that the last crawl has found, and when it ended; `None` if there was none.
    pub fn whole(&self) -> Option<(SystemTime, Vec<PeerId>)> {
        let whole = self.known().get()?;
        Some((whole.crawled, whole.peers().collect()))
    }

    /// The peers that are nearest to a key by the last crawl, which can be reached from now on.
    pub(super) async fn nearest_of_all(&self, key: &Key, most: usize) -> Option<Vec<PeerId>> {
        let whole = self.known().get()?;
        let nearest: Vec<PeerInfo> = whole.nearest(key, most);
        let peers = nearest.iter().map(|peer| peer.id).collect();
        self.host().remember(nearest, super::lookup::TOLD).await;
        Some(peers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_share_as_many_bits_as_they_should() {
        let place = Key::of(b"somewhere");
        for bits in 0..BITS {
            let key = Key::of(&key_beside(&place, bits));
            assert_eq!(key.common_bits(&place), bits);
        }
    }
}
