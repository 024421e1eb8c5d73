//! Peers that mean ill: floods of connections, streams, messages and wants, through real connections; what
//! the daemon's memory grows by meanwhile, and whether an honest peer is served.

mod attacks;
mod proto;
mod wire;

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::content::Content;
use super::program::{Program, memory};
use super::settings::Settings;
use super::tally::Tally;
use crate::daemon::Daemon;
use attacks::{Attack, Target};

/// By how much floods may make the daemon grow, in KiB.
const LIMIT: u64 = 64 << 10;
/// What the honest peer gets during each flood.
const FILE: u64 = 2 << 20;
/// What hostile peers ask for and do not take.
const BAIT: u64 = 64 << 20;

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("basalt-floods-")
        .tempdir_in(&settings.dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let chosen = attacks::ALL.iter().filter(|attack| {
        let only = settings.only.as_deref();
        only.is_none_or(|only| attack.name.contains(only))
    });
    let field = Field::open(&settings.bin, folder.path())?;
    // What is made once is made before it is measured.
    for seed in 0..3 {
        field.serve(settings.seed + 1000 + seed, Duration::from_secs(30))?;
    }
    let idle = field.memory()?;
    tally.figure("idle KiB", idle);
    for (number, attack) in chosen.enumerate() {
        let seed = settings.seed + number as u64;
        let outcome = field.endure(&runtime, attack, seed, settings.whole);
        let outcome = outcome.and_then(|endured| {
            let growth = endured.peak.saturating_sub(idle);
            println!(
                "{}: {growth} KiB, served in {:?}",
                attack.name, endured.served
            );
            tally.figure(&format!("{}, KiB", attack.name), growth);
            let took = endured.served.as_secs_f64();
            tally.figure(&format!("{}, seconds to be served", attack.name), took);
            ensure!(
                growth < LIMIT,
                "it grew by {growth} KiB, allowed are {LIMIT}"
            );
            Ok(())
        });
        tally.check(attack.name, outcome);
    }
    tally.figure("at the end, KiB", field.memory()?);
    tally.check("both daemons end cleanly", field.stop());
    Ok(())
}

/// The daemon that is attacked, and an honest one that gets blocks from it.
struct Field {
    attacked: Program,
    daemon: Daemon,
    honest: Program,
    other: Daemon,
    target: Target,
    folder: PathBuf,
}

struct Endured {
    peak: u64,
    served: Duration,
}

impl Field {
    fn open(bin: &Path, folder: &Path) -> Result<Self> {
        let listen = json!(["/ip4/127.0.0.1/tcp/0"]);
        let attacked = Program::init(
            bin,
            folder.join("attacked"),
            "test,randomports",
            &[
                ("Addresses.Swarm", listen.clone()),
                ("Bootstrap", json!([])),
                ("Routing.Type", json!("dhtserver")),
                ("Routing.LoopbackAddressesOnLanDHT", json!(true)),
                ("Pubsub.Enabled", json!(true)),
                ("Internal.Libp2pForceReachability", json!("public")),
            ],
        )?;
        let honest = Program::init(
            bin,
            folder.join("honest"),
            "test,randomports",
            &[
                ("Addresses.Swarm", listen),
                ("Bootstrap", json!([])),
                ("Routing.Type", json!("none")),
            ],
        )?;
        // Added without the daemon, which has nothing of it in memory then.
        let bait = folder.join("bait");
        let content = Content { seed: 1, len: BAIT };
        content.write(&mut File::create(&bait)?)?;
        let root = attacked.say(&["add", "-Q", bait.to_str().context("no UTF-8")?])?;
        let leaves = attacked.say(&["refs", "-r", "--encoding=json", root.trim()])?;
        let bait = leaves
            .lines()
            .map(|line| -> Result<Vec<u8>> {
                let line: Value = serde_json::from_str(line)?;
                let cid: basalt_block::Cid = line["Ref"].as_str().context("no CID")?.parse()?;
                Ok(cid.to_bytes())
            })
            .collect::<Result<Vec<_>>>()?;
        ensure!(!bait.is_empty(), "there is no bait");
        let (daemon, other) = (attacked.daemon(&[])?, honest.daemon(&[])?);
        let address = attacked.address()?;
        let port = address.split('/').nth(4).context("it has no port")?;
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse()?));
        honest.say(&["swarm", "connect", &address])?;
        Ok(Self {
            attacked,
            daemon,
            honest,
            other,
            target: Target {
                at,
                bait: Arc::new(bait),
            },
            folder: folder.to_owned(),
        })
    }

    /// What the attacked daemon has in memory, in KiB.
    fn memory(&self) -> Result<u64> {
        memory(self.daemon.pid(), "VmRSS")
    }

    /// Adds a file at the attacked daemon and gets it at the honest one.
    fn serve(&self, seed: u64, within: Duration) -> Result<Duration> {
        let content = Content { seed, len: FILE };
        let path = self.folder.join(format!("file-{seed}"));
        content.write(&mut File::create(&path)?)?;
        let text = path.to_str().context("no UTF-8")?;
        let began = Instant::now();
        let cid = self.attacked.say(&["add", "-Q", "--pin=false", text])?;
        let limit = format!("--timeout={}s", within.as_secs());
        let mut command = self.honest.command(&["cat", &limit, cid.trim()]);
        let got = command.output()?;
        std::fs::remove_file(&path)?;
        if !got.status.success() {
            bail!(
                "the honest peer was not served: {}",
                String::from_utf8_lossy(&got.stderr)
            );
        }
        ensure!(content.is(&got.stdout), "the honest peer got other bytes");
        Ok(began.elapsed())
    }

    fn endure(
        &self,
        runtime: &Runtime,
        attack: &'static Attack,
        seed: u64,
        whole: bool,
    ) -> Result<Endured> {
        let (stop, peak) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let watch = {
            let (stop, peak, pid) = (stop.clone(), peak.clone(), self.daemon.pid());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    peak.fetch_max(memory(pid, "VmRSS").unwrap_or_default(), Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(10));
                }
            })
        };
        let going = Arc::new(AtomicU64::new(0));
        let flood = runtime.spawn(attacks::run(
            attack,
            self.target.clone(),
            whole,
            going.clone(),
        ));
        // The honest peer comes when the flood is there.
        let began = Instant::now();
        while going.load(Ordering::Relaxed) == 0 && began.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(10));
        }
        let served = self.serve(seed, Duration::from_secs(60));
        let flooded = runtime.block_on(flood);
        stop.store(true, Ordering::Relaxed);
        // A sampler that panicked has no peak.
        let watched = watch.join();
        flooded.context("the flood panicked")??;
        ensure!(
            watched.is_ok() && self.memory().is_ok(),
            "the daemon is gone"
        );
        ensure!(going.load(Ordering::Relaxed) > 0, "nothing got through");
        Ok(Endured {
            peak: peak.load(Ordering::Relaxed),
            served: served?,
        })
    }

    fn stop(self) -> Result<()> {
        for daemon in [self.daemon, self.other] {
            let ended = daemon.stop()?;
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            ensure!(!said.contains("panicked at"), "{said}");
        }
        Ok(())
    }
}
