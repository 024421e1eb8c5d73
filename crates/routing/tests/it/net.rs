//! A network in memory: messages are answered by a call.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use basalt_routing::{
    Dht, Error, Events, Host, MemoryRecords, Messages, Mode, Options, PeerInfo, Providers,
    PublicKeys, Result, Scope, Validator, Validators, Values,
};
use bytes::Bytes;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

/// Nodes by their peers; those that are gone are not there.
#[derive(Default)]
pub(crate) struct Net {
    nodes: Mutex<HashMap<PeerId, Arc<Node>>>,
    messages: AtomicUsize,
}

/// A node: its connections and the addresses that it has heard of.
pub(crate) struct Node {
    pub(crate) peer: PeerId,
    pub(crate) dht: Dht,
    own: Arc<Own>,
}

struct Own {
    peer: PeerId,
    net: Weak<Net>,
    connected: Mutex<HashSet<PeerId>>,
    book: Mutex<HashMap<PeerId, Vec<Multiaddr>>>,
}

/// The longer value is better, and it begins with its key.
struct Longer;

impl Validator for Longer {
    fn validate(&self, key: &[u8], value: &[u8]) -> Result<()> {
        match value.starts_with(key) {
            true => Ok(()),
            false => Err(Error::Invalid("not of this key".to_owned())),
        }
    }

    fn is_better(&self, _: &[u8], value: &[u8], than: &[u8]) -> bool {
        value.len() > than.len()
    }
}

fn address(peer: PeerId) -> Multiaddr {
    let bytes = peer.to_bytes();
    let [.., a, b, c] = bytes.as_slice() else {
        unreachable!()
    };
    format!("/ip4/10.{a}.{b}.{c}/tcp/4001").parse().unwrap()
}

impl Net {
    pub(crate) fn add(self: &Arc<Self>, mode: Mode) -> Arc<Node> {
        let peer = PeerId::random();
        let own = Arc::new(Own {
            peer,
            net: Arc::downgrade(self),
            connected: Mutex::default(),
            book: Mutex::default(),
        });
        let options = Options {
            scope: Scope::Lan,
            mode,
            loopback: true,
        };
        let validators = Validators::default()
            .with("pk", PublicKeys)
            .with("x", Longer);
        let records = Arc::new(MemoryRecords::default());
        let providers = Arc::new(Providers::new(records.clone()));
        let values = Arc::new(Values::new(records, validators));
        let dht = Dht::new(options, own.clone(), providers, values);
        let node = Arc::new(Node { peer, dht, own });
        self.nodes.lock().unwrap().insert(peer, node.clone());
        node
    }

    pub(crate) fn remove(&self, peer: PeerId) {
        self.nodes.lock().unwrap().remove(&peer);
        for node in self.all() {
            node.own.connected.lock().unwrap().remove(&peer);
            node.dht.disconnected(&peer);
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Node>> {
        self.nodes.lock().unwrap().values().cloned().collect()
    }

    /// How many messages were sent so far.
    pub(crate) fn messages(&self) -> usize {
        self.messages.load(Ordering::Relaxed)
    }

    fn get(&self, peer: PeerId) -> Option<Arc<Node>> {
        self.nodes.lock().unwrap().get(&peer).cloned()
    }

    fn connect(&self, a: PeerId, b: PeerId) -> bool {
        let (Some(a), Some(b)) = (self.get(a), self.get(b)) else {
            return false;
        };
        a.meets(&b);
        b.meets(&a);
        true
    }

    /// Nodes that know each other as far as the first of them led to others.
    pub(crate) async fn of(count: usize) -> Arc<Self> {
        let net = Arc::new(Self::default());
        let first = net.add(Mode::Server);
        for _ in 1..count {
            let node = net.add(Mode::Server);
            net.connect(node.peer, first.peer);
            let own = node.peer.to_bytes();
            node.dht
                .closest_peers(&own, &Events::default())
                .await
                .unwrap();
        }
        net
    }

    /// A node that only asks, and knows one other.
    pub(crate) fn client(self: &Arc<Self>) -> Arc<Node> {
        let mut all = self.all().into_iter();
        let known = all.find(|node| node.dht.mode() == Mode::Server).unwrap();
        self.client_of(&known)
    }

    /// A node that only asks, and knows this one.
    pub(crate) fn client_of(self: &Arc<Self>, known: &Node) -> Arc<Node> {
        let node = self.add(Mode::Client);
        self.connect(node.peer, known.peer);
        node
    }
}

impl Node {
    /// What identify does.
    fn meets(&self, other: &Self) {
        self.own.connected.lock().unwrap().insert(other.peer);
        let at = vec![address(other.peer)];
        self.own.book.lock().unwrap().insert(other.peer, at.clone());
        let speaks = match other.dht.mode() {
            Mode::Server => vec![Scope::Lan.protocol().to_owned()],
            Mode::Client | Mode::Off => Vec::new(),
        };
        self.dht.identified(other.peer, &speaks, &at, &at);
    }
}

impl Own {
    fn failed(&self, peer: PeerId, reason: &str) -> Error {
        Error::Peer {
            peer,
            reason: reason.to_owned(),
        }
    }

    async fn send(&self, peer: PeerId, message: &Bytes) -> Result<Option<Bytes>> {
        tokio::task::yield_now().await;
        assert!(self.connected.lock().unwrap().contains(&peer));
        let net = self.net.upgrade();
        if let Some(net) = &net {
            net.messages.fetch_add(1, Ordering::Relaxed);
        }
        let other = net.and_then(|net| net.get(peer));
        let other = other.ok_or_else(|| self.failed(peer, "gone"))?;
        other.dht.answer(self.peer, message).await
    }
}

#[async_trait]
impl Host for Own {
    fn local_peer(&self) -> PeerId {
        self.peer
    }

    async fn own_addresses(&self) -> Vec<Multiaddr> {
        vec![address(self.peer)]
    }

    async fn locate(&self, peers: Vec<PeerId>) -> Vec<PeerInfo> {
        let book = self.book.lock().unwrap();
        let at = |peer: &PeerId| book.get(peer).cloned().unwrap_or_default();
        peers
            .iter()
            .map(|peer| PeerInfo::new(*peer, at(peer)))
            .collect()
    }

    async fn remember(&self, peers: Vec<PeerInfo>, _: Duration) {
        let mut book = self.book.lock().unwrap();
        for peer in peers {
            book.entry(peer.id).or_insert(peer.addresses);
        }
    }

    async fn is_connected(&self, peer: PeerId) -> bool {
        self.connected.lock().unwrap().contains(&peer)
    }

    async fn connect(&self, peer: PeerId) -> Result<()> {
        tokio::task::yield_now().await;
        let known = self.book.lock().unwrap().contains_key(&peer);
        let net = self.net.upgrade().unwrap();
        match known && net.connect(self.peer, peer) {
            true => Ok(()),
            false => Err(self.failed(peer, "cannot be dialled")),
        }
    }

    async fn ask(&self, peer: PeerId, protocol: &'static str, message: Bytes) -> Result<Bytes> {
        assert_eq!(protocol, Scope::Lan.protocol());
        let answer = self.send(peer, &message).await?;
        answer.ok_or_else(|| self.failed(peer, "no answer"))
    }

    async fn tell(&self, peer: PeerId, _: &'static str, messages: Messages) -> Result<()> {
        for message in messages {
            self.send(peer, &message).await?;
        }
        Ok(())
    }
}
