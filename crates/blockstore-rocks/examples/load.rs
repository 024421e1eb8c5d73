//! What writing, reading, scrubbing and collecting cost: `load DIR [--mib N] [--block BYTES]
//! [--writers N] [--sync MIB] [--budget MIB] [--buffered] [--cheap] [--probe]`.
//!
//! Writers put blocks of random bytes, as `add` does, eight at a time; each syncs after `--sync`
//! MiB. `--cheap` makes blocks at next to no cost and ends after the import; `--probe` pins, reads
//! and puts a little beside the import and tells how long that took. Figures are of the whole process: seconds of CPU, bytes the disk was given, memory.
#![allow(
    clippy::unwrap_used,
    reason = "a measuring tool: a panic is its verdict"
)]

use std::path::PathBuf;
use std::time::Instant;

use basalt_block::{Block, Cid, Multihash, codec};
use basalt_blockstore::{Batch, Blockstore, Datastore, ScrubEvent};
use basalt_blockstore_rocks::{Options, RocksStore};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};

struct Load {
    dir: PathBuf,
    mib: usize,
    block: usize,
    writers: usize,
    sync: usize,
    budget: usize,
    direct: bool,
    cheap: bool,
    probe: bool,
}

fn arguments() -> Load {
    let mut args = std::env::args().skip(1);
    let mut load = Load {
        dir: args.next().expect("a directory").into(),
        mib: 1024,
        block: 256 << 10,
        writers: 1,
        sync: usize::MAX,
        budget: 0,
        direct: true,
        cheap: false,
        probe: false,
    };
    while let Some(name) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse().ok()).expect("a number");
        match name.as_str() {
            "--mib" => load.mib = number(),
            "--block" => load.block = number(),
            "--writers" => load.writers = number(),
            "--sync" => load.sync = number(),
            "--budget" => load.budget = number(),
            "--buffered" => load.direct = false,
            "--cheap" => load.cheap = true,
            "--probe" => load.probe = true,
            other => panic!("unknown option {other}"),
        }
    }
    load
}

#[tokio::main]
async fn main() {
    let load = arguments();
    let mut options = Options::new(&load.dir);
    options.direct_io = load.direct;
    if load.budget > 0 {
        options.memory_budget = load.budget << 20;
    }
    let meter = Meter::new();
    let store = RocksStore::open(options.clone()).unwrap();
    meter.tell("open", 0);

    let count = (load.mib << 20) / load.block;
    let meter = Meter::new();
    let writers = (0..load.writers).map(|writer| {
        let store = store.clone();
        let (from, to) = (
            count * writer / load.writers,
            count * (writer + 1) / load.writers,
        );
        let (size, cheap) = (load.block, load.cheap);
        let per_sync = load.sync.saturating_mul(1 << 20) / size;
        tokio::spawn(async move {
            let at_once = ((1 << 20) / size).clamp(1, 1000);
            let mut since = 0;
            for first in (from..to).step_by(at_once) {
                let blocks = (first..to.min(first + at_once)).map(|n| block(n, size, cheap));
                store.put_many(blocks.collect()).await.unwrap();
                since += at_once;
                if since >= per_sync {
                    since = 0;
                    store.sync().await.unwrap();
                }
            }
            store.sync().await.unwrap();
        })
    });
    let writers = futures::future::join_all(writers.collect::<Vec<_>>());
    if load.probe {
        probe(&store, writers).await;
    } else {
        writers.await;
    }
    let bytes = count * load.block;
    meter.tell("put", bytes);
    println!("{:?}", store.usage());
    if load.cheap {
        tokio::time::sleep(std::time::Duration::from_secs(12)).await;
        Meter::new().tell("after a rest", 0);
        return;
    }

    let meter = Meter::new();
    let listed = store.keys().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(listed.len(), count);
    meter.tell(&format!("list {count}"), 0);

    let cids: Vec<Cid> = listed
        .iter()
        .map(|(hash, _)| Cid::new_v1(codec::RAW, *hash))
        .collect();
    let meter = Meter::new();
    for cid in cids.iter().take(20_000) {
        Blockstore::get(&store, cid).await.unwrap().unwrap();
    }
    meter.tell("get one by one", load.block * cids.len().min(20_000));
    let meter = Meter::new();
    for cid in &cids {
        assert!(store.has(cid).await.unwrap());
    }
    meter.tell(&format!("has {count}"), 0);

    let meter = Meter::new();
    let good = store
        .scrub()
        .map(|event| assert!(matches!(event, ScrubEvent::Good(_)), "{event:?}"))
        .count()
        .await;
    meter.tell(&format!("scrub {good}"), bytes);

    let meter = Meter::new();
    let horizon = store.begin_sweep();
    let half: Vec<Multihash> = listed.iter().step_by(2).map(|(hash, _)| *hash).collect();
    for part in half.chunks(1000) {
        store.sweep(part, horizon).await.unwrap();
    }
    store.sync().await.unwrap();
    meter.tell(&format!("sweep {}", half.len()), 0);
    let meter = Meter::new();
    store.compact().await.unwrap();
    meter.tell("compact", bytes / 2);
    println!("{:?}", store.usage());

    let meter = Meter::new();
    store.close().await;
    meter.tell("close", 0);
    let meter = Meter::new();
    let store = RocksStore::open(options).unwrap();
    meter.tell("reopen", 0);
    println!("{:?}", store.usage());
}

/// Small work beside the import, every 20 ms.
async fn probe<T>(store: &RocksStore, import: impl Future<Output = T>) {
    let mut import = std::pin::pin!(import);
    let mut times = [const { Vec::new() }; 3];
    for n in 0.. {
        let pause = tokio::time::sleep(std::time::Duration::from_millis(20));
        if let futures::future::Either::Left(_) =
            futures::future::select(import.as_mut(), std::pin::pin!(pause)).await
        {
            break;
        }
        let small = block((1 << 40) + n, 1000, true);
        let work = async {
            let mut began = Instant::now();
            let mut lap = |times: &mut Vec<f64>| {
                times.push(began.elapsed().as_secs_f64() * 1000.0);
                began = Instant::now();
            };
            store.put_many(vec![small.clone()]).await.unwrap();
            lap(&mut times[0]);
            let mut batch = Batch::default();
            batch.put(format!("probe/{n}"), "a pin");
            Datastore::write(store, batch).await.unwrap();
            lap(&mut times[1]);
            Blockstore::get(store, small.cid()).await.unwrap().unwrap();
            lap(&mut times[2]);
        };
        // The import goes on meanwhile: its tasks have threads of their own.
        work.await;
    }
    for (what, mut times) in ["put", "durable record", "get"].into_iter().zip(times) {
        times.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        println!(
            "beside it: {what:15} {} times, p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, at most {:.2} ms",
            times.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0)
        );
    }
}

fn block(n: usize, size: usize, cheap: bool) -> Block {
    let mut data = vec![0u8; size];
    // SplitMix64: bytes that no file system compresses, at little cost.
    let mut state = n as u64;
    let step = if cheap { 4096 } else { 8 };
    for word in data.chunks_mut(step) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bytes = (z ^ (z >> 31) ^ n as u64).to_le_bytes();
        let len = word.len().min(8);
        word[..len].copy_from_slice(&bytes[..len]);
    }
    if !cheap {
        let hasher = basalt_block::Hasher::SHA2_256;
        return Block::hash(1, codec::RAW, hasher, data.into()).unwrap();
    }
    // Costs of the store alone: a digest that is as good as random.
    let mut digest = [0; 32];
    for (at, part) in digest.chunks_mut(8).enumerate() {
        let z = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ ((at as u64) << 40 | 1));
        part.copy_from_slice(&(z ^ (z >> 29)).to_be_bytes());
    }
    let hash = Multihash::wrap(0x12, &digest).unwrap();
    Block::unchecked(Cid::new_v1(codec::RAW, hash), Bytes::from(data))
}

struct Meter {
    began: Instant,
    cpu: f64,
    written: u64,
}

impl Meter {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            cpu: cpu(),
            written: written(),
        }
    }

    fn tell(&self, what: &str, bytes: usize) {
        let wall = self.began.elapsed().as_secs_f64();
        let cpu = cpu() - self.cpu;
        let written = (written() - self.written) as f64 / (1 << 20) as f64;
        let mib = bytes as f64 / (1 << 20) as f64;
        print!("{what:20} {wall:8.3} s, CPU {cpu:7.2} s, written {written:8.1} MiB, ");
        println!(
            "{:8.0} MiB/s, CPU {:5.2} s/GiB, x{:.3}; resident {} MB, at most {} MB",
            mib / wall,
            cpu / mib * 1024.0,
            written / mib,
            status("VmRSS:") / 1000,
            status("VmHWM:") / 1000
        );
    }
}

fn cpu() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6
}

fn written() -> u64 {
    field("/proc/self/io", "write_bytes:")
}

fn status(name: &str) -> u64 {
    field("/proc/self/status", name)
}

fn field(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
