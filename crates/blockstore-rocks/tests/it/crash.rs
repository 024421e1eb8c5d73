//! A process that is killed loses nothing of what it had acknowledged.
//!
//! The writer is this test binary, started again with `BASALT_CRASH_DIR` set. It prints what is
//! durable; the test kills it at a random moment, opens what it left, and looks.
//! `BASALT_CRASH_ROUNDS` sets how often (6 unless told).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use basalt_block::Block;
use basalt_blockstore::{Batch, Blockstore, Datastore};
use tempfile::TempDir;

use crate::support::{assert_sound, block, hashes, node, open};

const DIR: &str = "BASALT_CRASH_DIR";
const WRITERS: u64 = 3;
/// A step's blocks are deleted this many steps later, of every third step.
const LIFE: u64 = 40;

/// The blocks of one step; some steps are bulk imports, which take the way without a log.
fn blocks(writer: u64, step: u64) -> Vec<Block> {
    let seed = |n: u64| (writer << 48) | (step << 16) | n;
    let mut blocks: Vec<Block> = match step % 9 {
        4 => (0..40).map(|n| block(seed(n), 200 << 10)).collect(),
        n if n % 2 == 0 => (0..20).map(|n| block(seed(n), 150 + n as usize)).collect(),
        _ => (0..3).map(|n| block(seed(n), 20_000)).collect(),
    };
    blocks.push(node(&blocks));
    blocks
}

fn is_deleted(step: u64, reached: u64) -> bool {
    step.is_multiple_of(3) && step + LIFE <= reached
}

async fn write(dir: &Path) {
    let store = open(dir);
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            let key = format!("step/{writer}");
            let last = Datastore::get(&store, key.as_bytes()).await.unwrap();
            let last = last.map_or(0, |v| String::from_utf8_lossy(&v).parse().unwrap());
            for step in last + 1.. {
                let blocks = blocks(writer, step);
                for part in blocks.chunks(13) {
                    store.put_many(part.to_vec()).await.unwrap();
                }
                if let Some(old) = step.checked_sub(LIFE).filter(|s| is_deleted(*s, step)) {
                    let old = hashes(&self::blocks(writer, old));
                    store.delete_many(&old).await.unwrap();
                }
                if step % 4 == 1 {
                    store.sync().await.unwrap();
                }
                if step % 50 == 49 {
                    let store = store.clone();
                    tokio::spawn(async move { store.compact().await.unwrap() });
                }
                let mut batch = Batch::default();
                batch.put(key.clone(), step.to_string());
                Datastore::write(&store, batch).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "durable {writer} {step}").unwrap();
                out.flush().unwrap();
            }
        })
    });
    futures::future::join_all(writers).await;
}

/// Not a test of its own: what the test below starts and kills.
#[tokio::test(flavor = "multi_thread")]
async fn writer_that_is_killed() {
    if let Ok(dir) = std::env::var(DIR) {
        write(Path::new(&dir)).await;
    }
}

fn start(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writer_that_is_killed", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_sigkill() {
    let rounds: u64 = match std::env::var("BASALT_CRASH_ROUNDS") {
        Ok(rounds) => rounds.parse().unwrap(),
        Err(_) => 6,
    };
    let dir = TempDir::new().unwrap();
    let mut durable = [0; WRITERS as usize];
    let mut bulk_seen = false;
    let mut round = 0;
    // On a busy machine it may take more rounds until one reaches a bulk import.
    while round < rounds || (!bulk_seen && round < 20 * rounds) {
        round += 1;
        let mut child = start(dir.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            let mut seen = [0; WRITERS as usize];
            while let Some(Ok(line)) = lines.next() {
                let mut words = line.split(' ').skip_while(|w| !w.ends_with("durable"));
                let mut number = || words.next().and_then(|w| w.parse::<u64>().ok());
                number();
                if let (Some(writer), Some(step)) = (number(), number()) {
                    seen[writer as usize] = step;
                }
            }
            seen
        });
        // Different from round to round and from run to run.
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let wait = 150 + (now.subsec_nanos() as u64 / 1000 + round * 97) % 700;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        for (known, seen) in durable.iter_mut().zip(reader.join().unwrap()) {
            *known = seen.max(*known);
        }
        let store = open(dir.path());
        assert_eq!(store.damage(), None);
        for (writer, durable) in (0..).zip(durable) {
            bulk_seen |= durable > 4;
            check(&store, writer, durable).await;
        }
        assert_sound(&store).await;
    }
    assert!(bulk_seen, "no round reached a bulk import");
}

async fn check(store: &impl StoreOf, writer: u64, durable: u64) {
    let key = format!("step/{writer}");
    let reached = Datastore::get(store, key.as_bytes()).await.unwrap();
    let reached = reached.map_or(0, |v| String::from_utf8_lossy(&v).parse::<u64>().unwrap());
    assert!(
        reached >= durable,
        "writer {writer}: {durable} was acknowledged, {reached} is there"
    );
    for step in 1..=reached {
        // The step behind the last one may have deleted blocks already.
        let gone = is_deleted(step, reached);
        let may_be_gone = is_deleted(step, reached + 1);
        for block in blocks(writer, step) {
            let got = Blockstore::get(store, block.cid()).await.unwrap();
            match got {
                Some(got) => assert!(!gone && got == block, "writer {writer}, step {step}"),
                None => assert!(may_be_gone, "writer {writer}: lost a block of step {step}"),
            }
        }
    }
}

trait StoreOf: Blockstore + Datastore {}
impl<S: Blockstore + Datastore> StoreOf for S {}
