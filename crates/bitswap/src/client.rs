//! The side that gets blocks: requests in sessions, and what peers are asked for.
//!
//! A key that is wanted is asked of one peer at a time, so that it comes once; the keys of a session
//! are split over its peers by how fast each answers. A peer that says it has not got a block, that
//! goes away, or that keeps silent while others wait is passed over, and the key goes to the next
//! one. When no peer of the session is left, all connected peers are asked whether they have it,
//! and providers are searched for. Nothing waits on a clock while there is somebody to ask.

mod answers;
mod assign;
mod clock;
mod compose;
mod peer;
mod session;
mod want;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use basalt_block::{Block, Cid, Multihash};
use libp2p_identity::PeerId;

use crate::{PeerTraits, Provider};
use peer::Peer;
use session::{Request, Session};
use want::Want;

/// To whom wants are broadcast (`Internal.Bitswap.BroadcastControl`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// Whether broadcasts are limited at all.
    pub enable: bool,
    /// The most peers of one broadcast; `None` is no limit, 0 is no broadcast.
    pub max_peers: Option<usize>,
    /// Whether peers of the local network are held to the rules too.
    pub local_peers: bool,
    /// Whether peers of `Peering.Peers` are held to the rules too.
    pub peered_peers: bool,
    /// How many are asked although no block has come from them before.
    pub max_random: usize,
}

impl Default for Broadcast {
    fn default() -> Self {
        Self {
            enable: true,
            max_peers: None,
            local_peers: false,
            peered_peers: false,
            max_random: 0,
        }
    }
}

/// How the client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// To whom wants are broadcast.
    pub broadcast: Broadcast,
    /// How long peers are waited for before providers are searched
    /// (`Internal.Bitswap.ProviderSearchDelay`). With nobody to ask the search begins at once.
    pub search_delay: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            broadcast: Broadcast::default(),
            search_delay: Duration::from_secs(1),
        }
    }
}

/// Names a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

/// Names a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// What searches for providers of a session came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sought {
    /// How often providers were searched for.
    pub searches: usize,
    /// How many were found.
    pub found: usize,
    /// How many of them are connected.
    pub connected: usize,
    /// The first that were found.
    pub named: Vec<PeerId>,
    /// The first that could not be reached.
    pub unreached: Vec<PeerId>,
}

/// What the client gives out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A block for a request. It is what its CID says.
    Deliver(RequestId, Block),
    /// A request has been waiting for a while.
    Waiting {
        /// The request.
        request: RequestId,
        /// A block that has not come.
        cid: Cid,
        /// Who was asked for it.
        asked: Vec<PeerId>,
        /// How long ago the first was.
        since: Duration,
        /// Where others were looked for.
        sought: Sought,
    },
    /// Providers of a block shall be searched for: [`Client::found`], [`Client::searched`].
    Search(SessionId, Cid),
    /// The blocks may have come into the store by other ways: [`Client::supply`].
    Check(Vec<Cid>),
}

/// Figures since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages received.
    pub messages: u64,
    /// Blocks received.
    pub blocks: u64,
    /// Bytes of those.
    pub data: u64,
    /// Blocks received that nobody waited for.
    pub duplicate_blocks: u64,
    /// Bytes of those.
    pub duplicate_data: u64,
    /// Peers that said that they have a block.
    pub haves: u64,
    /// Questions whether a block is there that went to all.
    pub broadcast: u64,
    /// Those that peers were spared.
    pub spared: u64,
}

/// The client.
#[derive(Debug)]
pub struct Client {
    options: ClientOptions,
    peers: BTreeMap<PeerId, Peer>,
    sessions: BTreeMap<SessionId, Session>,
    requests: BTreeMap<RequestId, Request>,
    wants: HashMap<Multihash, Want>,
    /// When to ask again for what nobody had.
    retries: BTreeSet<(Duration, Multihash)>,
    outputs: VecDeque<Output>,
    counters: Counters,
    /// The usual size of a block.
    block_size: usize,
    next: u64,
    next_tick: Option<Duration>,
    /// Peers to whom there may be something to say.
    dirty: BTreeSet<PeerId>,
}

impl Client {
    /// A client without peers.
    pub fn new(options: ClientOptions) -> Self {
        Self {
            options,
            peers: BTreeMap::new(),
            sessions: BTreeMap::new(),
            requests: BTreeMap::new(),
            wants: HashMap::new(),
            retries: BTreeSet::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            block_size: 256 << 10,
            next: 0,
            next_tick: None,
            dirty: BTreeSet::new(),
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Begins a session, for blocks that belong together.
    pub fn open_session(&mut self) -> SessionId {
        let id = SessionId(self.number());
        self.sessions.insert(id, Session::default());
        id
    }

    /// Ends a session when its last request ends.
    pub fn close_session(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.closed = true;
            if session.requests == 0 {
                self.sessions.remove(&id);
            }
        }
    }

    /// Asks for blocks. A session that is not known is as good as a new one.
    pub fn fetch(&mut self, now: Duration, session: SessionId, cids: Vec<Cid>) -> RequestId {
        let id = RequestId(self.number());
        self.sessions
            .entry(session)
            .or_insert_with(Session::passing)
            .requests += 1;
        self.requests.insert(id, Request::new(now, session, cids));
        self.refill(now, id);
        self.assign(now);
        self.arm(now);
        id
    }

    /// The one who asked has taken blocks of a request, so that more may come.
    pub fn taken(&mut self, now: Duration, id: RequestId, blocks: usize, bytes: usize) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.untaken = request.untaken.saturating_sub(blocks);
            request.untaken_bytes = request.untaken_bytes.saturating_sub(bytes);
            self.refill(now, id);
            self.assign(now);
        }
    }

    /// Withdraws a request, or ends one that got everything.
    pub fn cancel(&mut self, id: RequestId) {
        let Some(request) = self.requests.remove(&id) else {
            return;
        };
        for hash in &request.keys {
            if let Some(want) = self.wants.get_mut(hash) {
                want.waiters.retain(|w| w.request != id);
                if want.waiters.is_empty() {
                    self.drop_want(hash, None);
                }
            }
        }
        if let Some(session) = self.sessions.get_mut(&request.session) {
            session.requests -= 1;
            if session.closed && session.requests == 0 {
                self.sessions.remove(&request.session);
            }
        }
    }

    /// A peer has connected that speaks Bitswap, as far as is known.
    pub fn connected(&mut self, now: Duration, peer: PeerId, traits: PeerTraits) {
        self.peers
            .entry(peer)
            .or_insert_with(|| Peer::new(now))
            .traits = traits;
        self.reconsider();
        self.assign(now);
        self.arm(now);
    }

    /// Whether the node is always connected to the peer.
    pub fn peered(&mut self, now: Duration, peer: &PeerId, yes: bool) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.traits.peered = yes;
            self.reconsider();
            self.assign(now);
            self.arm(now);
        }
    }

    /// Whether the peer answers what it has not got.
    pub fn presence(&mut self, peer: &PeerId, yes: bool) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.presence = yes;
        }
    }

    /// A peer has no connection any more, or turns out not to speak Bitswap.
    pub fn disconnected(&mut self, now: Duration, id: &PeerId) {
        let Some(peer) = self.peers.remove(id) else {
            return;
        };
        for hash in &peer.asked {
            if let Some(want) = self.wants.get_mut(hash) {
                want.asks.retain(|a| a.peer != *id);
                self.requeue(hash);
            }
        }
        self.assign(now);
    }

    /// What was on its way to the peer may be lost; it will be said once more.
    pub fn lost(&mut self, id: &PeerId) {
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        for hash in &peer.asked {
            let Some(ask) = self.wants.get_mut(hash).and_then(|w| w.ask_mut(id)) else {
                continue;
            };
            if ask.state == want::State::Sent {
                ask.state = want::State::Queued;
                peer.outbox.push(ask.kind, *hash);
            }
        }
        peer.probes_sent = 0;
        peer.sent.clear();
        self.dirty.insert(*id);
    }

    /// Bytes have come from a peer, though perhaps no whole message.
    pub fn heard(&mut self, now: Duration, id: &PeerId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.heard = now;
        }
    }

    /// There is news of a peer that is said to have a block of the session.
    pub fn found(&mut self, now: Duration, id: SessionId, provider: Provider) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.note(provider);
        if let Provider::Connected(peer) = provider {
            session.peers.entry(peer).or_default();
            let keys: Vec<Multihash> = session.keys.iter().copied().collect();
            for hash in keys {
                self.requeue(&hash);
            }
            self.assign(now);
        }
        self.tell_session(now, id);
    }

    /// A search for providers has ended.
    pub fn searched(&mut self, session: SessionId) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.searching = false;
        }
    }

    /// Those of the blocks that somebody waits for.
    pub fn waited_for(&self, cids: &[Cid]) -> Vec<Cid> {
        let waited = cids.iter().filter(|c| self.wants.contains_key(c.hash()));
        waited.copied().collect()
    }

    /// A block that is in the store now, whoever put it there.
    pub fn supply(&mut self, now: Duration, block: &Block) {
        self.deliver(now, block, None);
        self.assign(now);
    }

    /// Peers to whom there may be something new to say.
    pub fn take_dirty(&mut self) -> BTreeSet<PeerId> {
        std::mem::take(&mut self.dirty)
    }

    /// Whether somebody waits for anything.
    pub fn is_idle(&self) -> bool {
        self.wants.is_empty()
    }

    /// The next thing that the client has to give out.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// All that is waited for.
    pub fn wantlist(&self) -> Vec<Cid> {
        let asked = self.wants.values().map(|w| w.cid);
        let queued = self.requests.values().flat_map(|r| r.queue.iter().copied());
        let mut all: Vec<Cid> = asked.chain(queued).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Blocks that are in work, and how many of them peers are asked for.
    pub fn in_work(&self) -> (usize, usize) {
        let fetching = self.peers.values().map(|peer| peer.fetching).sum();
        (self.wants.len(), fetching)
    }

    /// Figures since the start.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes as many keys of a request into work as may be.
    fn refill(&mut self, now: Duration, id: RequestId) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let mut seen = 0;
        while let Some(cid) = request.next(self.block_size) {
            seen += 1;
            let hash = *cid.hash();
            request.keys.insert(hash);
            let Some(session) = self.sessions.get_mut(&request.session) else {
                return;
            };
            session.keys.insert(hash);
            let waiter = want::Waiter {
                request: id,
                session: request.session,
                cid,
            };
            match self.wants.get_mut(&hash) {
                Some(want) => {
                    want.waiters.push(waiter);
                    if !want.is_live() {
                        session.queue(hash);
                    }
                }
                None => {
                    self.next += 1;
                    let want = Want::new(now, self.next, waiter);
                    self.retries.insert((want.retry_at, hash));
                    self.wants.insert(hash, want);
                    session.queue(hash);
                }
            }
        }
        if seen > 0 {
            self.arm(now);
        }
    }

    /// Gives a block to all who wait for it; says whether anybody did.
    fn deliver(&mut self, now: Duration, block: &Block, from: Option<&PeerId>) -> bool {
        let Some(want) = self.drop_want(block.multihash(), from) else {
            return false;
        };
        self.block_size = (self.block_size * 7 + block.data().len()) / 8;
        for waiter in &want.waiters {
            if let Some(from) = from
                && let Some(session) = self.sessions.get_mut(&waiter.session)
            {
                session.gave(from);
            }
            let Some(request) = self.requests.get_mut(&waiter.request) else {
                continue;
            };
            request.keys.remove(block.multihash());
            request.untaken += 1;
            request.untaken_bytes += block.data().len();
            request.progress(now);
            let block = Block::unchecked(waiter.cid, block.data().clone());
            self.outputs
                .push_back(Output::Deliver(waiter.request, block));
            self.refill(now, waiter.request);
        }
        true
    }

    /// Forgets a want and withdraws it from everybody but `from`, who knows.
    fn drop_want(&mut self, hash: &Multihash, from: Option<&PeerId>) -> Option<Want> {
        let want = self.wants.remove(hash)?;
        self.retries.remove(&(want.retry_at, *hash));
        let mut long = Vec::new();
        for ask in &want.asks {
            if let Some(peer) = self.peers.get_mut(&ask.peer) {
                peer.settle(hash, ask);
                self.dirty.insert(ask.peer);
                if ask.is_listed() && from != Some(&ask.peer) {
                    peer.outbox.withdraw(want.cid);
                    if peer.outbox.is_long() {
                        long.push(ask.peer);
                    }
                }
            }
        }
        for waiter in &want.waiters {
            if let Some(session) = self.sessions.get_mut(&waiter.session) {
                session.forget(hash);
            }
        }
        for peer in long {
            self.begin_anew(&peer);
        }
        Some(want)
    }

    /// Replaces what waits to be said to a peer by a whole wantlist.
    fn begin_anew(&mut self, id: &PeerId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.outbox = peer::Outbox {
                full: true,
                ..peer::Outbox::default()
            };
            for hash in &peer.asked {
                let Some(ask) = self.wants.get_mut(hash).and_then(|w| w.ask_mut(id)) else {
                    continue;
                };
                if ask.is_live() {
                    ask.state = want::State::Queued;
                    peer.outbox.push(ask.kind, *hash);
                }
            }
            peer.probes_sent = 0;
            peer.sent.clear();
        }
    }

    /// Gives a key that nobody is being asked for back to its sessions.
    fn requeue(&mut self, hash: &Multihash) {
        let Some(want) = self.wants.get(hash) else {
            return;
        };
        if want.is_live() && !want.has_idle_holder() {
            return;
        }
        for waiter in &want.waiters {
            if let Some(session) = self.sessions.get_mut(&waiter.session) {
                session.probing.remove(hash);
                session.queue(*hash);
            }
        }
    }

    /// Looks again at all keys that nobody is being asked for.
    fn reconsider(&mut self) {
        let keys: Vec<Multihash> = self
            .sessions
            .values()
            .flat_map(|s| s.keys.iter().copied())
            .collect();
        for hash in keys {
            self.requeue(&hash);
        }
    }
}

#[cfg(test)]
mod tests;
