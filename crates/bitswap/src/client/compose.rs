//! What is said to peers.

use std::time::Duration;

use libp2p_identity::PeerId;

use super::Client;
use super::want::State;
use crate::message::{Entry, Message, WantType};

/// Lines of a wantlist in one message.
const ENTRIES: usize = 512;
/// Blocks that a peer is asked about at one time. Servers keep some 1024 wants of a peer.
const PROBES: usize = 384;

impl Client {
    /// Whether there is something to say to the peer.
    pub fn has_message(&self, id: &PeerId) -> bool {
        self.peers.get(id).is_some_and(|p| {
            let o = &p.outbox;
            let probes = !o.haves.is_empty() && (p.probes_sent < PROBES || !p.presence);
            o.full || !o.cancels.is_empty() || !o.blocks.is_empty() || probes
        })
    }

    /// Adds to `message` what there is to say to the peer, which counts as said.
    pub fn compose(&mut self, now: Duration, id: &PeerId, message: &mut Message) {
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        message.full |= std::mem::take(&mut peer.outbox.full);
        while message.wants.len() < ENTRIES
            && let Some((_, cid)) = peer.outbox.cancels.pop_first()
        {
            message.wants.push(Entry::cancel(cid));
        }
        for kind in [WantType::Block, WantType::Have] {
            while message.wants.len() < ENTRIES {
                let queue = match kind {
                    WantType::Block => &mut peer.outbox.blocks,
                    WantType::Have => &mut peer.outbox.haves,
                };
                let Some(hash) = queue.pop_front() else {
                    break;
                };
                let Some(want) = self.wants.get_mut(&hash) else {
                    continue;
                };
                let priority = want.priority();
                let cid = want.cid;
                let Some(ask) = want.ask_mut(id) else {
                    continue;
                };
                if ask.state != State::Queued || ask.kind != kind {
                    continue;
                }
                if kind == WantType::Have {
                    if !peer.presence {
                        // It would take this for a want of the block, and so shall we.
                        ask.kind = WantType::Block;
                        peer.probing = peer.probing.saturating_sub(1);
                        peer.fetching += 1;
                    } else if peer.probes_sent >= PROBES {
                        peer.outbox.haves.push_front(hash);
                        break;
                    } else {
                        peer.probes_sent += 1;
                    }
                }
                self.next += 1;
                ask.state = State::Sent;
                ask.order = self.next;
                ask.at = now;
                peer.sent.push_back((hash, ask.order));
                message.wants.push(Entry {
                    cid,
                    priority,
                    cancel: false,
                    want: ask.kind,
                    send_dont_have: true,
                });
            }
        }
        self.arm(now);
    }
}
