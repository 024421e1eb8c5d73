//! What peers say.

use std::time::Duration;

use basalt_block::{Block, Multihash};
use libp2p_identity::PeerId;

use super::Client;
use super::want::State;
use crate::message::{Presence, WantType};

impl Client {
    /// A message came: its blocks, each with the CID that its bytes hash to, and who has what.
    /// Gives back which of the blocks were waited for.
    pub fn received(
        &mut self,
        now: Duration,
        id: &PeerId,
        blocks: &[Block],
        presences: &[Presence],
    ) -> Vec<bool> {
        self.counters.messages += 1;
        let mut wanted = Vec::with_capacity(blocks.len());
        for block in blocks {
            let size = block.data().len() as u64;
            self.counters.blocks += 1;
            self.counters.data += size;
            self.note_block(now, id, block.multihash());
            let waited_for = self.deliver(now, block, Some(id));
            if !waited_for {
                self.counters.duplicate_blocks += 1;
                self.counters.duplicate_data += size;
            }
            wanted.push(waited_for);
        }
        for presence in presences {
            self.counters.haves += u64::from(presence.have);
            self.note_presence(now, id, presence);
        }
        self.assign(now);
        self.arm(now);
        wanted
    }

    /// Blocks came although nothing is waited for: they are counted, and not worth hashing.
    pub fn ignored(&mut self, sizes: impl Iterator<Item = usize>) {
        for size in sizes {
            self.counters.blocks += 1;
            self.counters.data += size as u64;
            self.counters.duplicate_blocks += 1;
            self.counters.duplicate_data += size as u64;
        }
    }

    fn note_block(&mut self, now: Duration, id: &PeerId, hash: &Multihash) {
        let (Some(peer), Some(want)) = (self.peers.get_mut(id), self.wants.get(hash)) else {
            return;
        };
        peer.useful = true;
        if let Some(ask) = want.ask(id)
            && ask.is_listed()
        {
            peer.answered(now, ask, true);
        }
    }

    fn note_presence(&mut self, now: Duration, id: &PeerId, presence: &Presence) {
        let hash = presence.cid.hash();
        let (Some(peer), Some(want)) = (self.peers.get_mut(id), self.wants.get_mut(hash)) else {
            return;
        };
        let Some(ask) = want.ask_mut(id) else {
            return;
        };
        // What was not asked, or was asked anew in the meantime, is not answered.
        let answers = match ask.state {
            State::Sent => !presence.have || ask.kind == WantType::Have,
            State::Late | State::No => presence.have,
            State::Queued | State::Yes => false,
        };
        if !answers {
            return;
        }
        self.dirty.insert(*id);
        peer.answered(now, ask, false);
        peer.release(ask);
        ask.stale = false;
        if presence.have {
            ask.state = State::Yes;
            peer.useful = true;
        } else {
            ask.state = State::No;
        }
        for waiter in &want.waiters {
            let Some(session) = self.sessions.get_mut(&waiter.session) else {
                continue;
            };
            if presence.have {
                session.peers.entry(*id).or_default();
            } else {
                session.lacked(id);
            }
        }
        self.requeue(hash);
    }
}
