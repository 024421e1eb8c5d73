use std::collections::HashMap;

use basalt_block::Multihash;
use libp2p_identity::PeerId;

/// Who wants a block, for when it comes.
#[derive(Debug, Default)]
pub(super) struct Wanting {
    peers: HashMap<Multihash, Vec<PeerId>>,
    count: usize,
}

impl Wanting {
    /// A peer wants a block that it did not want before.
    pub(super) fn insert(&mut self, hash: Multihash, peer: PeerId) {
        self.peers
            .entry(hash)
            .or_insert_with(|| Vec::with_capacity(1))
            .push(peer);
        self.count += 1;
    }

    pub(super) fn forget(&mut self, hash: &Multihash, peer: &PeerId) {
        let Some(peers) = self.peers.get_mut(hash) else {
            return;
        };
        if let Some(at) = peers.iter().position(|known| known == peer) {
            peers.swap_remove(at);
            self.count -= 1;
        }
        if peers.is_empty() {
            self.peers.remove(hash);
        }
    }

    pub(super) fn of(&self, hash: &Multihash) -> &[PeerId] {
        self.peers.get(hash).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// All wants of all peers.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}
