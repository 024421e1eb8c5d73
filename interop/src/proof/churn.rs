//! Many nodes that come and go, on bad lines: what one that lives has, the others get.

mod link;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::runtime::Runtime;

use super::client::Client;
use super::content::{Content, Dice};
use super::items;
use super::program::Program;
use super::settings::Settings;
use super::side::{Side, config};
use super::tally::Tally;
use link::{Kind, Link};

/// A fetch while nodes come and go; it may be in vain.
const MEANWHILE: Duration = Duration::from_secs(10);
/// A fetch when all who live are at peace; it may not.
const AT_THE_END: Duration = Duration::from_secs(60);
/// After which a fetch with a time limit has hung.
const GRACE: Duration = Duration::from_secs(10);

/// Something that was added.
struct Thing {
    cid: String,
    content: Content,
    /// Nodes that have all of it, alive or not.
    holders: BTreeSet<usize>,
}

/// The nodes and the lines between them.
struct Net {
    nodes: Vec<Node>,
    /// From a node to a later one.
    lines: Vec<(usize, usize, Link)>,
    dice: Dice,
    things: Vec<Thing>,
    fetches: usize,
    vain: usize,
}

struct Node {
    side: Side,
    paused: bool,
    /// Its half of a network that is parted.
    half: bool,
}

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let (nodes, rounds) = match settings.whole {
        true => (20, settings.rounds.unwrap_or(12)),
        false => (6, settings.rounds.unwrap_or(3)),
    };
    let folder = tempfile::Builder::new()
        .prefix("basalt-churn-")
        .tempdir_in(&settings.dir)?;
    let runtime = Runtime::new()?;
    let mut net = Net::new(settings, nodes, folder.path(), &runtime)?;
    // Not side by side: a daemon ends with the thread that has started it.
    net.nodes
        .iter_mut()
        .try_for_each(|node| node.side.begin())?;
    for round in 1..=rounds {
        let outcome = net.round();
        tally.check(&format!("round {round}"), outcome);
    }
    net.calm()?;
    let began = Instant::now();
    let outcomes = net.everything();
    tally.figure("nodes", nodes);
    tally.figure("things", net.things.len());
    tally.figure("fetches while nodes came and went", net.fetches);
    tally.figure("of them in vain", net.vain);
    tally.figure("fetches at the end", outcomes.len());
    tally.figure("seconds at the end", began.elapsed().as_secs_f64());
    let living = net.nodes.iter().filter(|node| node.side.runs()).count();
    tally.figure("nodes that live at the end", living);
    for (name, outcome) in outcomes {
        tally.check(&name, outcome);
    }
    net.each(|node| node.side.end())
}

impl Net {
    fn new(settings: &Settings, count: usize, folder: &Path, runtime: &Runtime) -> Result<Self> {
        let mut dice = Dice::new(settings.seed);
        let ports: Vec<u16> = (0..count).map(|_| free_port()).collect::<Result<_>>()?;
        let mut nodes = Vec::new();
        for (n, port) in ports.iter().enumerate() {
            let listen = [
                format!("/ip4/127.0.0.1/tcp/{port}"),
                format!("/ip4/127.0.0.1/udp/{port}/quic-v1"),
            ];
            let mut config = config(&[&listen[0], &listen[1]]);
            // Nobody is there: all go by the lines.
            let nowhere = json!(["/ip4/127.0.0.1/tcp/9"]);
            config.insert("Addresses.Announce".to_owned(), nowhere);
            let program = Program::new(&settings.bin, folder.join(n.to_string()));
            nodes.push(Node {
                side: Side::new(program, &config)?,
                paused: false,
                half: false,
            });
        }
        let mut lines = Vec::new();
        for from in 0..count {
            let mut peers = Vec::new();
            for to in from + 1..count {
                let kind = match (from + to) % 2 {
                    0 => Kind::Tcp,
                    _ => Kind::Udp,
                };
                let seed = Dice::new(dice.next());
                let link = runtime.block_on(Link::new(kind, ports[to], seed))?;
                let at = match kind {
                    Kind::Tcp => format!("/ip4/127.0.0.1/tcp/{}", link.port),
                    Kind::Udp => format!("/ip4/127.0.0.1/udp/{}/quic-v1", link.port),
                };
                peers.push(json!({"ID": nodes[to].side.id(), "Addrs": [at]}));
                lines.push((from, to, link));
            }
            let peering = [("Peering.Peers".to_owned(), json!(peers))].into();
            nodes[from].side.configure(&peering)?;
        }
        Ok(Self {
            nodes,
            lines,
            dice,
            things: Vec::new(),
            fetches: 0,
            vain: 0,
        })
    }

    /// Does something with all nodes at a time.
    fn each(&mut self, work: impl Fn(&mut Node) -> Result<()> + Sync) -> Result<()> {
        let work = &work;
        thread::scope(|scope| {
            let nodes = self.nodes.iter_mut();
            let all: Vec<_> = nodes.map(|node| scope.spawn(move || work(node))).collect();
            all.into_iter().try_for_each(|one| match one.join() {
                Ok(outcome) => outcome,
                Err(_) => bail!("a worker panicked"),
            })
        })
    }

    /// Some add; some die, stand still or are cut off; all others fetch.
    fn round(&mut self) -> Result<()> {
        self.revive()?;
        for _ in 0..2 + self.nodes.len() / 5 {
            self.add()?;
        }
        let few = (self.nodes.len() / 6).max(1);
        for _ in 0..few {
            let node = self.pick();
            if self.alive().len() > self.nodes.len() / 2 {
                self.nodes[node].side.kill()?;
            }
            let node = self.pick();
            self.nodes[node].side.signal(Signal::SIGSTOP)?;
            self.nodes[node].paused = true;
        }
        let parted = self.dice.one_in(2);
        self.part(parted);
        let outcome = self.meanwhile();
        self.part(false);
        for node in self.nodes.iter_mut().filter(|node| node.paused) {
            node.side.signal(Signal::SIGCONT)?;
            node.paused = false;
        }
        outcome
    }

    fn alive(&self) -> Vec<usize> {
        let all = self.nodes.iter().enumerate();
        let alive = all.filter(|(_, node)| node.side.runs() && !node.paused);
        alive.map(|(n, _)| n).collect()
    }

    /// One of those that live.
    fn pick(&mut self) -> usize {
        let alive = self.alive();
        alive[self.dice.within(0, alive.len() as u64 - 1) as usize]
    }

    /// Starts those that were killed; one in three stays dead for now.
    fn revive(&mut self) -> Result<()> {
        let stay: Vec<bool> = self.nodes.iter().map(|_| self.dice.one_in(3)).collect();
        for (node, stays) in self.nodes.iter_mut().zip(stay) {
            if !node.side.runs() && !stays {
                node.side.begin()?;
            }
        }
        Ok(())
    }

    /// Cuts the network in two halves, or makes it whole.
    fn part(&mut self, parted: bool) {
        for node in &mut self.nodes {
            node.half = parted && self.dice.one_in(2);
        }
        for (from, to, line) in &self.lines {
            line.silence(self.nodes[*from].half != self.nodes[*to].half);
        }
    }

    fn add(&mut self) -> Result<()> {
        let node = self.pick();
        let most = if self.dice.one_in(5) {
            2 << 20
        } else {
            200 << 10
        };
        let content = Content {
            seed: self.dice.next(),
            len: self.dice.within(1, most),
        };
        let mut client = client(&self.nodes[node].side, AT_THE_END)?;
        match items::add_file(&mut client, content, "&cid-version=1")? {
            Ok(item) => self.things.push(Thing {
                cid: item.cid,
                content,
                holders: [node].into(),
            }),
            Err(message) => bail!("an add was refused: {message}"),
        }
        Ok(())
    }

    /// Each node that can fetches something that it may get.
    fn meanwhile(&mut self) -> Result<()> {
        let alive = self.alive();
        let mut wanted = Vec::new();
        for &node in &alive {
            let half = self.nodes[node].half;
            let near = |holder: &usize| alive.contains(holder) && self.nodes[*holder].half == half;
            let all = self.things.iter().enumerate();
            let can = all.filter(|(_, thing)| {
                !thing.holders.contains(&node) && thing.holders.iter().any(near)
            });
            let can: Vec<usize> = can.map(|(n, _)| n).collect();
            if !can.is_empty() {
                let chosen = self.dice.within(0, can.len() as u64 - 1) as usize;
                wanted.push((node, can[chosen]));
            }
        }
        for ((node, thing), outcome) in self.fetch(&wanted, MEANWHILE) {
            self.fetches += 1;
            match outcome? {
                true => {
                    self.things[thing].holders.insert(node);
                }
                false => self.vain += 1,
            }
        }
        Ok(())
    }

    /// Fetches at the same time on different nodes: whether it came. Other bytes are an error.
    fn fetch(
        &self,
        wanted: &[(usize, usize)],
        limit: Duration,
    ) -> Vec<((usize, usize), Result<bool>)> {
        thread::scope(|scope| {
            let workers: Vec<_> = wanted
                .iter()
                .map(|&(node, thing)| {
                    let (side, thing) = (&self.nodes[node].side, &self.things[thing]);
                    scope.spawn(move || came(side, thing, limit))
                })
                .collect();
            let ended = workers.into_iter().map(|worker| match worker.join() {
                Ok(outcome) => outcome,
                Err(_) => bail!("a worker panicked"),
            });
            wanted.iter().copied().zip(ended).collect()
        })
    }

    /// No more comes and goes: a few are dead for good, the others live.
    fn calm(&mut self) -> Result<()> {
        self.revive()?;
        for _ in 0..(self.nodes.len() / 8).max(1) {
            let node = self.pick();
            self.nodes[node].side.kill()?;
        }
        Ok(())
    }

    /// All that some living node has comes to all others.
    fn everything(&mut self) -> Vec<(String, Result<()>)> {
        let alive = self.alive();
        let mut outcomes = Vec::new();
        for thing in 0..self.things.len() {
            let holders = &self.things[thing].holders;
            if !alive.iter().any(|node| holders.contains(node)) {
                continue;
            }
            let lacking = alive.iter().filter(|node| !holders.contains(node));
            let wanted: Vec<_> = lacking.map(|node| (*node, thing)).collect();
            for ((node, thing), outcome) in self.fetch(&wanted, AT_THE_END) {
                let held = &mut self.things[thing];
                let outcome = outcome.and_then(|came| {
                    ensure!(came, "{} of {:?} did not come", held.cid, held.holders);
                    held.holders.insert(node);
                    Ok(())
                });
                outcomes.push((format!("thing {thing} comes to node {node}"), outcome));
            }
        }
        outcomes
    }
}

/// Whether a thing comes to a node within a time.
fn came(side: &Side, thing: &Thing, limit: Duration) -> Result<bool> {
    let mut client = client(side, limit + GRACE)?;
    let command = format!("cat?arg={}&timeout={}s", thing.cid, limit.as_secs());
    match client.call(&command).context("it hung, or ended")? {
        Ok(bytes) => {
            ensure!(thing.content.is(&bytes), "{}: other bytes came", thing.cid);
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}

fn client(side: &Side, limit: Duration) -> Result<Client> {
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, side.api()?));
    Ok(Client::patient(at, limit))
}

/// A port that nobody uses, neither by TCP nor by UDP.
fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free")
}
