//! Who is asked for what.

use std::time::Duration;

use basalt_block::Multihash;
use libp2p_identity::PeerId;

use super::want::{Ask, State};
use super::{Client, Output, SessionId};
use crate::message::WantType;

/// Keys of a session that all peers are asked about at one time, as long as nobody is known to have
/// any of them.
const PROBES: usize = 32;
/// Keys looked at behind one for whose holders there is no room.
const LOOK_PAST: usize = 16;
/// How long after a search for providers the next one may begin; doubled each time.
const SEARCH_AGAIN: Duration = Duration::from_secs(10);

/// So many blocks in a row may a peer lack before others come before it.
const FEW: u32 = 4;

enum Assigned {
    /// Somebody is being asked, or nobody can be.
    Done,
    /// Those who may be asked are busy.
    NoRoom,
}

impl Client {
    /// Gives the keys that wait to peers that have room.
    pub(super) fn assign(&mut self, now: Duration) {
        if !self.peers.is_empty() && !self.peers.values().any(|p| p.has_room()) {
            return;
        }
        let sessions: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, s)| !s.ready.is_empty())
            .map(|(id, _)| *id)
            .collect();
        for id in sessions {
            let mut kept = Vec::new();
            while kept.len() < LOOK_PAST {
                let Some(hash) = self.sessions.get_mut(&id).and_then(|s| s.next_ready()) else {
                    break;
                };
                if let Assigned::NoRoom = self.assign_one(now, id, &hash) {
                    kept.push(hash);
                }
            }
            if let Some(session) = self.sessions.get_mut(&id) {
                session.put_back(kept);
            }
        }
    }

    fn assign_one(&mut self, now: Duration, id: SessionId, hash: &Multihash) -> Assigned {
        let (Some(want), Some(session)) = (self.wants.get(hash), self.sessions.get(&id)) else {
            return Assigned::Done;
        };
        if want.is_fetching() {
            return Assigned::Done;
        }
        // Those who said that they have it.
        let holders = want.asks.iter().filter(|a| a.state == State::Yes);
        let holders: Vec<PeerId> = holders.map(|a| a.peer).collect();
        if !holders.is_empty() {
            return self.ask_one_of(id, hash, &holders);
        }
        // Those who had others of the session.
        let unasked = |peer: &PeerId| want.ask(peer).is_none_or(|a| a.stale);
        let members = session.peers.keys();
        let members: Vec<PeerId> = members
            .filter(|p| self.peers.contains_key(p) && unasked(p))
            .copied()
            .collect();
        if !members.is_empty() {
            return self.ask_one_of(id, hash, &members);
        }
        if want.is_live() {
            return Assigned::Done;
        }
        if session.probing.len() >= PROBES && !session.probing.contains(hash) {
            return Assigned::NoRoom;
        }
        let mut others = self.audience();
        let spared = self.peers.len() - others.len();
        others.retain(unasked);
        self.counters.spared += spared as u64;
        if others.is_empty() {
            self.exhausted(now, id, hash);
            return Assigned::Done;
        }
        self.probe(id, hash, others);
        Assigned::Done
    }

    /// Asks the least busy of the peers for the block, one that lacked few before others.
    fn ask_one_of(&mut self, id: SessionId, hash: &Multihash, peers: &[PeerId]) -> Assigned {
        let misses = |peer: &PeerId| {
            let session = self.sessions.get(&id)?;
            Some(session.peers.get(peer)? / FEW)
        };
        let best = peers
            .iter()
            .filter_map(|id| Some((id, self.peers.get(id)?)))
            .filter(|(_, p)| p.has_room())
            .min_by_key(|(id, p)| (misses(id), p.load(), p.latency))
            .map(|(id, _)| *id);
        match best {
            Some(peer) => {
                self.ask(hash, peer, WantType::Block);
                Assigned::Done
            }
            None => Assigned::NoRoom,
        }
    }

    /// Asks all of them whether they have the block, and the most promising for the block itself.
    fn probe(&mut self, id: SessionId, hash: &Multihash, peers: Vec<PeerId>) {
        let first = peers
            .iter()
            .filter_map(|id| Some((id, self.peers.get(id)?)))
            .filter(|(_, p)| p.has_room())
            .min_by_key(|(_, p)| (!p.useful, p.load(), p.latency))
            .map(|(id, _)| *id);
        let haves = peers.len() - usize::from(first.is_some());
        self.counters.broadcast += haves as u64;
        for peer in peers {
            let kind = if Some(peer) == first {
                WantType::Block
            } else {
                WantType::Have
            };
            self.ask(hash, peer, kind);
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.probing.insert(*hash);
        }
    }

    /// Whom a want is broadcast to.
    fn audience(&self) -> Vec<PeerId> {
        let rules = &self.options.broadcast;
        let mut strangers = rules.max_random;
        let mut chosen = Vec::new();
        for (id, peer) in &self.peers {
            let trusted = peer.useful
                || (peer.traits.local && !rules.local_peers)
                || (peer.traits.peered && !rules.peered_peers);
            if rules.enable && !trusted {
                if strangers == 0 {
                    continue;
                }
                strangers -= 1;
            }
            chosen.push(*id);
        }
        if rules.enable
            && let Some(most) = rules.max_peers
        {
            chosen.truncate(most);
        }
        chosen
    }

    fn ask(&mut self, hash: &Multihash, id: PeerId, kind: WantType) {
        let (Some(want), Some(peer)) = (self.wants.get_mut(hash), self.peers.get_mut(&id)) else {
            return;
        };
        let ask = Ask {
            peer: id,
            kind,
            state: State::Queued,
            order: 0,
            at: Duration::ZERO,
            stale: false,
        };
        match want.ask_mut(&id) {
            Some(old) => {
                peer.release(old);
                *old = Ask {
                    order: old.order,
                    ..ask
                };
            }
            None => want.asks.push(ask),
        }
        peer.asked.insert(*hash);
        self.dirty.insert(id);
        match kind {
            WantType::Block => peer.fetching += 1,
            WantType::Have => peer.probing += 1,
        }
        peer.outbox.push(kind, *hash);
        if peer.outbox.is_long() {
            self.begin_anew(&id);
        }
    }

    /// Nobody is left to be asked for a key.
    fn exhausted(&mut self, now: Duration, id: SessionId, hash: &Multihash) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.probing.remove(hash);
        }
        if let Some(want) = self.wants.get_mut(hash) {
            want.exhausted = true;
        }
        self.search(now, id, hash);
    }

    /// Searches for providers of a key, unless the session does or lately did.
    pub(super) fn search(&mut self, now: Duration, id: SessionId, hash: &Multihash) {
        let (Some(session), Some(want)) = (self.sessions.get_mut(&id), self.wants.get(hash)) else {
            return;
        };
        if session.searching || session.next_search.is_some_and(|at| now < at) {
            return;
        }
        session.searching = true;
        session.next_search = Some(now + SEARCH_AGAIN * (1 << session.sought.searches.min(4)));
        session.sought.searches += 1;
        self.outputs.push_back(Output::Search(id, want.cid));
        self.tell_session(now, id);
    }
}
