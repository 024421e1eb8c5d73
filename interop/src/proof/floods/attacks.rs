//! The floods.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::proto;
use super::wire::{Peer, plain};

/// What is attacked.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) at: SocketAddr,
    /// CIDs of blocks that it has.
    pub(super) bait: Arc<Vec<Vec<u8>>>,
}

/// One of many peers of a flood.
#[derive(Clone)]
pub(super) struct Soldier {
    target: Target,
    number: u64,
    whole: bool,
    /// How many did their worst.
    going: Arc<AtomicU64>,
}

/// A flood.
pub(super) struct Attack {
    pub(super) name: &'static str,
    /// Peers at a time, in the short form and in the whole.
    peers: (u64, u64),
    run: fn(Soldier) -> BoxFuture<'static, Result<()>>,
}

macro_rules! attack {
    ($name:literal, $short:literal, $whole:literal, $run:path) => {
        Attack {
            name: $name,
            peers: ($short, $whole),
            run: |soldier| Box::pin($run(soldier)),
        }
    };
}

/// All of them.
pub(super) const ALL: &[Attack] = &[
    attack!("connections that say nothing", 1000, 3000, silent),
    attack!("connections that are made and left", 250, 1500, idle),
    attack!("streams that say nothing", 8, 40, mute),
    attack!("streams opened and taken back", 4, 40, flicker),
    attack!("bytes that nobody reads", 12, 100, unread),
    attack!("frames of one byte", 6, 50, dribble),
    attack!("half messages on every protocol", 8, 60, halves),
    attack!("oversize and malformed messages", 4, 40, malformed),
    attack!("wantlists of millions", 8, 60, wants),
    attack!("blocks that nobody takes", 16, 100, deaf),
    attack!("answers that nobody takes", 8, 60, questions),
    attack!("providers by the million", 8, 40, providers),
    attack!("pings of the multiplexer", 4, 20, pings),
];

/// What the daemon may speak.
const PROTOCOLS: &[&str] = &[
    "/ipfs/id/1.0.0",
    "/ipfs/id/push/1.0.0",
    "/ipfs/ping/1.0.0",
    "/ipfs/bitswap/1.2.0",
    "/ipfs/bitswap/1.1.0",
    "/ipfs/bitswap/1.0.0",
    "/ipfs/bitswap",
    "/ipfs/kad/1.0.0",
    "/ipfs/lan/kad/1.0.0",
    "/libp2p/autonat/1.0.0",
    "/libp2p/autonat/2/dial-request",
    "/libp2p/autonat/2/dial-back",
    "/libp2p/circuit/relay/0.2.0/hop",
    "/libp2p/circuit/relay/0.2.0/stop",
    "/libp2p/dcutr",
    "/meshsub/1.1.0",
    "/meshsub/1.2.0",
    "/floodsub/1.0.0",
    "/libp2p/fetch/0.0.1",
    "/no/such/protocol",
];
const BITSWAP: &str = "/ipfs/bitswap/1.2.0";
const LAN: &str = "/ipfs/lan/kad/1.0.0";
const WAN: &str = "/ipfs/kad/1.0.0";

/// How long a peer stays that has done its worst.
const STAY: Duration = Duration::from_secs(2);
const STAY_WHOLE: Duration = Duration::from_secs(15);
/// Nobody goes on for longer.
const LONGEST: Duration = Duration::from_secs(20);
const LONGEST_WHOLE: Duration = Duration::from_secs(120);

/// Lets all of them loose. That single ones are sent away is what they have to expect.
pub(super) async fn run(
    attack: &'static Attack,
    target: Target,
    whole: bool,
    going: Arc<AtomicU64>,
) -> Result<()> {
    let (short, all) = attack.peers;
    let longest = if whole { LONGEST_WHOLE } else { LONGEST };
    let mut peers = JoinSet::new();
    for number in 0..if whole { all } else { short } {
        let soldier = Soldier {
            target: target.clone(),
            number,
            whole,
            going: going.clone(),
        };
        peers.spawn(timeout(longest, (attack.run)(soldier)));
    }
    while let Some(ended) = peers.join_next().await {
        if ended.is_err_and(|error| error.is_panic()) {
            anyhow::bail!("a hostile peer panicked");
        }
    }
    Ok(())
}

impl Soldier {
    async fn peer(&self, reads: bool) -> Result<Peer> {
        Peer::connect(self.target.at, reads).await
    }

    /// Has done its worst, and waits.
    async fn stay(&self) {
        self.going.fetch_add(1, Ordering::Relaxed);
        sleep(if self.whole { STAY_WHOLE } else { STAY }).await;
    }

    /// So many in the short form, and ten times as many in the whole.
    fn many(&self, short: u64) -> u64 {
        if self.whole { short * 10 } else { short }
    }
}

async fn silent(soldier: Soldier) -> Result<()> {
    let _kept = plain(soldier.target.at).await?;
    soldier.stay().await;
    Ok(())
}

async fn idle(soldier: Soldier) -> Result<()> {
    let _kept = soldier.peer(true).await?;
    soldier.stay().await;
    Ok(())
}

async fn mute(soldier: Soldier) -> Result<()> {
    let mut peer = soldier.peer(true).await?;
    for n in 0..500 {
        let protocol = match n % 4 {
            0 => "",
            1 => "/ipfs/ping/1.0.0",
            2 => LAN,
            _ => BITSWAP,
        };
        if peer.open(protocol).await.is_none() {
            break;
        }
    }
    soldier.stay().await;
    Ok(())
}

async fn flicker(soldier: Soldier) -> Result<()> {
    let mut peer = soldier.peer(true).await?;
    soldier.going.fetch_add(1, Ordering::Relaxed);
    for n in 0..soldier.many(4000) {
        let protocol = PROTOCOLS[n as usize % PROTOCOLS.len()];
        let Some(id) = peer.open(protocol).await else {
            break;
        };
        if !peer.reset(id).await {
            break;
        }
    }
    Ok(())
}

async fn unread(soldier: Soldier) -> Result<()> {
    let mut peer = soldier.peer(true).await?;
    soldier.going.fetch_add(1, Ordering::Relaxed);
    // A message of 4 MiB of which each stream sends what its window allows.
    let mut body = Vec::new();
    proto::varint(&mut body, 4 << 20);
    body.resize(255 << 10, 7);
    for n in 0..500 {
        let protocol = if n % 2 == 0 { BITSWAP } else { LAN };
        if !peer.say(protocol, &body).await {
            break;
        }
    }
    soldier.stay().await;
    Ok(())
}

async fn dribble(soldier: Soldier) -> Result<()> {
    let mut peer = soldier.peer(true).await?;
    soldier.going.fetch_add(1, Ordering::Relaxed);
    for _ in 0..soldier.many(4) {
        let Some(id) = peer.open("").await else { break };
        if !peer.dribble(id, 100_000).await {
            break;
        }
    }
    soldier.stay().await;
    Ok(())
}

async fn halves(soldier: Soldier) -> Result<()> {
    let mut peer = soldier.peer(true).await?;
    soldier.going.fetch_add(1, Ordering::Relaxed);
    for n in 0..400 {
        let protocol = PROTOCOLS[n % PROTOCOLS.len()];
        let Some(id) = peer.open(protocol).await else {
            break;
        };
        let len = [60, 4000, 65_000, 1 << 20][n / PROTOCOLS.len() % 4];
        let mut body = Vec::new();
        proto::varint(&mut body, len);
        body.resize((len as usize - 1).min(200 << 10), 7);
        if !peer.send(id, &body).await {
            break;
        }
    }
    soldier.stay().await;
    Ok(())
}

async fn malformed(soldier: Soldier) -> Result<()> {
    let mut deep = Vec::new();
    for _ in 0..1000 {
        let inner = std::mem::take(&mut deep);
        proto::bytes(&mut deep, 1, &inner);
        if deep.len() > 4000 {
            break;
        }
    }
    let mut many = Vec::new();
    for n in 0..20_000 {
        proto::number(&mut many, 1 + n % 15, n);
    }
    let bodies: Vec<Vec<u8>> = vec![
        vec![0xff; 1000],
        vec![0; 100_000],
        proto::framed(&deep),
        proto::framed(&many),
        proto::framed(&vec![0x0a; 4 << 20]),
        b"\xff\xff\xff\xff\x0f".repeat(1000),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
    ];
    for body in bodies {
        for protocol in PROTOCOLS {
            // Sent away for one of them, it comes again.
            let mut peer = soldier.peer(true).await?;
            soldier.going.fetch_add(1, Ordering::Relaxed);
            for _ in 0..4 {
                if !peer.say(protocol, &body).await {
                    break;
                }
            }
        }
        let mut peer = soldier.peer(true).await?;
        peer.raw(&body).await;
    }
    Ok(())
}

async fn wants(soldier: Soldier) -> Result<()> {
    let mut peer = soldier.peer(true).await?;
    soldier.going.fetch_add(1, Ordering::Relaxed);
    let mut next = soldier.number << 40;
    for _ in 0..soldier.many(20) {
        // A stream for each message, as in Kubo.
        let Some(id) = peer.open(BITSWAP).await else {
            break;
        };
        let list = proto::wantlist((next..next + 4000).map(proto::unknown));
        next += 4000;
        if !peer.send(id, &list).await {
            break;
        }
        peer.reset(id).await;
    }
    soldier.stay().await;
    Ok(())
}

async fn deaf(soldier: Soldier) -> Result<()> {
    let mut peer = soldier.peer(false).await?;
    let Some(id) = peer.open(BITSWAP).await else {
        return Ok(());
    };
    let list = proto::wantlist(soldier.target.bait.iter().cloned());
    peer.send(id, &list).await;
    // The stream that the blocks come on is the other side's first.
    peer.grant(2, 1 << 30).await;
    soldier.stay().await;
    Ok(())
}

async fn questions(soldier: Soldier) -> Result<()> {
    let mut peer = soldier.peer(false).await?;
    soldier.going.fetch_add(1, Ordering::Relaxed);
    let mut asked = Vec::new();
    for n in 0..50 {
        // FIND_NODE and GET_PROVIDERS.
        let kind = if n % 2 == 0 { 4 } else { 3 };
        asked.extend(proto::dht(kind, &proto::key(n), &[]));
    }
    for n in 0..400 {
        let protocol = ["/ipfs/id/1.0.0", LAN, WAN, "/ipfs/ping/1.0.0"][n % 4];
        if !peer.say(protocol, &asked).await {
            break;
        }
    }
    soldier.stay().await;
    Ok(())
}

async fn providers(soldier: Soldier) -> Result<()> {
    let mut peer = soldier.peer(true).await?;
    soldier.going.fetch_add(1, Ordering::Relaxed);
    let mut provider = Vec::new();
    proto::bytes(&mut provider, 1, &peer.id.to_bytes());
    // /ip4/127.0.0.1/tcp/1 and its like.
    for port in 0..50_u8 {
        proto::bytes(&mut provider, 2, &[4, 127, 0, 0, 1, 6, 0, port]);
    }
    let mut more = Vec::new();
    proto::bytes(&mut more, 9, &provider);
    let mut next = soldier.number << 40;
    for n in 0..soldier.many(40) {
        let protocol = if n % 2 == 0 { LAN } else { WAN };
        let Some(id) = peer.open(protocol).await else {
            break;
        };
        let mut told = Vec::new();
        for _ in 0..200 {
            told.extend(proto::dht(2, &proto::key(next), &more));
            next += 1;
        }
        // More than one window, as far as it is read.
        if !peer.send(id, &told).await {
            break;
        }
        // A value that nobody has signed.
        let mut record = Vec::new();
        proto::bytes(&mut record, 1, b"/ipns/x");
        proto::bytes(&mut record, 2, &[7; 9000]);
        let mut value = Vec::new();
        proto::bytes(&mut value, 3, &record);
        peer.send(id, &proto::dht(0, b"/ipns/x", &value)).await;
    }
    soldier.stay().await;
    Ok(())
}

async fn pings(soldier: Soldier) -> Result<()> {
    // It reads nothing, so that the answers have to wait.
    let mut peer = soldier.peer(false).await?;
    soldier.going.fetch_add(1, Ordering::Relaxed);
    for _ in 0..soldier.many(200) {
        if !peer.pings(2000).await {
            break;
        }
    }
    soldier.stay().await;
    Ok(())
}
