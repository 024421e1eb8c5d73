//! Nodes behind routers that translate addresses: what others find out of them, relays, holes punched
//! through the routers, and what is fetched through these.

mod space;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::content::Content;
use super::program::Program;
use super::settings::Settings;
use super::side::{Config, Side, config, until};
use super::tally::Tally;
use crate::places;
use space::{Home, Ports, Space, World};

const LIMIT: Duration = Duration::from_secs(40);
/// What was found out of a node is known so long after its start, at the latest.
const VERDICT: Duration = Duration::from_secs(75);
/// More than goes through a relay.
const FILE: u64 = 1 << 20;
/// Others who are asked besides the relays: Kubo asks each of them once in two minutes, and more than once
/// about an address.
const OTHERS: usize = 3;
/// Where nodes listen that share a host.
const PORTS: [u16; 2] = [4001, 4002];

/// The transports that holes are punched with.
const TRANSPORTS: &[(&str, &[&str])] = &[
    ("TCP", &["/ip4/0.0.0.0/tcp/PORT"]),
    ("QUIC", &["/ip4/0.0.0.0/udp/PORT/quic-v1"]),
];

/// A kind of node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Basalt,
    Kubo,
}

use Kind::{Basalt, Kubo};

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Basalt => "Basalt",
            Kubo => "Kubo",
        }
    }
}

/// Where everything is.
struct Stage {
    ours: PathBuf,
    folder: PathBuf,
}

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    as_root()?;
    let folder = tempfile::Builder::new()
        .prefix("basalt-nat-")
        .tempdir_in(&settings.dir)?;
    let stage = Stage {
        ours: settings.bin.clone(),
        folder: folder.path().to_owned(),
    };
    let mut world = match World::new() {
        Ok(world) => world,
        Err(error) => {
            println!("NOT RUN: no network namespaces here: {error:#}");
            return Ok(());
        }
    };
    let homes = [world.home(Ports::Kept), world.home(Ports::Kept)];
    let [Ok(one), Ok(two)] = homes else {
        let failed = homes.into_iter().find_map(Result::err);
        println!("NOT RUN: no router here (is nftables installed?): {failed:?}");
        return Ok(());
    };
    let wanted = |name: &str| {
        let only = settings.only.as_ref();
        only.is_none_or(|only| name.contains(only.as_str()))
    };
    let relays = [
        stage.relay(Basalt, &mut world)?,
        stage.relay(Kubo, &mut world)?,
    ];
    // These take a while to be known, and need nothing of what is done meanwhile.
    let verdicts = match wanted("reachability") {
        true => Some(Verdicts::begin(&stage, &mut world, &one, &relays)?),
        false => None,
    };
    let mut combinations = Vec::new();
    for transport in TRANSPORTS {
        for relay in &relays {
            // In short, each transport with one kind of relay.
            let with = if transport.0 == "TCP" { Basalt } else { Kubo };
            if settings.whole || relay.kind == with {
                combinations.push((transport, relay));
            }
        }
    }
    for ((transport, listen), relay) in combinations {
        let name = format!("{transport} by {}", relay.kind.name());
        if wanted(&name) {
            stage.holes(&name, listen, relay, (&one, &two), settings.seed, tally)?;
        }
    }
    if wanted("no holes") {
        for relay in &relays {
            stage.relayed(relay, (&one, &two), tally)?;
        }
    }
    if wanted("moved ports") {
        let moving = (
            world.home(Ports::Moved(&PORTS))?,
            world.home(Ports::Moved(&PORTS))?,
        );
        let moving = (&moving.0, &moving.1);
        for (transport, listen) in TRANSPORTS {
            let name = format!("moved ports, {transport}");
            stage.holes(&name, listen, &relays[0], moving, settings.seed, tally)?;
        }
    }
    if let Some(verdicts) = verdicts {
        verdicts.end(tally);
    }
    for relay in relays {
        relay.side.stop()?;
    }
    Ok(())
}

/// Who may not make namespaces does it as the root of a namespace of users.
fn as_root() -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let program = std::env::current_exe()?;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--"]);
    let status = command.arg(program).args(std::env::args_os().skip(1));
    let status = status.status().context("cannot run unshare")?;
    std::process::exit(status.code().unwrap_or(2));
}

/// A relay that everybody can reach.
struct Relay {
    kind: Kind,
    side: Side,
    ip: String,
    _space: Space,
}

impl Relay {
    /// Its address for one kind of transport.
    fn at(&self, listen: &[&str]) -> Vec<String> {
        let ip = format!("/ip4/{}/", self.ip);
        let place = |at: &&str| at.replace("/ip4/0.0.0.0/", &ip).replace("PORT", "4001");
        let all = listen.iter().map(place);
        all.map(|at| format!("{at}/p2p/{}", self.side.id()))
            .collect()
    }
}

/// All transports that holes are punched with, at a port.
fn everywhere(port: u16) -> Vec<String> {
    let all = TRANSPORTS.iter().flat_map(|(_, listen)| listen.iter());
    all.map(|at| at.replace("PORT", &port.to_string()))
        .collect()
}

fn listening(listen: &[String]) -> Config {
    let listen: Vec<&str> = listen.iter().map(String::as_str).collect();
    config(&listen)
}

impl Stage {
    fn node(&self, kind: Kind, name: &str, space: &Space, config: &Config) -> Result<Side> {
        let bin = match kind {
            Basalt => self.ours.clone(),
            Kubo => places::kubo(),
        };
        let repo = self.folder.join(name.replace([' ', ','], "-"));
        let program = Program::new(&bin, repo).within(space.file());
        let mut side = Side::new(program, config)?;
        side.begin().with_context(|| name.to_owned())?;
        Ok(side)
    }

    fn relay(&self, kind: Kind, world: &mut World) -> Result<Relay> {
        let (space, ip) = world.host()?;
        let mut config = listening(&everywhere(4001));
        set(
            &mut config,
            "Internal.Libp2pForceReachability",
            json!("public"),
        );
        set(&mut config, "Swarm.RelayService.Enabled", json!(true));
        let name = format!("relay {} {ip}", kind.name());
        let side = self.node(kind, &name, &space, &config)?;
        Ok(Relay {
            kind,
            side,
            ip,
            _space: space,
        })
    }

    /// A node that only a relay lets others reach.
    fn hidden(
        &self,
        (kind, name): (Kind, &str),
        home: &Home,
        listen: &[String],
        (relay, punches): (&[String], bool),
    ) -> Result<Side> {
        let mut config = listening(listen);
        set(
            &mut config,
            "Internal.Libp2pForceReachability",
            json!("private"),
        );
        set(&mut config, "Swarm.RelayClient.Enabled", json!(true));
        set(&mut config, "Swarm.RelayClient.StaticRelays", json!(relay));
        set(&mut config, "Swarm.EnableHolePunching", json!(punches));
        // Who is far is asked for a block only where it is known to have some: here nobody is known.
        set(
            &mut config,
            "Internal.Bitswap.BroadcastControl.Enable",
            json!(false),
        );
        self.node(kind, name, &home.host, &config)
    }

    /// Punches holes between all pairs of nodes that are in two homes.
    fn holes(
        &self,
        name: &str,
        listen: &[&str],
        relay: &Relay,
        homes: (&Home, &Home),
        seed: u64,
        tally: &mut Tally,
    ) -> Result<()> {
        let at = relay.at(listen);
        let mut sides = Vec::new();
        for (home, place) in [(homes.0, "here"), (homes.1, "there")] {
            for (kind, port) in [(Basalt, PORTS[0]), (Kubo, PORTS[1])] {
                let port = port.to_string();
                let listen: Vec<String> =
                    listen.iter().map(|at| at.replace("PORT", &port)).collect();
                let name = format!("{name}, {} {place}", kind.name());
                sides.push(self.hidden((kind, &name), home, &listen, (&at, true))?);
            }
        }
        let [ours, kubo, our_peer, kubo_peer] = &sides[..] else {
            bail!("four nodes were started");
        };
        let pairs = [
            ("Basalt to Basalt", ours, our_peer),
            ("Basalt to Kubo", ours, kubo_peer),
            ("Kubo to Basalt", kubo, our_peer),
        ];
        for (number, (pair, from, to)) in pairs.into_iter().enumerate() {
            let began = Instant::now();
            let way = circuit(to);
            let name = format!("{name}: {pair}");
            if let Err(error) = way {
                tally.check(&format!("{name}: a reservation"), Err(error));
                continue;
            }
            tally.check(&format!("{name}: a reservation"), Ok(()));
            let punched = way.and_then(|way| punch(from, to, &way));
            let done = punched.is_ok();
            tally.check(&format!("{name}: a direct connection"), punched);
            tally.figure(&format!("{name}, s"), began.elapsed().as_secs_f64());
            if !done {
                continue;
            }
            let seed = seed + 2 * number as u64;
            for (what, from, to, seed) in [("there", from, to, seed), ("here", to, from, seed + 1)]
            {
                let came = self.fetch(from, to, seed);
                tally.check(&format!("{name}: a file from {what}"), came);
            }
        }
        for side in sides {
            side.stop()?;
        }
        Ok(())
    }

    /// What `to` has comes to `from`.
    fn fetch(&self, from: &Side, to: &Side, seed: u64) -> Result<()> {
        let content = Content { seed, len: FILE };
        let (path, out) = (self.folder.join("file"), self.folder.join("come"));
        content.write(&mut File::create(&path)?)?;
        let cid = to.add(&path, &["--cid-version=1"])?;
        from.write(&["cat", "--timeout=30s", &cid], &out)?;
        ensure!(content.is(&fs::read(&out)?), "other bytes came");
        Ok(())
    }

    /// Without holes: nodes see each other through the relay.
    fn relayed(&self, relay: &Relay, homes: (&Home, &Home), tally: &mut Tally) -> Result<()> {
        // One address: Kubo takes each for another relay, and waits for them all.
        let at = relay.at(TRANSPORTS[0].1);
        let name = format!("no holes, by {}", relay.kind.name());
        let start = |kind, home, place: &str, port| {
            let name = format!("{name}, {} {place}", Kind::name(kind));
            self.hidden((kind, &name), home, &everywhere(port), (&at, false))
        };
        let here = start(Basalt, homes.0, "here", PORTS[0])?;
        let there = [
            start(Basalt, homes.1, "there", PORTS[0])?,
            start(Kubo, homes.1, "there", PORTS[1])?,
        ];
        for (kind, there) in [Basalt, Kubo].into_iter().zip(&there) {
            let outcome = (|| {
                here.say(&["swarm", "connect", "--timeout=20s", &circuit(there)?])?;
                let relay = format!("/p2p/{}/p2p-circuit/", relay.side.id());
                for (one, other) in [(&here, there), (there, &here)] {
                    let all = one.connections(other)?;
                    ensure!(!all.is_empty(), "not connected");
                    ensure!(all.iter().all(|at| at.contains(&relay)), "{all:?}");
                }
                if kind == Basalt {
                    here.say(&["ping", "-n", "2", "--timeout=20s", there.id()])?;
                }
                Ok(())
            })();
            tally.check(&format!("{name}: Basalt to {}", kind.name()), outcome);
        }
        here.stop()?;
        there.into_iter().try_for_each(Side::stop)
    }
}

fn set(config: &mut Config, key: &str, value: serde_json::Value) {
    config.insert(key.to_owned(), value);
}

/// Waits until a node has a relay, and gives the way to it.
fn circuit(side: &Side) -> Result<String> {
    let found = until(LIMIT, || {
        let all = side.addresses()?;
        Ok(all.into_iter().find(|at| at.contains("/p2p-circuit")))
    });
    found.context("no reservation")
}

/// Connects through a relay, and waits for a connection that goes through none.
fn punch(from: &Side, to: &Side, way: &str) -> Result<()> {
    // Kubo looks for its public address after 250 ms, 500 ms, 1 s and so on, and passes over whoever has
    // come through a relay before it has found it. From then on it says that it punches holes.
    if to.is_kubo() {
        until(LIMIT, || {
            let spoken = to.say(&["id", "-f", "<protocols>"])?;
            Ok(spoken.contains("/libp2p/dcutr").then_some(()))
        })?;
    }
    from.say(&["swarm", "connect", "--timeout=20s", way])?;
    for (one, other) in [(from, to), (to, from)] {
        let mut seen = Vec::new();
        let direct = until(LIMIT, || {
            seen = one.connections(other)?;
            Ok(seen
                .iter()
                .any(|at| !at.contains("/p2p-circuit"))
                .then_some(()))
        });
        direct.with_context(|| format!("connections: {seen:?}"))?;
    }
    Ok(())
}

/// Nodes that find out whether they can be reached.
struct Verdicts {
    began: Instant,
    nodes: Vec<(String, Side, &'static str, String)>,
    _others: Vec<Relay>,
    _spaces: Vec<Space>,
}

impl Verdicts {
    fn begin(stage: &Stage, world: &mut World, home: &Home, relays: &[Relay]) -> Result<Self> {
        let (mut nodes, mut spaces) = (Vec::new(), Vec::new());
        let others = (0..OTHERS).map(|_| stage.relay(Basalt, world));
        let others = others.collect::<Result<Vec<_>>>()?;
        let mut peers = Vec::new();
        for relay in relays.iter().chain(&others) {
            let listen = everywhere(4001);
            let listen: Vec<&str> = listen.iter().map(String::as_str).collect();
            peers.push(json!({"ID": relay.side.id(), "Addrs": relay.at(&listen)}));
        }
        for (number, kind) in [Basalt, Kubo].into_iter().enumerate() {
            let (space, ip) = world.host()?;
            for (place, space, port, word, ip) in [
                ("in the open", &space, 4001, "Public", ip.clone()),
                (
                    "at home",
                    &home.host,
                    4011 + number as u16,
                    "Private",
                    "5.10.1.1".to_owned(),
                ),
            ] {
                let mut config = listening(&everywhere(port));
                set(&mut config, "Peering.Peers", json!(peers));
                let name = format!("{} {place}", kind.name());
                let side = stage.node(kind, &name, space, &config)?;
                nodes.push((name, side, word, format!("/ip4/{ip}/")));
            }
            spaces.push(space);
        }
        Ok(Self {
            began: Instant::now(),
            nodes,
            _others: others,
            _spaces: spaces,
        })
    }

    fn end(self, tally: &mut Tally) {
        for (name, side, word, address) in self.nodes {
            let left = VERDICT.saturating_sub(self.began.elapsed());
            let mut said = String::new();
            let overall = until(left, || {
                said = side.say(&["swarm", "addrs", "autonat"])?;
                let seen = said.contains(&format!("Reachability: {word}"));
                Ok(seen.then_some(()))
            });
            let overall = overall.with_context(|| said.clone());
            tally.check(&format!("reachability: {name} is {word}"), overall);
            // It would take four others of different addresses for Kubo to know its own.
            if side.is_kubo() && word == "Private" {
                continue;
            }
            let section = match word {
                "Public" => "Reachable:",
                _ => "Unreachable:",
            };
            let left = VERDICT.saturating_sub(self.began.elapsed());
            let tested = until(left, || {
                said = side.say(&["swarm", "addrs", "autonat"])?;
                let listed = said.split_once(section).map(|(_, rest)| rest);
                let seen = listed.is_some_and(|rest| rest.contains(&address));
                Ok(seen.then_some(()))
            });
            let tested = tested.with_context(|| said.clone());
            let word = section.trim_end_matches(':').to_lowercase();
            tally.check(
                &format!("reachability: an address of {name} is {word}"),
                tested,
            );
        }
    }
}
