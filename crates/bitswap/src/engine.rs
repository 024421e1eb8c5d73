//! The side that gives blocks: wantlists of peers, and what is sent to them.
//!
//! The engine asks for two kinds of work: to [look](Job::Look) which blocks are in the store, and to
//! [read](Job::Read) some. It takes turns among the peers, and reads for each no more than may be
//! under way to it, so that memory is bounded by the number of peers that really take blocks.

mod partner;
mod wanting;
mod wantlist;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use basalt_block::{Block, Cid, hash_codes::IDENTITY};
use bytes::Bytes;
use libp2p_identity::PeerId;

use crate::message::{Message, Payload, WantType};
use partner::Partner;
use wanting::Wanting;

/// Wants of all peers together. Beyond it each has an equal part, or a few.
const ALL_WANTS: usize = 32 << 10;
const FEW_WANTS: usize = 64;
/// Bytes of blocks under way to all peers together. Beyond it only those get more that have nothing under
/// way, and beyond twice as much nobody does.
const ALL_OUTSTANDING: usize = 12 << 20;

/// How the engine serves.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Whether it serves at all (`Bitswap.ServerEnabled`).
    pub enabled: bool,
    /// Wants kept for one peer.
    pub max_wants: usize,
    /// Bytes of blocks that may be under way to one peer
    /// (`Internal.Bitswap.MaxOutstandingBytesPerPeer`); 0 is no limit.
    pub max_outstanding: usize,
    /// Blocks up to this size are sent in place of a HAVE
    /// (`Internal.Bitswap.WantHaveReplaceSize`).
    pub replace_have: usize,
    /// Visits to the store at one time (`Internal.Bitswap.EngineBlockstoreWorkerCount`).
    pub store_visits: usize,
    /// Blocks are gathered into a message until they have so many bytes.
    pub message_size: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            max_wants: 1024,
            max_outstanding: 1 << 20,
            replace_have: 1024,
            store_visits: 128,
            message_size: 256 << 10,
        }
    }
}

/// What the engine needs to have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Say how large the blocks are that are in the store: [`Engine::looked`].
    Look {
        /// Who asks for them.
        peer: PeerId,
        /// The blocks.
        cids: Vec<Cid>,
    },
    /// Read the blocks: [`Engine::loaded`].
    Read {
        /// Who asks for them.
        peer: PeerId,
        /// The blocks.
        cids: Vec<Cid>,
    },
}

/// What passed between the node and a peer while it was connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Bytes of blocks sent.
    pub sent: u64,
    /// Bytes of blocks received.
    pub received: u64,
    /// Blocks sent and received.
    pub exchanged: u64,
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    options: EngineOptions,
    partners: BTreeMap<PeerId, Partner>,
    wanting: Wanting,
    /// Bytes of blocks that are read, or were and have not left.
    outstanding: usize,
    /// Peers that would get blocks if others took theirs.
    starved: BTreeSet<PeerId>,
    /// Peers that may have jobs to give, in the order of their turns.
    turns: VecDeque<PeerId>,
    visits: usize,
    /// Peers to whom there may be something to say.
    dirty: BTreeSet<PeerId>,
    blocks_sent: u64,
    data_sent: u64,
}

impl Engine {
    /// An engine without peers.
    pub fn new(options: EngineOptions) -> Self {
        Self {
            options,
            partners: BTreeMap::new(),
            wanting: Wanting::default(),
            outstanding: 0,
            starved: BTreeSet::new(),
            turns: VecDeque::new(),
            visits: 0,
            dirty: BTreeSet::new(),
            blocks_sent: 0,
            data_sent: 0,
        }
    }

    /// A peer has connected.
    pub fn connected(&mut self, peer: PeerId) {
        self.partners.entry(peer).or_default();
    }

    /// A peer has no connection any more: what it wanted is forgotten.
    pub fn disconnected(&mut self, peer: &PeerId) {
        if let Some(partner) = self.partners.remove(peer) {
            for hash in partner.wants.hashes() {
                self.wanting.forget(hash, peer);
            }
            self.starved.remove(peer);
            self.account(partner.outstanding(), 0);
        }
    }

    /// What is outstanding for a peer has changed.
    fn account(&mut self, before: usize, after: usize) {
        self.outstanding = (self.outstanding + after).saturating_sub(before);
        if after < before && self.outstanding < 2 * ALL_OUTSTANDING {
            for peer in std::mem::take(&mut self.starved) {
                self.wake(peer);
            }
        }
    }

    /// How many wants of a peer are kept.
    fn most_wants(&self) -> usize {
        let most = self.options.max_wants;
        if self.wanting.count() < ALL_WANTS {
            return most;
        }
        let part = ALL_WANTS / self.partners.len().max(1);
        part.max(FEW_WANTS).min(most)
    }

    /// A peer has sent wants.
    pub fn received(&mut self, peer: &PeerId, message: &Message) {
        if !self.options.enabled {
            return;
        }
        let most = self.most_wants();
        let Some(partner) = self.partners.get_mut(peer) else {
            return;
        };
        if message.full {
            for hash in partner.wants.clear() {
                self.wanting.forget(&hash, peer);
            }
        }
        let mut taken = 0;
        for entry in &message.wants {
            if entry.cid.hash().code() == IDENTITY {
                continue;
            }
            let hash = *entry.cid.hash();
            if entry.cancel {
                if partner.wants.remove(&hash) {
                    self.wanting.forget(&hash, peer);
                }
                continue;
            }
            taken += 1;
            if taken > self.options.max_wants {
                continue;
            }
            let added = partner.wants.want(entry, most);
            if let Some(hash) = added.evicted {
                self.wanting.forget(&hash, peer);
            }
            if added.new {
                self.wanting.insert(hash, *peer);
            }
        }
        self.wake(*peer);
    }

    /// Blocks of so many bytes came from a peer.
    pub fn paid(&mut self, peer: &PeerId, bytes: usize) {
        if let Some(partner) = self.partners.get_mut(peer) {
            partner.receipt.received += bytes as u64;
            partner.receipt.exchanged += 1;
        }
    }

    /// These blocks are in the store now.
    pub fn notify(&mut self, cids: &[Cid]) {
        for cid in cids {
            for peer in self.wanting.of(cid.hash()).to_vec() {
                if let Some(partner) = self.partners.get_mut(&peer) {
                    partner.wants.look_again(cid.hash());
                }
                self.wake(peer);
            }
        }
    }

    /// The next thing to do, if there is one now.
    pub fn next_job(&mut self) -> Option<Job> {
        if self.visits >= self.options.store_visits {
            return None;
        }
        // Each peer is asked once at most; one that has a job goes to the end of the queue.
        while let Some(peer) = self.turns.pop_front() {
            let Some(partner) = self.partners.get_mut(&peer) else {
                continue;
            };
            let job = if let Some(cids) = partner.next_look() {
                Job::Look { peer, cids }
            } else if self.outstanding >= ALL_OUTSTANDING
                && (partner.outstanding() > 0 || self.outstanding >= 2 * ALL_OUTSTANDING)
            {
                partner.waiting = false;
                self.starved.insert(peer);
                continue;
            } else if let Some((cids, bytes)) = partner.next_read(&self.options) {
                self.outstanding += bytes;
                Job::Read { peer, cids }
            } else {
                partner.waiting = false;
                continue;
            };
            self.turns.push_back(peer);
            self.visits += 1;
            return Some(job);
        }
        None
    }

    /// The answer to [`Job::Look`]: the size of each block, if it is in the store.
    pub fn looked(&mut self, peer: &PeerId, found: &[(Cid, Option<u64>)]) {
        self.visits = self.visits.saturating_sub(1);
        if let Some(partner) = self.partners.get_mut(peer) {
            partner.looking = false;
            for (cid, size) in found {
                partner
                    .wants
                    .looked(cid.hash(), *size, self.options.replace_have);
            }
            self.dirty.insert(*peer);
            self.wake(*peer);
        }
    }

    /// The answer to [`Job::Read`].
    pub fn loaded(&mut self, peer: &PeerId, blocks: Vec<(Cid, Option<Bytes>)>) {
        self.visits = self.visits.saturating_sub(1);
        let Some(partner) = self.partners.get_mut(peer) else {
            return;
        };
        let before = partner.outstanding();
        for (cid, data) in blocks {
            let Some(size) = partner.wants.read(cid.hash()) else {
                continue;
            };
            partner.reading = partner.reading.saturating_sub(size);
            if partner.wants.is_unread(cid.hash()) {
                match data {
                    Some(data) => partner.load(cid, data),
                    None => partner.wants.looked(cid.hash(), None, 0),
                }
            }
        }
        let after = partner.outstanding();
        self.account(before, after);
        self.dirty.insert(*peer);
        self.wake(*peer);
    }

    /// Peers to whom there may be something new to say.
    pub fn take_dirty(&mut self) -> BTreeSet<PeerId> {
        std::mem::take(&mut self.dirty)
    }

    /// Whether no peer wants anything.
    pub fn is_idle(&self) -> bool {
        self.wanting.is_empty()
    }

    /// Whether there is something to say to the peer.
    pub fn has_message(&self, peer: &PeerId) -> bool {
        self.partners
            .get(peer)
            .is_some_and(|p| !p.loaded.is_empty() || p.wants.has_answers())
    }

    /// Adds to `message` what there is to say to the peer. What is said counts as sent:
    /// [`Engine::sent`] tells that its blocks have left.
    pub fn compose(&mut self, peer: &PeerId, message: &mut Message) {
        let Some(partner) = self.partners.get_mut(peer) else {
            return;
        };
        let (presences, done) = partner.wants.take_answers();
        message.presences.extend(presences);
        for hash in done {
            self.wanting.forget(&hash, peer);
        }
        let before = partner.outstanding();
        let mut bytes = 0;
        while bytes < self.options.message_size {
            let Some((cid, data)) = partner.loaded.pop_front() else {
                break;
            };
            partner.loaded_bytes -= data.len();
            // It may have been withdrawn since.
            if !partner.wants.remove(cid.hash()) {
                continue;
            }
            self.wanting.forget(cid.hash(), peer);
            bytes += data.len();
            partner.receipt.sent += data.len() as u64;
            partner.receipt.exchanged += 1;
            self.blocks_sent += 1;
            self.data_sent += data.len() as u64;
            message
                .blocks
                .push(Payload::from(&Block::unchecked(cid, data)));
        }
        partner.under_way += bytes;
        let pending = partner.loaded_bytes + partner.wants.ready_bytes();
        message.pending_bytes = i32::try_from(pending).unwrap_or(i32::MAX);
        let after = partner.outstanding();
        self.account(before, after);
        self.wake(*peer);
    }

    /// So many bytes of blocks have left for the peer, or were lost.
    pub fn sent(&mut self, peer: &PeerId, bytes: usize) {
        if let Some(partner) = self.partners.get_mut(peer) {
            let before = partner.outstanding();
            partner.under_way = partner.under_way.saturating_sub(bytes);
            let after = partner.outstanding();
            self.account(before, after);
            self.wake(*peer);
        }
    }

    /// What a peer wants, as far as it is known.
    pub fn wantlist(&self, peer: &PeerId) -> Vec<Cid> {
        self.partners
            .get(peer)
            .map(|p| p.wants.cids().collect())
            .unwrap_or_default()
    }

    /// What passed between the node and the peer.
    pub fn receipt(&self, peer: &PeerId) -> Receipt {
        self.partners
            .get(peer)
            .map(|p| p.receipt)
            .unwrap_or_default()
    }

    /// Peers that want something.
    pub fn partners(&self) -> impl Iterator<Item = &PeerId> {
        self.partners
            .iter()
            .filter(|(_, p)| !p.wants.is_empty())
            .map(|(peer, _)| peer)
    }

    /// Peers that wait for their turn, visits to the store, and peers that wait for others to take theirs.
    pub fn at_work(&self) -> (usize, usize, usize) {
        (self.turns.len(), self.visits, self.starved.len())
    }

    /// Blocks, and bytes of blocks, that were sent.
    pub fn totals(&self) -> (u64, u64) {
        (self.blocks_sent, self.data_sent)
    }

    fn wake(&mut self, peer: PeerId) {
        if let Some(partner) = self.partners.get_mut(&peer)
            && !partner.waiting
        {
            partner.waiting = true;
            self.turns.push_back(peer);
        }
    }
}

/// Whether a block of this size is sent although only asked about.
fn as_block(want: WantType, size: u64, replace: usize) -> bool {
    want == WantType::Block || (replace > 0 && size <= replace as u64)
}

#[cfg(test)]
mod tests;
