use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use basalt_block::{Cid, Multihash};
use libp2p_identity::PeerId;

use super::{SessionId, Sought};
use crate::Provider;

/// Keys of one request in work at a time, at least and at most.
const ACTIVE_MIN: usize = 16;
const ACTIVE_MAX: usize = 512;
/// Bytes of blocks that one request may have come and coming.
const AHEAD: usize = 48 << 20;
/// A peer that lacked so many blocks in a row is no peer of the session any more.
const MISSES: u32 = 32;
/// When a request that waits is first heard of, and how often then.
const NOTICE: Duration = Duration::from_millis(900);
const NOTICE_AGAIN: Duration = Duration::from_secs(5);

/// Blocks that belong together.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Who had blocks of it, and how many it has lacked since.
    pub(super) peers: BTreeMap<PeerId, u32>,
    /// Keys that wait to be asked of somebody, the oldest first.
    pub(super) ready: VecDeque<Multihash>,
    queued: BTreeSet<Multihash>,
    /// Keys that all peers are being asked about.
    pub(super) probing: BTreeSet<Multihash>,
    /// All keys in work.
    pub(super) keys: BTreeSet<Multihash>,
    pub(super) requests: usize,
    pub(super) closed: bool,
    pub(super) searching: bool,
    pub(super) next_search: Option<Duration>,
    pub(super) sought: Sought,
}

/// Peers that are named to one who waits.
const NAMED: usize = 8;

impl Session {
    /// A session for one request.
    pub(super) fn passing() -> Self {
        Self {
            closed: true,
            ..Self::default()
        }
    }

    pub(super) fn queue(&mut self, hash: Multihash) {
        if self.queued.insert(hash) {
            self.ready.push_back(hash);
        }
    }

    pub(super) fn next_ready(&mut self) -> Option<Multihash> {
        let hash = self.ready.pop_front()?;
        self.queued.remove(&hash);
        Some(hash)
    }

    pub(super) fn put_back(&mut self, keys: Vec<Multihash>) {
        for hash in keys.into_iter().rev() {
            if self.queued.insert(hash) {
                self.ready.push_front(hash);
            }
        }
    }

    /// There is news of a search.
    pub(super) fn note(&mut self, provider: Provider) {
        let name = |list: &mut Vec<PeerId>, peer: PeerId| {
            if list.len() < NAMED && !list.contains(&peer) {
                list.push(peer);
            }
        };
        match provider {
            Provider::Named(peer) => {
                self.sought.found += 1;
                name(&mut self.sought.named, peer);
            }
            Provider::Connected(_) => self.sought.connected += 1,
            Provider::Unreached(peer) => name(&mut self.sought.unreached, peer),
        }
    }

    /// A key is not wanted any more. In the queue it is passed over.
    pub(super) fn forget(&mut self, hash: &Multihash) {
        self.keys.remove(hash);
        self.probing.remove(hash);
    }

    pub(super) fn gave(&mut self, peer: &PeerId) {
        self.peers.insert(*peer, 0);
    }

    pub(super) fn lacked(&mut self, peer: &PeerId) {
        if let Some(misses) = self.peers.get_mut(peer) {
            *misses += 1;
            if *misses > MISSES {
                self.peers.remove(peer);
            }
        }
    }
}

/// Blocks that somebody waits for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) session: SessionId,
    /// Keys that are not in work yet.
    pub(super) queue: VecDeque<Cid>,
    /// Keys in work.
    pub(super) keys: BTreeSet<Multihash>,
    /// Blocks that came and were not taken.
    pub(super) untaken: usize,
    pub(super) untaken_bytes: usize,
    pub(super) notice: Duration,
}

impl Request {
    pub(super) fn new(now: Duration, session: SessionId, cids: Vec<Cid>) -> Self {
        Self {
            session,
            queue: cids.into(),
            keys: BTreeSet::new(),
            untaken: 0,
            untaken_bytes: 0,
            notice: now + NOTICE,
        }
    }

    /// The next key to take into work, if there is room for its block.
    pub(super) fn next(&mut self, block_size: usize) -> Option<Cid> {
        let ahead = self.keys.len() + self.untaken;
        let bytes = self.untaken_bytes + self.keys.len() * block_size;
        if ahead >= ACTIVE_MAX || (ahead >= ACTIVE_MIN && bytes >= AHEAD) {
            return None;
        }
        self.queue.pop_front()
    }

    /// A block has come.
    pub(super) fn progress(&mut self, now: Duration) {
        self.notice = now + NOTICE;
    }

    pub(super) fn noticed(&mut self, now: Duration) {
        self.notice = now + NOTICE_AGAIN;
    }
}
