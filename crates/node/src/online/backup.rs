//! Peers to come back to when those of `Bootstrap` do not answer.

use std::collections::HashSet;
use std::time::Duration;

use basalt_blockstore::Batch;
use basalt_network::{Handle, Multiaddr, PeerId, parse_address, peer_of, with_peer};
use basalt_repo::Config;

use super::peers::{Peers, add};
use crate::{Node, Result};

/// Where the last known peers lie: a list of their addresses, in JSON, as Kubo has it.
const KEY: &[u8] = b"/local/temp_bootstrap_peers";
/// How many are kept.
const MOST: usize = 20;
/// How long after the start they are looked at first.
const FIRST: Duration = Duration::from_secs(30);
/// Addresses that are kept of one peer.
const ADDRESSES: usize = 16;

/// `Internal.BackupBootstrapInterval`.
fn every(config: &Config) -> Duration {
    let set = config.duration("Internal.BackupBootstrapInterval");
    let set = set.and_then(basalt_repo::GoDuration::to_std);
    set.filter(|every| !every.is_zero())
        .unwrap_or(Duration::from_secs(60 * 60))
}

impl Node {
    /// Peers that the node was connected to when it last ran.
    pub(super) async fn backup_peers(&self) -> Result<Peers> {
        let mut peers = Peers::new();
        let Some(kept) = self.records().get(KEY).await? else {
            return Ok(peers);
        };
        let texts: Vec<String> = serde_json::from_slice(&kept).unwrap_or_default();
        for text in texts.iter().take(MOST * ADDRESSES) {
            let address = parse_address(text).ok();
            if let Some(address) = address
                && let Some(peer) = peer_of(&address)
            {
                add(&mut peers, peer, address);
            }
        }
        Ok(peers)
    }

    /// Notes from time to time whom the node is connected to, until it is closed.
    pub(super) fn keep_backup_peers(&self, network: Handle, config: &Config) {
        let every = every(config);
        let known = super::peers::bootstrap(config).unwrap_or_default();
        let known: HashSet<PeerId> = known.into_iter().map(|(peer, _)| peer).collect();
        let (node, cancel) = (self.clone(), self.cancelled());
        tokio::spawn(async move {
            let mut wait = FIRST.min(every);
            loop {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = cancel.cancelled() => return,
                }
                wait = every;
                if let Err(error) = node.note_peers(&network, &known).await {
                    tracing::warn!(target: "basalt::network", %error, "connected peers were not noted");
                }
            }
        });
    }

    async fn note_peers(&self, network: &Handle, known: &HashSet<PeerId>) -> Result<()> {
        let mut kept = Peers::new();
        let is_new = |kept: &Peers, peer: &PeerId| {
            !known.contains(peer) && !kept.iter().any(|(other, _)| other == peer)
        };
        for connection in network.connections().await? {
            let peer = connection.peer;
            if kept.len() == MOST || !is_new(&kept, &peer) {
                continue;
            }
            let mut addresses = network.addresses_of(peer).await?;
            // Whoever is reached through others alone is no way into the network.
            addresses.retain(|address| !address.to_string().contains("/p2p-circuit"));
            addresses.truncate(ADDRESSES);
            if !addresses.is_empty() {
                kept.push((peer, addresses));
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        for (peer, addresses) in self.backup_peers().await? {
            if kept.len() < MOST && is_new(&kept, &peer) {
                kept.push((peer, addresses));
            }
        }
        let text = |(peer, addresses): &(PeerId, Vec<Multiaddr>)| -> Vec<String> {
            let with = |address: &Multiaddr| with_peer(address, *peer).to_string();
            addresses.iter().map(with).collect()
        };
        let texts: Vec<String> = kept.iter().flat_map(text).collect();
        let mut batch = Batch::default();
        batch.put(KEY, serde_json::Value::from(texts).to_string());
        Ok(self.records().write(batch).await?)
    }
}
