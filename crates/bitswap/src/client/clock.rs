//! What time brings: answers that did not come, and asking again.

use std::time::Duration;

use basalt_block::{Cid, Multihash};
use libp2p_identity::PeerId;

use super::want::{RETRY, RETRY_MAX, State};
use super::{Client, Output, RequestId, SessionId};

/// How often the client looks around while something is waited for.
const TICK: Duration = Duration::from_millis(250);
/// Peers named to one who waits.
const NAMED: usize = 8;

impl Client {
    /// When [`Client::tick`] wants to be called next.
    pub fn next_tick(&self) -> Option<Duration> {
        self.next_tick
    }

    pub(super) fn arm(&mut self, now: Duration) {
        if self.next_tick.is_none() && !self.wants.is_empty() {
            self.next_tick = Some(now + TICK);
        }
    }

    /// Looks after what did not come.
    pub fn tick(&mut self, now: Duration) {
        if self.next_tick.is_none_or(|at| now < at) {
            return;
        }
        self.next_tick = None;
        let peers: Vec<PeerId> = self.peers.keys().copied().collect();
        for id in peers {
            for hash in self.lapse(now, &id) {
                self.requeue(&hash);
            }
        }
        self.retry(now);
        self.search_late(now);
        self.assign(now);
        self.tell(now);
        self.arm(now);
    }

    /// Gives up on answers of a peer that are late.
    fn lapse(&mut self, now: Duration, id: &PeerId) -> Vec<Multihash> {
        let Some(peer) = self.peers.get_mut(id) else {
            return Vec::new();
        };
        let mut late = Vec::new();
        while let Some((hash, order)) = peer.sent.front().copied() {
            let ask = self.wants.get_mut(&hash).and_then(|w| w.ask_mut(id));
            if let Some(ask) = ask
                && ask.state == State::Sent
                && ask.order == order
            {
                if !peer.is_late(now, ask) {
                    break;
                }
                peer.release(ask);
                ask.state = State::Late;
                late.push(hash);
            }
            peer.sent.pop_front();
        }
        if !late.is_empty() {
            peer.failed();
            self.dirty.insert(*id);
        }
        late
    }

    /// Asks again for what nobody had, and looks whether it came into the store by other ways.
    fn retry(&mut self, now: Duration) {
        let mut check: Vec<Cid> = Vec::new();
        while let Some((at, hash)) = self.retries.first().copied() {
            if at > now {
                break;
            }
            self.retries.pop_first();
            let Some(want) = self.wants.get_mut(&hash) else {
                continue;
            };
            check.push(want.cid);
            if !want.is_live() {
                for ask in &mut want.asks {
                    ask.stale |= matches!(ask.state, State::No | State::Late);
                }
                // Those that kept silent are asked again sooner than those that said no.
                let silent = want.asks.iter().any(|a| a.state == State::Late);
                let young = now.saturating_sub(want.since) < RETRY_MAX;
                let longest = match (silent, young) {
                    (true, true) => RETRY,
                    (true, false) => RETRY_MAX / 8,
                    (false, _) => RETRY_MAX,
                };
                want.backoff = (want.backoff * 2).min(longest);
                want.exhausted = false;
            }
            want.retry_at = now + want.backoff;
            self.retries.insert((want.retry_at, hash));
            self.requeue(&hash);
        }
        if !check.is_empty() {
            self.outputs.push_back(Output::Check(check));
        }
    }

    /// Searches for providers where the connected peers have said nothing for a while.
    fn search_late(&mut self, now: Duration) {
        let mut late = Vec::new();
        for (id, session) in &self.sessions {
            let silent = session.keys.iter().find(|hash| {
                self.wants.get(hash).is_some_and(|w| {
                    now.saturating_sub(w.since) >= self.options.search_delay
                        && !w.asks.iter().any(|a| a.state == State::Yes)
                        && (w.exhausted || session.peers.is_empty())
                })
            });
            late.extend(silent.map(|hash| (*id, *hash)));
        }
        for (id, hash) in late {
            self.search(now, id, &hash);
        }
    }

    /// Tells those who wait what for.
    fn tell(&mut self, now: Duration) {
        let due: Vec<RequestId> = self
            .requests
            .iter()
            .filter(|(_, r)| r.notice <= now && !r.keys.is_empty())
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            if let Some(request) = self.requests.get_mut(&id) {
                request.noticed(now);
            }
            self.tell_request(now, id);
        }
    }

    /// Tells those who wait for blocks of a session what is new about it.
    pub(super) fn tell_session(&mut self, now: Duration, session: SessionId) {
        let of_session = self.requests.iter();
        let of_session = of_session.filter(|(_, r)| r.session == session && !r.keys.is_empty());
        let ids: Vec<RequestId> = of_session.map(|(id, _)| *id).collect();
        for id in ids {
            self.tell_request(now, id);
        }
    }

    fn tell_request(&mut self, now: Duration, id: RequestId) {
        if let Some(request) = self.requests.get(&id) {
            let wants = request.keys.iter().filter_map(|h| self.wants.get(h));
            let Some(want) = wants.min_by_key(|w| (w.since, w.order)) else {
                return;
            };
            let session = self.sessions.get(&request.session);
            let asked = want.asks.iter().filter(|a| a.order > 0);
            self.outputs.push_back(Output::Waiting {
                request: id,
                cid: want.cid,
                asked: asked.map(|a| a.peer).take(NAMED).collect(),
                since: now.saturating_sub(want.since),
                sought: session.map(|s| s.sought.clone()).unwrap_or_default(),
            });
        }
    }
}
