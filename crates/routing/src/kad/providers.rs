//! Who told this node that they have something.
//!
//! A record is believed for two days. Records are written some at a time: who announces does not wait
//! for an answer, and announces again if this node loses a few.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::store::{expire, fresh, stamped};
use crate::{PeerInfo, Records, Result};

/// The table; the length of a multihash, the multihash and the peer follow.
const TABLE: &[u8] = b"dht/providers/";
/// Bytes of a multihash.
pub(super) const KEY: usize = 80;
/// Records that may wait to be written; what comes then is not kept.
const WAITING: usize = 16 * 1024;
/// Records of all keys.
const RECORDS: usize = 4_000_000;
/// Providers of one key that are told.
const TOLD: usize = 512;
/// Addresses of a provider that are kept.
const ADDRESSES: usize = 32;

/// What is known of who has something.
pub type Provided = Vec<PeerInfo>;

/// What the node itself announces, where that can be told without a list.
#[async_trait]
pub trait OwnContent: Send + Sync + 'static {
    /// Whether the node announces what has this multihash.
    async fn provides(&self, key: &[u8]) -> bool;
}

/// The provider records of a node.
pub struct Providers {
    records: Arc<dyn Records>,
    own: Option<(PeerId, Arc<dyn OwnContent>)>,
    waiting: Mutex<BTreeMap<Bytes, Bytes>>,
    count: AtomicUsize,
}

impl Providers {
    /// The provider records in `records`.
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self {
            records,
            own: None,
            waiting: Mutex::default(),
            count: AtomicUsize::new(0),
        }
    }

    /// Knows what the node itself provides from its content, so that no record of that is kept.
    pub fn with_own(mut self, node: PeerId, content: Arc<dyn OwnContent>) -> Self {
        self.own = Some((node, content));
        self
    }

    /// Keeps that the node itself has something, unless that is known anyway.
    pub(super) fn add_own(&self, key: &[u8], own: &PeerInfo) {
        if self.own.is_none() {
            self.add(key, own);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Bytes, Bytes>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps that a peer has something; says whether there was room.
    pub fn add(&self, key: &[u8], provider: &PeerInfo) -> bool {
        if key.is_empty() || key.len() > KEY || self.count.load(Ordering::Relaxed) >= RECORDS {
            return false;
        }
        let mut value = Vec::new();
        for address in provider.addresses.iter().take(ADDRESSES) {
            // Longer ones are not read from messages.
            if let Ok(length) = u16::try_from(address.len()) {
                value.extend(length.to_be_bytes());
                value.extend_from_slice(address.as_ref());
            }
        }
        let place = [&prefix(key)[..], &provider.id.to_bytes()].concat();
        let mut waiting = self.waiting();
        if waiting.len() >= WAITING {
            return false;
        }
        waiting.insert(place.into(), stamped(&value));
        true
    }

    /// Who has something.
    ///
    /// # Errors
    /// The store fails.
    pub async fn get(&self, key: &[u8]) -> Result<Provided> {
        let prefix = prefix(key);
        let mut found: BTreeMap<Bytes, Bytes> = {
            let stored = self.records.scan(&prefix, None, TOLD).await?;
            stored.into_iter().collect()
        };
        {
            let waiting = self.waiting();
            let new = waiting.range(Bytes::copy_from_slice(&prefix)..);
            let new = new.take_while(|(place, _)| place.starts_with(&prefix));
            found.extend(new.take(TOLD).map(|(k, v)| (k.clone(), v.clone())));
        }
        let read = |(place, value): (&Bytes, &Bytes)| {
            let id = PeerId::from_bytes(place.get(prefix.len()..)?).ok()?;
            let (_, addresses) = fresh(value)?;
            Some(PeerInfo::new(id, read_addresses(&addresses)))
        };
        let mut all: Provided = found.iter().filter_map(read).take(TOLD).collect();
        if let Some((node, content)) = &self.own
            && !all.iter().any(|provider| provider.id == *node)
            && content.provides(key).await
        {
            all.push(PeerInfo::new(*node, Vec::new()));
        }
        Ok(all)
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// The store fails; then it waits on.
    pub async fn flush(&self) -> Result<()> {
        let batch: Vec<_> = {
            let waiting = self.waiting();
            waiting
                .iter()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        };
        if batch.is_empty() {
            return Ok(());
        }
        let write = batch.iter().map(|(k, v)| (k.clone(), Some(v.clone())));
        self.records.write(write.collect()).await?;
        self.count.fetch_add(batch.len(), Ordering::Relaxed);
        let mut waiting = self.waiting();
        for (place, value) in batch {
            // What was announced again since then waits for the next time.
            if waiting.get(&place) == Some(&value) {
                waiting.remove(&place);
            }
        }
        Ok(())
    }

    /// Deletes what is not believed any more.
    ///
    /// # Errors
    /// The store fails.
    pub async fn expire(&self) -> Result<()> {
        let left = expire(&*self.records, TABLE).await?;
        self.count.store(left, Ordering::Relaxed);
        Ok(())
    }
}

fn prefix(key: &[u8]) -> Vec<u8> {
    // Longer ones are not kept; that they are looked for in the wrong place does not matter.
    let length = u8::try_from(key.len()).unwrap_or(u8::MAX);
    [TABLE, &[length], key].concat()
}

fn read_addresses(mut bytes: &[u8]) -> Vec<Multiaddr> {
    let mut all = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((address, rest)) = rest.split_at_checked(length) else {
            break;
        };
        all.extend(Multiaddr::try_from(address.to_vec()));
        bytes = rest;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryRecords;
    use crate::records::OnDisk;

    #[tokio::test]
    async fn providers_are_found_before_and_after_they_are_written() {
        let providers = Providers::new(Arc::new(MemoryRecords::default()));
        let address: Multiaddr = "/ip4/1.2.3.4/tcp/1".parse().unwrap();
        let peer = PeerInfo::new(PeerId::random(), vec![address]);
        let bare = PeerInfo::new(PeerId::random(), Vec::new());
        assert!(providers.add(b"key", &peer));
        assert!(providers.add(b"key2", &bare));
        assert_eq!(
            providers.get(b"key").await.unwrap(),
            std::slice::from_ref(&peer)
        );
        providers.flush().await.unwrap();
        assert!(providers.waiting().is_empty());
        assert_eq!(providers.get(b"key").await.unwrap(), [peer]);
        assert_eq!(
            providers.get(b"key2").await.unwrap(),
            std::slice::from_ref(&bare)
        );
        assert!(providers.get(b"ke").await.unwrap().is_empty());
        assert!(!providers.add(&[0; 81], &bare));
        providers.expire().await.unwrap();
        assert_eq!(providers.count.load(Ordering::Relaxed), 2);
    }

    struct Even;

    #[async_trait]
    impl OwnContent for Even {
        async fn provides(&self, key: &[u8]) -> bool {
            key.len().is_multiple_of(2)
        }
    }

    #[tokio::test]
    async fn what_the_node_has_itself_needs_no_record() {
        let records = Arc::new(MemoryRecords::default());
        let own = PeerInfo::new(PeerId::random(), Vec::new());
        let providers = Providers::new(records).with_own(own.id, Arc::new(Even));
        providers.add_own(b"odd", &own);
        providers.add_own(b"even", &own);
        assert!(providers.waiting().is_empty());
        let found = providers.get(b"even").await.unwrap();
        assert_eq!(found, std::slice::from_ref(&own));
        assert!(providers.get(b"odd").await.unwrap().is_empty());
        // Said once, whoever else has said so.
        providers.add(b"even", &own);
        assert_eq!(providers.get(b"even").await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        let providers = Providers::new(Arc::new(MemoryRecords::default()));
        let bare = PeerInfo::new(PeerId::random(), Vec::new());
        let kept = (0..2 * WAITING).filter(|n| providers.add(&n.to_be_bytes(), &bare));
        assert_eq!(kept.count(), WAITING);
    }

    #[tokio::test]
    async fn on_a_full_disk_what_waits_is_still_told_and_written_later() {
        let disk = Arc::new(OnDisk::default());
        let providers = Providers::new(disk.clone());
        let bare = PeerInfo::new(PeerId::random(), Vec::new());
        providers.add(b"before", &bare);
        providers.flush().await.unwrap();
        disk.full.store(true, Ordering::Relaxed);
        for n in 0..2 * WAITING {
            providers.add(&n.to_be_bytes(), &bare);
        }
        for _ in 0..3 {
            assert!(providers.flush().await.is_err());
        }
        assert_eq!(providers.waiting().len(), WAITING);
        assert_eq!(providers.count.load(Ordering::Relaxed), 1);
        for key in [&b"before"[..], &0usize.to_be_bytes()] {
            assert_eq!(providers.get(key).await.unwrap().len(), 1);
        }
        disk.full.store(false, Ordering::Relaxed);
        providers.flush().await.unwrap();
        assert!(providers.waiting().is_empty());
        assert_eq!(providers.count.load(Ordering::Relaxed), WAITING + 1);
        let last = (WAITING - 1).to_be_bytes();
        assert_eq!(providers.get(&last).await.unwrap().len(), 1);
    }
}
