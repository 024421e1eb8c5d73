//! How long announcing many CIDs takes: a part of the space with as many keys as it would have among all
//! of them, told to a network that is made up, whose peers are slow and partly gone.
//! `cargo run --release -p basalt-bench --example provide [KEYS [OF [PEERS]]]`
//!
//! Latencies are a tenth of the real ones, and what was waited is counted tenfold.

use std::collections::BTreeMap;
use std::env::args;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use basalt_routing::{
    Announced, Dht, Effort, Error, Host, K, Key, MemoryRecords, Message, Mode, Options, OwnContent,
    PeerInfo, Providers, Scope, Validators, Values,
};
use bytes::Bytes;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use nix::sys::resource::{UsageWho, getrusage};
use tokio::time::sleep;

/// What is waited is a tenth of what it stands for.
const FASTER: u32 = 10;
/// A round trip; a connection takes three.
const ROUND_TRIP: Duration = Duration::from_millis(150 / FASTER as u64);
/// How long it takes to find out that a peer is gone.
const GONE: Duration = Duration::from_millis(5000 / FASTER as u64);
/// One of so many peers is gone.
const ONE_GONE_OF: usize = 5;
/// Keys that the node announces together.
const TOGETHER: usize = 4096;
/// In which all keys have to be announced.
const INTERVAL: f64 = 22.0;

/// The peers of a network.
struct Net {
    peers: Vec<(Key, PeerId)>,
    places: BTreeMap<Vec<u8>, usize>,
    own: PeerId,
    dials: AtomicU64,
    records: AtomicU64,
    asked: AtomicU64,
}

fn address(place: usize) -> Multiaddr {
    let [_, a, b, c] = u32::try_from(place).unwrap_or(0).to_be_bytes();
    let text = format!("/ip4/5.{a}.{b}.{c}/tcp/4001");
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
            dials: AtomicU64::new(0),
            records: AtomicU64::new(0),
            asked: AtomicU64::new(0),
        }
    }

    fn info(&self, place: usize) -> PeerInfo {
        PeerInfo::new(self.peers[place].1, vec![address(place)])
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

    async fn is_connected(&self, _: PeerId) -> bool {
        false
    }

    async fn connect(&self, peer: PeerId) -> Result<(), Error> {
        self.0.dials.fetch_add(1, Ordering::Relaxed);
        if self.0.is_gone(&peer) {
            sleep(GONE).await;
            let reason = "gone".to_owned();
            return Err(Error::Peer { peer, reason });
        }
        sleep(3 * ROUND_TRIP).await;
        Ok(())
    }

    async fn ask(&self, _: PeerId, _: &'static str, message: Bytes) -> Result<Bytes, Error> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        sleep(ROUND_TRIP).await;
        let question = Message::decode(&message)?;
        let mut answer = Message::new(question.kind, question.key.clone());
        answer.closer = self.0.nearest(&Key::of(&question.key));
        Ok(answer.encode().into())
    }

    async fn tell(&self, _: PeerId, _: &'static str, messages: Vec<Bytes>) -> Result<(), Error> {
        sleep(2 * ROUND_TRIP).await;
        let count = u64::try_from(messages.len()).unwrap_or(0);
        self.0.records.fetch_add(count, Ordering::Relaxed);
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

fn cpu() -> Result<f64> {
    let used = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(used.user_time()) + seconds(used.system_time()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (count, of, peers) = (
        number(1, 40_000)?,
        number(2, 10_000_000)?,
        number(3, 10_000)?,
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
    for place in (0..peers).step_by((peers / 200).max(1)) {
        let info = net.info(place);
        let speaks = [Scope::Wan.protocol().to_owned()];
        dht.identified(info.id, &speaks, &info.addresses, &info.addresses);
    }
    // Random keys are spread evenly; those of one part are as near to each other as all of them would be.
    let part = u64::MAX / (of / count).max(1) as u64;
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
    println!("{count} keys of {of}, {peers} peers of which one in {ONE_GONE_OF} is gone");
    let effort = Effort {
        peers: 20,
        time: Duration::from_secs(10) / FASTER,
    };
    let (begin, used) = (Instant::now(), cpu()?);
    let mut done = Announced::default();
    for together in keys.chunks(TOGETHER) {
        let keys = together.iter().map(|(_, key)| key.clone()).collect();
        done += dht.provide_many(keys, effort).await?;
    }
    let (cpu, took) = (cpu()? - used, begin.elapsed().as_secs_f64());
    let waited = (took - cpu).max(0.0) * f64::from(FASTER);
    let hours = (waited + cpu) * of as f64 / count as f64 / 3600.0;
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
    println!("CPU {:.1} us a key", cpu * 1e6 / count as f64);
    println!("all {of}: {hours:.1} h, wanted {INTERVAL} h");
    Ok(())
}
