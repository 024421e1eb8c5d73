//! Closes connections when there are too many: the connection manager.
//!
//! Above the high water mark, connections are closed until the low one is reached, at most once in a
//! silence period. What is younger than the grace period stays, and so does a protected peer. Of the
//! rest, those go first that are of the least use: without value to any protocol, without bytes lately,
//! opened by the other side, young.
//!
//! Far above the high water mark there is a crowd that may be hostile, and memory is at stake: inbound
//! connections that are of no use go at once, whatever the grace period, those first that had the most time
//! to become useful.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::PeerId;
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished};
use libp2p::swarm::{
    CloseConnection, ConnectionId, FromSwarm, NetworkBehaviour, THandlerInEvent, ToSwarm,
};
use tokio::time::Instant;

use crate::traffic::Traffic;
use crate::wake::Wake;

/// How many connections the node wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaterMarks {
    /// Connections are closed down to so many.
    pub low: usize,
    /// With more than so many, some are closed.
    pub high: usize,
    /// A connection younger than this is left alone.
    pub grace: Duration,
    /// Between two times that connections are closed.
    pub silence: Duration,
}

impl Default for WaterMarks {
    fn default() -> Self {
        Self {
            low: 32,
            high: 96,
            grace: Duration::from_secs(20),
            silence: Duration::from_secs(10),
        }
    }
}

/// Inbound connections are a crowd above so many times the high water mark, and above so many.
const CROWD: (usize, usize) = (4, 384);
/// In a crowd connections are left alone for so long, and looked at so often.
const CROWD_GRACE: Duration = Duration::from_secs(1);

/// Where nothing could be closed, the next look is not before this.
const AGAIN: Duration = Duration::from_millis(200);

impl WaterMarks {
    /// More inbound connections than this are a crowd.
    pub(crate) fn crowd(&self) -> usize {
        self.high.saturating_mul(CROWD.0).max(CROWD.1)
    }
}

struct Open {
    peer: PeerId,
    since: Instant,
    inbound: bool,
}

/// Why a peer is worth a connection: who says so, and how much it is worth.
#[derive(Default)]
struct Worth {
    protected: BTreeSet<&'static str>,
    values: BTreeMap<&'static str, u32>,
}

/// The connection manager; without marks it closes nothing.
pub(crate) struct Behaviour {
    marks: Option<WaterMarks>,
    traffic: Traffic,
    open: HashMap<ConnectionId, Open>,
    worth: HashMap<PeerId, Worth>,
    inbound: usize,
    closed_at: Option<Instant>,
    thinned_at: Option<Instant>,
    closing: VecDeque<PeerId>,
    wake: Wake,
}

impl Behaviour {
    pub(crate) fn new(marks: Option<WaterMarks>, traffic: Traffic) -> Self {
        Self {
            marks,
            traffic,
            open: HashMap::new(),
            worth: HashMap::new(),
            inbound: 0,
            closed_at: None,
            thinned_at: None,
            closing: VecDeque::new(),
            wake: Wake::default(),
        }
    }

    /// Never closes connections to a peer, on behalf of `who`.
    pub(crate) fn protect(&mut self, peer: PeerId, who: &'static str) {
        self.worth.entry(peer).or_default().protected.insert(who);
    }

    /// May close them, as far as `who` is concerned.
    pub(crate) fn unprotect(&mut self, peer: &PeerId, who: &'static str) {
        self.change(peer, |worth| {
            worth.protected.remove(who);
        });
    }

    /// Says what a peer is worth to `who`; nothing with 0.
    pub(crate) fn value(&mut self, peer: PeerId, who: &'static str, value: u32) {
        if value > 0 {
            self.worth
                .entry(peer)
                .or_default()
                .values
                .insert(who, value);
        } else {
            self.change(&peer, |worth| {
                worth.values.remove(who);
            });
        }
    }

    fn change(&mut self, peer: &PeerId, change: impl FnOnce(&mut Worth)) {
        let Some(worth) = self.worth.get_mut(peer) else {
            return;
        };
        change(worth);
        if worth.protected.is_empty() && worth.values.is_empty() {
            self.worth.remove(peer);
        }
    }

    /// When connections may be closed next, if there are too many.
    fn due(&self) -> Option<Instant> {
        let marks = self.marks.filter(|marks| self.open.len() > marks.high)?;
        let ready = self.closed_at.map(|at| at + marks.silence);
        Some(ready.unwrap_or_else(Instant::now))
    }

    /// When a crowd is looked at next.
    fn crowd_due(&self) -> Option<Instant> {
        self.marks.filter(|marks| self.inbound > marks.crowd())?;
        let ready = self.thinned_at.map(|at| at + CROWD_GRACE);
        Some(ready.unwrap_or_else(Instant::now))
    }

    /// Chooses who goes out of a crowd, until a quarter of it has gone.
    fn thin(&mut self) {
        let Some(marks) = self.marks else { return };
        let now = Instant::now();
        self.thinned_at = Some(now);
        let active = |peer: &PeerId| {
            let lately = self.traffic.peer(peer);
            lately.rate_in + lately.rate_out >= 1024.0
        };
        let useless = self.open.values().filter(|open| {
            open.inbound
                && now.duration_since(open.since) >= CROWD_GRACE
                && !self.worth.contains_key(&open.peer)
                && !active(&open.peer)
        });
        let mut useless: Vec<_> = useless.map(|open| (open.since, open.peer)).collect();
        useless.sort_unstable();
        let surplus = self.inbound.saturating_sub(marks.crowd() * 3 / 4);
        let gone = useless.into_iter().take(surplus).map(|(_, peer)| peer);
        self.closing.extend(gone);
    }

    /// Chooses whose connections are closed.
    fn choose(&mut self) {
        let Some(marks) = self.marks else { return };
        let now = Instant::now();
        self.closed_at = Some(now);
        let mut peers: HashMap<PeerId, (usize, Instant, bool)> = HashMap::new();
        for open in self.open.values() {
            let (count, since, inbound) =
                peers
                    .entry(open.peer)
                    .or_insert((0, open.since, open.inbound));
            *count += 1;
            *since = (*since).min(open.since);
            *inbound &= open.inbound;
        }
        let mut candidates: Vec<_> = peers
            .into_iter()
            .filter(|(peer, (_, since, _))| {
                let worth = self.worth.get(peer);
                now.duration_since(*since) >= marks.grace
                    && worth.is_none_or(|worth| worth.protected.is_empty())
            })
            .map(|(peer, (count, since, inbound))| {
                let worth = self.worth.get(&peer);
                let value: u64 = worth.map_or(0, |worth| {
                    worth.values.values().copied().map(u64::from).sum()
                });
                let lately = self.traffic.peer(&peer);
                let active = lately.rate_in + lately.rate_out >= 1024.0;
                let young = std::cmp::Reverse(since);
                ((value, active, !inbound, young), peer, count)
            })
            .collect();
        candidates.sort_unstable();
        let mut surplus = self.open.len().saturating_sub(marks.low);
        for (_, peer, count) in candidates {
            if surplus == 0 {
                break;
            }
            surplus = surplus.saturating_sub(count);
            self.closing.push_back(peer);
        }
    }
}

impl NetworkBehaviour for Behaviour {
    crate::plain::without_streams!();
    crate::plain::admits_inbound!();
    crate::plain::admits_outbound!();

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            }) => {
                let open = Open {
                    peer: peer_id,
                    since: Instant::now(),
                    inbound: endpoint.is_listener(),
                };
                self.inbound += usize::from(open.inbound);
                self.open.insert(connection_id, open);
                self.wake.now();
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { connection_id, .. }) => {
                if let Some(open) = self.open.remove(&connection_id) {
                    self.inbound -= usize::from(open.inbound);
                }
            }
            _ => {}
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        loop {
            if let Some(peer_id) = self.closing.pop_front() {
                return Poll::Ready(ToSwarm::CloseConnection {
                    peer_id,
                    connection: CloseConnection::All,
                });
            }
            let (due, crowd_due) = (self.due(), self.crowd_due());
            let next = due.into_iter().chain(crowd_due).min();
            if self.wake.poll_until(next, cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if crowd_due.is_some_and(|at| at <= now) {
                self.thin();
            }
            if due.is_some_and(|at| at <= now) {
                self.choose();
            }
            if self.closing.is_empty() {
                // Nothing may be closed yet: another look after a while.
                let next = self.due().into_iter().chain(self.crowd_due()).min();
                let next = next.map(|at| at.max(now + AGAIN));
                let _ = self.wake.poll_until(next, cx);
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager(low: usize, high: usize, grace: Duration) -> Behaviour {
        let marks = WaterMarks {
            low,
            high,
            grace,
            silence: Duration::from_secs(10),
        };
        Behaviour::new(Some(marks), Traffic::default())
    }

    fn open(behaviour: &mut Behaviour, at: usize, age: u64, inbound: bool) -> PeerId {
        let peer = PeerId::random();
        let since = Instant::now() - Duration::from_secs(age);
        let open = Open {
            peer,
            since,
            inbound,
        };
        behaviour.open.insert(ConnectionId::new_unchecked(at), open);
        behaviour.inbound += usize::from(inbound);
        peer
    }

    #[test]
    fn the_least_useful_go_first() {
        let mut all = manager(3, 4, Duration::from_secs(20));
        let young = open(&mut all, 0, 5, true);
        let protected = open(&mut all, 1, 100, true);
        let valued = open(&mut all, 2, 100, true);
        let ours = open(&mut all, 3, 100, false);
        let theirs = open(&mut all, 4, 100, true);
        let theirs_younger = open(&mut all, 5, 50, true);
        all.protect(protected, "test");
        all.value(valued, "test", 1);
        assert!(all.due().is_some());
        all.choose();
        assert_eq!(all.closing, [theirs_younger, theirs, ours]);
        assert!(!all.closing.contains(&young) && !all.closing.contains(&valued));
        // Not again before the silence is over.
        assert!(all.due().is_some_and(|due| due > Instant::now()));
    }

    #[test]
    fn a_crowd_is_thinned_whatever_the_grace() {
        let mut all = manager(3, 4, Duration::from_secs(1000));
        let useful = open(&mut all, 0, 100, true);
        all.value(useful, "test", 1);
        let ours = open(&mut all, 1, 100, false);
        for at in 0..CROWD.1 - 1 {
            open(&mut all, 2 + at, 10, true);
        }
        assert!(all.crowd_due().is_none());
        let oldest = open(&mut all, 1000, 50, true);
        let newest = open(&mut all, 1001, 0, true);
        assert!(all.crowd_due().is_some_and(|due| due <= Instant::now()));
        all.thin();
        assert_eq!(all.closing.front(), Some(&oldest));
        assert!(all.closing.len() > CROWD.1 / 4);
        for kept in [useful, ours, newest] {
            assert!(!all.closing.contains(&kept));
        }
        assert!(all.crowd_due().is_some_and(|due| due > Instant::now()));
    }

    #[test]
    fn without_marks_or_below_them_nothing_is_closed() {
        let mut none = Behaviour::new(None, Traffic::default());
        let mut few = manager(1, 4, Duration::ZERO);
        for at in 0..4 {
            open(&mut none, at, 100, true);
            open(&mut few, at, 100, true);
        }
        assert!(none.due().is_none());
        assert!(few.due().is_none());
    }
}
