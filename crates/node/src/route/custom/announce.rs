//! Announcing over HTTP, in the node's name.

use std::time::SystemTime;

use basalt_block::{Cid, Multihash, codec};
use basalt_delegated::{Announcement, Client};
use basalt_network::Handle;
use basalt_repo::PrivateKey;
use basalt_routing::Error as Failed;
use bytes::Bytes;

/// For how long servers are to remember, in nanoseconds.
const TTL: i64 = 24 * 3600 * 1_000_000_000;

/// Who announces.
pub(in crate::route) struct Announcer {
    network: Handle,
    key: Option<PrivateKey>,
}

impl Announcer {
    /// The node with this key; without one nothing can be announced over HTTP.
    pub(in crate::route) fn new(network: Handle, key: Option<PrivateKey>) -> Self {
        Self { network, key }
    }

    /// Tells a server that the node has what has these multihashes.
    pub(super) async fn announce(&self, client: &Client, keys: &[Bytes]) -> Result<(), Failed> {
        let key = self.key.as_ref().ok_or(Failed::NotSupported)?;
        let hashes = keys
            .iter()
            .filter_map(|key| Multihash::from_bytes(key).ok());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.ok().and_then(|now| i64::try_from(now.as_millis()).ok());
        let announcement = Announcement {
            keys: hashes.map(|hash| Cid::new_v1(codec::RAW, hash)).collect(),
            timestamp: now.unwrap_or(0),
            ttl: TTL,
            peer: self.network.local_peer(),
            addresses: self.network.announced_addresses().await.unwrap_or_default(),
        };
        let upload = announcement.upload(|data| key.sign(data).map_err(|e| e.to_string()));
        let upload = upload.map_err(|e| Failed::Remote(e.to_string()))?;
        let announced = client.announce(upload).await;
        announced.map_err(|e| Failed::Remote(e.to_string()))
    }
}
