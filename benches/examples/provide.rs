//! How long announcing many CIDs takes: a part of the space with as many keys as it would have among all
//! of them, told to a network that is made up, whose peers are slow and partly gone. Nothing is faster than it
//! would be: what is measured is multiplied by the number of such parts, and that is all.
//! `cargo run --release -p basalt-bench --example provide [KEYS [OF [PEERS [WORKERS]]]]`

use std::collections::{BTreeMap, HashMap};
use std::env::args;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use basalt_routing::{
    Announced, Dht, Effort, Error, Host, K, Key, MemoryRecords, Message, Messages, Mode, Options,
    OwnContent, PeerInfo, Providers, Scope, Validators, Values,
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use nix::sys::resource::{UsageWho, getrusage};
use tokio::time::sleep;

/// A round trip; a connection takes three.
const ROUND_TRIP: Duration = Duration::from_millis(150);
/// How long it takes to find out that a peer is gone.
const GONE: Duration = Duration::from_secs(5);
/// How long a connection is kept that nobody uses.
const KEPT: Duration = Duration::from_secs(20);
/// Bytes that a peer takes a second.
const SPEED: f64 = 1e6;
/// One of so many peers is gone.
const ONE_GONE_OF: usize = 5;
/// Keys that the node announces together, and how many workers do so: `Provide.DHT.MaxWorkers` less the one
/// that is kept for what is new.
const TOGETHER: usize = 4096;
const WORKERS: usize = 15;
/// In which all keys have to be announced.
const INTERVAL: f64 = 22.0;

/// The peers of a network.
struct Net {
    peers: Vec<(Key, PeerId)>,
    places: BTreeMap<Vec<u8>, usize>,
    own: PeerId,
    connected: Mutex<HashMap<PeerId, Instant>>,
    dials: AtomicU64,
    records: AtomicU64,
    asked: AtomicU64,
    bytes: AtomicU64,
}

fn address(place: usize) -> Multiaddr {
    // No two peers are neighbours.
    let (a, b) = (20 + place / 256 % 80, place % 256);
    let text = format!("/ip4/{a}.{b}.1.1/tcp/4001");
    text.parse().unwrap_or_else(|_| Multiaddr::empty())
}

impl Net {
    fn new(count: usize) -> Self {
        let mut peers: Vec<_> = (0..count)
            .map(|_| PeerId::random())
            .map(|peer| (Key::of_peer(&peer), peer))
            .collect();
        peers.sort_unstable_by_key(|(key, _)| *key.bytes());
        let places = peers.iter().enumerate();
        Self {
            places: places
                .map(|(at, (_, peer))| (peer.to_bytes(), at))
                .collect(),
            peers,
            own: PeerId::random(),
            connected: Mutex::default(),
            dials: AtomicU64::new(0),
            records: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    fn info(&self, place: usize) -> PeerInfo {
        PeerInfo::new(self.peers[place].1, vec![address(place)])
    }

    fn connected(&self) -> std::sync::MutexGuard<'_, HashMap<PeerId, Instant>> {
        self.connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self, peer: PeerId) {
        self.connected().insert(peer, Instant::now());
    }

    fn is_gone(&self, peer: &PeerId) -> bool {
        let place = self.places.get(&peer.to_bytes());
        place.is_none_or(|place| place % ONE_GONE_OF == 0)
    }

    /// The nearest peers to a key: those that share most of its bits stand beside each other.
    fn nearest(&self, key: &Key) -> Vec<PeerInfo> {
        let at = self.peers.partition_point(|(k, _)| k.bytes() < key.bytes());
        let (from, to) = (at.saturating_sub(8 * K), (at + 8 * K).min(self.peers.len()));
        let mut near: Vec<usize> = (from..to).collect();
        near.sort_unstable_by_key(|place| self.peers[*place].0.distance(key));
        near.into_iter().take(K).map(|p| self.info(p)).collect()
    }
}

struct Network(Arc<Net>);

#[async_trait]
impl Host for Network {
    fn local_peer(&self) -> PeerId {
        self.0.own
    }

    async fn own_addresses(&self) -> Vec<Multiaddr> {
        vec![address(0), address(1), address(2)]
    }

    async fn locate(&self, peers: Vec<PeerId>) -> Vec<PeerInfo> {
        let place = |peer: &PeerId| self.0.places.get(&peer.to_bytes()).copied();
        let all = peers.iter().filter_map(place);
        all.map(|place| self.0.info(place)).collect()
    }

    async fn remember(&self, _: Vec<PeerInfo>, _: Duration) {}

    async fn is_connected(&self, peer: PeerId) -> bool {
        let connected = self.0.connected();
        connected
            .get(&peer)
            .is_some_and(|used| used.elapsed() < KEPT)
    }

    async fn connect(&self, peer: PeerId) -> Result<(), Error> {
        self.0.dials.fetch_add(1, Ordering::Relaxed);
        if self.0.is_gone(&peer) {
            sleep(GONE).await;
            let reason = "gone".to_owned();
            return Err(Error::Peer { peer, reason });
        }
        sleep(3 * ROUND_TRIP).await;
        self.0.used(peer);
        Ok(())
    }

    async fn ask(&self, peer: PeerId, _: &'static str, message: Bytes) -> Result<Bytes, Error> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        sleep(ROUND_TRIP).await;
        self.0.used(peer);
        let question = Message::decode(&message)?;
        let mut answer = Message::new(question.kind, question.key.clone());
        answer.closer = self.0.nearest(&Key::of(&question.key));
        Ok(answer.encode().into())
    }

    async fn tell(&self, peer: PeerId, _: &'static str, messages: Messages) -> Result<(), Error> {
        sleep(2 * ROUND_TRIP).await;
        let (mut count, mut bytes) = (0, 0);
        for message in messages {
            count += 1;
            bytes += message.len() as u64 + 2;
            if count % 64 == 0 {
                sleep(Duration::from_secs_f64(64.0 * message.len() as f64 / SPEED)).await;
            }
        }
        self.0.used(peer);
        self.0.records.fetch_add(count, Ordering::Relaxed);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

struct Everything;

#[async_trait]
impl OwnContent for Everything {
    async fn provides(&self, _: &[u8]) -> bool {
        true
    }
}

fn number(place: usize, default: usize) -> Result<usize> {
    match args().nth(place) {
        Some(text) => text.parse().with_context(|| text),
        None => Ok(default),
    }
}

/// CPU seconds and the peak of resident bytes.
fn used() -> Result<(f64, f64)> {
    let used = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    let cpu = seconds(used.user_time()) + seconds(used.system_time());
    Ok((cpu, used.max_rss() as f64 * 1024.0))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (count, of, peers, workers) = (
        number(1, 250_000)?,
        number(2, 10_000_000)?,
        number(3, 10_000)?,
        number(4, WORKERS)?,
    );
    let net = Arc::new(Net::new(peers));
    let host = Arc::new(Network(net.clone()));
    let records = Arc::new(MemoryRecords::default());
    let providers = Providers::new(records.clone()).with_own(net.own, Arc::new(Everything));
    let options = Options {
        scope: Scope::Wan,
        mode: Mode::Client,
        loopback: false,
    };
    let values = Values::new(records, Validators::default());
    let dht = Dht::new(options, host, Arc::new(providers), Arc::new(values));
    let here = (0..peers).filter(|place| place % ONE_GONE_OF != 0);
    for place in here.step_by((peers / 200).max(1)) {
        let info = net.info(place);
        let speaks = [Scope::Wan.protocol().to_owned()];
        dht.identified(info.id, &speaks, &info.addresses, &info.addresses);
    }
    // Random keys are spread evenly; those of one part are as near to each other as all of them would be.
    let part = u64::MAX / (of / count).max(1) as u64;
    let (_, before) = used()?;
    let mut keys: Vec<(u64, Bytes)> = Vec::new();
    let mut seed = 0u64;
    while keys.len() < count {
        seed += 1;
        let mut key = vec![0x12, 0x20];
        key.extend(seed.to_be_bytes().repeat(4));
        let place = Key::of(&key).head();
        if place < part {
            keys.push((place, key.into()));
        }
    }
    keys.sort_unstable();
    println!(
        "{count} keys of {of}, {peers} peers of which one in {ONE_GONE_OF} is gone, {workers} workers"
    );
    let effort = Effort {
        peers: 20,
        time: Duration::from_secs(10),
    };
    let (begin, (cpu, _)) = (Instant::now(), used()?);
    let done = stream::iter(keys.chunks(TOGETHER))
        .map(|together| {
            let keys = together.iter().map(|(_, key)| key.clone()).collect();
            dht.provide_many(keys, effort)
        })
        .buffer_unordered(workers.max(1))
        .try_fold(Announced::default(), async |mut all, done| {
            all += done;
            Ok(all)
        })
        .await?;
    let took = begin.elapsed().as_secs_f64();
    let (after, peak) = used()?;
    let cpu = after - cpu;
    let hours = took * of as f64 / count as f64 / 3600.0;
    let per = |figure: u64| figure as f64 * 1000.0 / count as f64;
    let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    println!("announced {} keys, failed {}", done.keys, done.failed);
    println!(
        "of a thousand keys: {:.2} lookups, {:.0} dials, {:.0} questions, {:.0} records",
        per(done.lookups),
        per(load(&net.dials)),
        per(load(&net.asked)),
        per(load(&net.records))
    );
    let sent = load(&net.bytes) as f64;
    println!(
        "CPU {:.1} us a key, sent {:.0} bytes a key",
        cpu * 1e6 / count as f64,
        sent / count as f64
    );
    let memory = peak - before;
    println!(
        "memory {:.1} MB more with the keys of this part, {:.2} bytes for each of {of}",
        memory / 1e6,
        memory / of as f64
    );
    println!("took {took:.1} s; all {of}: {hours:.1} h, wanted {INTERVAL} h");
    Ok(())
}
