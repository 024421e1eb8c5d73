//! Nodes in a network without I/O, whose time, losses and lies follow from a seed.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::time::Duration;

use basalt_bitswap::client::{Output, RequestId};
use basalt_bitswap::engine::Job;
use basalt_bitswap::message::{Message, Payload};
use basalt_bitswap::{Client, ClientOptions, Engine, EngineOptions, PeerId, PeerTraits, Provider};
use basalt_block::{Block, Cid, Hasher, Multihash, codec};
use bytes::Bytes;

/// Messages handed to a connection before one has left.
const UNDER_WAY: usize = 4;

/// Random numbers.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// Yes in so many of a thousand times.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }
}

/// How a node behaves to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Honest,
    /// It takes wants and answers nothing.
    Silent,
    /// It says HAVE to everything, and sends nothing.
    Boaster,
    /// Every block that it sends is a wrong one.
    Forger,
    /// It says DONT_HAVE to everything.
    Denier,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// Messages lost, of a thousand.
    pub(crate) loss: u64,
    /// Milliseconds that a message takes at least, and more at random.
    pub(crate) delay: u64,
    pub(crate) jitter: u64,
    /// Milliseconds after which some connection breaks, on average; 0 is never.
    pub(crate) churn: u64,
}

pub(crate) struct Node {
    pub(crate) id: PeerId,
    pub(crate) manner: Manner,
    pub(crate) client: Client,
    engine: Engine,
    pub(crate) store: HashMap<Multihash, Bytes>,
    pub(crate) got: HashSet<Multihash>,
    pub(crate) wanted: usize,
    /// When the last block came that was waited for, or a holder came.
    pub(crate) progress: Duration,
    under_way: BTreeMap<PeerId, usize>,
}

enum Event {
    Message(usize, usize, Message, u64),
    Left(usize, usize, usize, u64),
    Tick(usize),
    Break,
    Connect(usize, usize),
}

struct At(Duration, u64, Event);

impl PartialEq for At {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for At {}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for At {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // The earliest is the greatest, for the heap.
        (other.0, other.1).cmp(&(self.0, self.1))
    }
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) now: Duration,
    pub(crate) nodes: Vec<Node>,
    /// Connections, each with a number of its own.
    pub(crate) connected: BTreeMap<(usize, usize), u64>,
    faults: Faults,
    events: BinaryHeap<At>,
    order: u64,
    ticks: BTreeSet<usize>,
}

pub(crate) fn block(i: u64, size: usize) -> Block {
    let mut data = vec![0; size.max(8)];
    data[..8].copy_from_slice(&i.to_le_bytes());
    Block::hash(1, codec::RAW, Hasher::SHA2_256, data.into()).expect("SHA2-256 is known")
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

impl World {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let mut world = Self {
            dice: Dice::new(seed),
            now: Duration::ZERO,
            nodes: Vec::new(),
            connected: BTreeMap::new(),
            faults,
            events: BinaryHeap::new(),
            order: 0,
            ticks: BTreeSet::new(),
        };
        if faults.churn > 0 {
            world.push(Duration::from_millis(faults.churn), Event::Break);
        }
        world
    }

    pub(crate) fn add(&mut self, manner: Manner) -> usize {
        let mut id = vec![0x12, 0x20];
        for _ in 0..4 {
            id.extend(self.dice.next().to_le_bytes());
        }
        self.nodes.push(Node {
            id: PeerId::from_bytes(&id).expect("a multihash of 32 bytes is a peer ID"),
            manner,
            client: Client::new(ClientOptions::default()),
            engine: Engine::new(EngineOptions::default()),
            store: HashMap::new(),
            got: HashSet::new(),
            wanted: 0,
            progress: Duration::ZERO,
            under_way: BTreeMap::new(),
        });
        self.nodes.len() - 1
    }

    fn push(&mut self, after: Duration, event: Event) {
        self.order += 1;
        self.events.push(At(self.now + after, self.order, event));
    }

    pub(crate) fn connect(&mut self, a: usize, b: usize) {
        self.order += 1;
        if a == b || self.connected.contains_key(&pair(a, b)) {
            return;
        }
        self.connected.insert(pair(a, b), self.order);
        let local = PeerTraits {
            local: true,
            ..PeerTraits::default()
        };
        for (x, y) in [(a, b), (b, a)] {
            let id = self.nodes[y].id;
            let now = self.now;
            let node = &mut self.nodes[x];
            node.progress = now;
            node.under_way.insert(id, 0);
            node.engine.connected(id);
            node.client.connected(now, id, local);
        }
        self.pump(a);
        self.pump(b);
    }

    pub(crate) fn disconnect(&mut self, a: usize, b: usize) {
        if self.connected.remove(&pair(a, b)).is_none() {
            return;
        }
        for (x, y) in [(a, b), (b, a)] {
            let id = self.nodes[y].id;
            let now = self.now;
            let node = &mut self.nodes[x];
            node.under_way.remove(&id);
            node.engine.disconnected(&id);
            node.client.disconnected(now, &id);
            self.pump(x);
        }
    }

    pub(crate) fn put(&mut self, node: usize, block: &Block) {
        let node = &mut self.nodes[node];
        node.store.insert(*block.multihash(), block.data().clone());
        node.engine.notify(&[*block.cid()]);
    }

    pub(crate) fn fetch(&mut self, node: usize, cids: Vec<Cid>) -> RequestId {
        let now = self.now;
        let own = &mut self.nodes[node];
        own.wanted += cids.len();
        own.progress = now;
        let session = own.client.open_session();
        let request = own.client.fetch(now, session, cids);
        self.pump(node);
        request
    }

    /// Does what comes next; `false` when nothing ever will before `end`.
    pub(crate) fn step(&mut self, end: Duration) -> bool {
        let Some(At(at, _, event)) = self.events.pop() else {
            return false;
        };
        if at > end {
            return false;
        }
        self.now = at;
        match event {
            Event::Message(from, to, message, connection) => {
                if self.connected.get(&pair(from, to)) == Some(&connection) {
                    self.receive(from, to, &message);
                }
            }
            Event::Left(from, to, bytes, connection) => {
                if self.connected.get(&pair(from, to)) == Some(&connection) {
                    let id = self.nodes[to].id;
                    let node = &mut self.nodes[from];
                    *node.under_way.entry(id).or_default() -= 1;
                    node.engine.sent(&id, bytes);
                    self.pump(from);
                }
            }
            Event::Tick(node) => {
                self.ticks.remove(&node);
                let now = self.now;
                self.nodes[node].client.tick(now);
                self.pump(node);
            }
            Event::Break => {
                let all: Vec<_> = self.connected.keys().copied().collect();
                if !all.is_empty() {
                    let (a, b) = all[self.dice.below(all.len() as u64) as usize];
                    self.disconnect(a, b);
                    let away = Duration::from_millis(self.dice.below(3000));
                    self.push(away, Event::Connect(a, b));
                }
                let next = Duration::from_millis(1 + self.dice.below(2 * self.faults.churn));
                self.push(next, Event::Break);
            }
            Event::Connect(a, b) => self.connect(a, b),
        }
        true
    }

    fn receive(&mut self, from: usize, to: usize, message: &Message) {
        let (now, id) = (self.now, self.nodes[from].id);
        let blocks: Vec<Block> = message
            .blocks
            .iter()
            .filter_map(|p| p.clone().into_block())
            .collect();
        let node = &mut self.nodes[to];
        node.client.received(now, &id, &blocks, &message.presences);
        node.engine.received(&id, message);
        self.pump(to);
    }

    /// Lets a node do and say what it has to.
    fn pump(&mut self, at: usize) {
        loop {
            self.outputs(at);
            self.jobs(at);
            if !self.say(at) {
                break;
            }
        }
        if let Some(tick) = self.nodes[at].client.next_tick()
            && self.ticks.insert(at)
        {
            self.push(tick.saturating_sub(self.now), Event::Tick(at));
        }
    }

    fn outputs(&mut self, at: usize) {
        let now = self.now;
        while let Some(output) = self.nodes[at].client.next_output() {
            match output {
                Output::Deliver(request, block) => {
                    let node = &mut self.nodes[at];
                    assert!(
                        Block::verified(*block.cid(), block.data().clone()).is_ok(),
                        "a lie was delivered"
                    );
                    node.got.insert(*block.multihash());
                    node.progress = now;
                    node.client.taken(now, request, 1, block.data().len());
                    self.put(at, &block);
                }
                Output::Search(session, cid) => {
                    // Those who are connected and have it are found.
                    let has = |n: &Node| n.store.contains_key(cid.hash());
                    let found: Vec<usize> = (0..self.nodes.len())
                        .filter(|i| *i != at && has(&self.nodes[*i]))
                        .filter(|i| self.connected.contains_key(&pair(at, *i)))
                        .collect();
                    for i in found {
                        let id = self.nodes[i].id;
                        self.nodes[at]
                            .client
                            .found(now, session, Provider::Connected(id));
                    }
                    self.nodes[at].client.searched(session);
                }
                Output::Check(_) | Output::Waiting { .. } => {}
            }
        }
    }

    fn jobs(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        while let Some(job) = node.engine.next_job() {
            match job {
                Job::Look { peer, cids } => {
                    let boasts = node.manner == Manner::Boaster;
                    let denies = node.manner == Manner::Denier;
                    let size = |c: &Cid| match node.store.get(c.hash()) {
                        _ if boasts => Some(1 << 20),
                        _ if denies => None,
                        data => data.map(|d| d.len() as u64),
                    };
                    let sizes: Vec<_> = cids.iter().map(|c| (*c, size(c))).collect();
                    node.engine.looked(&peer, &sizes);
                }
                Job::Read { peer, cids } => {
                    let data = |c: &Cid| node.store.get(c.hash()).cloned();
                    let blocks = cids.iter().map(|c| (*c, data(c))).collect();
                    node.engine.loaded(&peer, blocks);
                }
            }
        }
    }

    /// Says one message to each peer that can take one; whether there was any.
    fn say(&mut self, at: usize) -> bool {
        let mut said = false;
        let peers: Vec<(usize, u64)> = self
            .connected
            .iter()
            .filter(|((a, b), _)| *a == at || *b == at)
            .map(|((a, b), connection)| (if *a == at { *b } else { *a }, *connection))
            .collect();
        for (to, connection) in peers {
            let (now, id) = (self.now, self.nodes[to].id);
            let node = &mut self.nodes[at];
            if node.under_way.get(&id).copied().unwrap_or(UNDER_WAY) >= UNDER_WAY {
                continue;
            }
            let mut message = Message::default();
            node.client.compose(now, &id, &mut message);
            node.engine.compose(&id, &mut message);
            if message.is_empty() && !message.full {
                continue;
            }
            said = true;
            let bytes = message.block_bytes();
            *node.under_way.entry(id).or_default() += 1;
            self.mangle(at, &mut message);
            // Some 100 MB/s.
            let leaves = Duration::from_micros(20 + bytes as u64 / 100);
            self.push(leaves, Event::Left(at, to, bytes, connection));
            if !self.dice.chance(self.faults.loss) {
                let delay = self.faults.delay + self.dice.below(self.faults.jitter + 1);
                let arrives = leaves + Duration::from_millis(delay);
                self.push(arrives, Event::Message(at, to, message, connection));
            }
        }
        said
    }

    /// Makes a lie of what a liar says.
    fn mangle(&mut self, at: usize, message: &mut Message) {
        match self.nodes[at].manner {
            Manner::Honest | Manner::Denier => {}
            Manner::Silent => {
                message.blocks.clear();
                message.presences.clear();
            }
            Manner::Boaster => message.blocks.clear(),
            Manner::Forger => {
                for payload in &mut message.blocks {
                    let data = Bytes::from(vec![7; payload.data.len() + 1]);
                    *payload = Payload {
                        data,
                        ..payload.clone()
                    };
                }
            }
        }
    }

    /// Whether an honest node that is connected to it has something that the node waits for.
    pub(crate) fn could_have(&self, at: usize, wanted: &[Cid]) -> bool {
        let node = &self.nodes[at];
        let missing: Vec<&Cid> = wanted
            .iter()
            .filter(|c| !node.got.contains(c.hash()))
            .collect();
        self.connected.keys().any(|(a, b)| {
            let other = match (*a == at, *b == at) {
                (true, _) => *b,
                (_, true) => *a,
                _ => return false,
            };
            let other = &self.nodes[other];
            other.manner == Manner::Honest
                && missing.iter().any(|c| other.store.contains_key(c.hash()))
        })
    }
}
