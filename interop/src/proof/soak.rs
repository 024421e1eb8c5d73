//! Mixed work for a long time on two nodes: memory stays flat.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::client::{Client, Part};
use super::content::{Content, Dice};
use super::items;
use super::settings::Settings;
use super::side::Side;
use super::tally::Tally;

const LISTEN: &str = "/ip4/127.0.0.1/tcp/0";
/// Things that are kept; older ones become garbage.
const KEPT: usize = 60;
/// Steps between two collections of a node.
const COLLECT: u64 = 150;
/// A request takes no longer.
const LIMIT: Duration = Duration::from_secs(60);
/// Samples of memory in a run, at least.
const SAMPLES: u32 = 30;
/// What may be added to the memory of a node from the end of its first third on, in KiB: caches are
/// filled for a while, and what an allocator keeps goes up and down.
const GROWTH: f64 = 48.0 * 1024.0;

/// Something that a node has, and how it is kept.
struct Thing {
    node: usize,
    cid: String,
    content: Content,
}

struct Soak {
    sides: [Side; 2],
    clients: [Client; 2],
    dice: Dice,
    things: VecDeque<Thing>,
    steps: u64,
}

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let minutes = settings
        .minutes
        .unwrap_or(if settings.whole { 60 } else { 1 });
    let folder = tempfile::Builder::new()
        .prefix("basalt-soak-")
        .tempdir_in(&settings.dir)?;
    let start = |name: &str| Side::start(&settings.bin, folder.path().join(name), LISTEN);
    let sides = [start("one")?, start("other")?];
    sides[0].connect(&sides[1])?;
    let clients = [client(&sides[0])?, client(&sides[1])?];
    let mut soak = Soak {
        sides,
        clients,
        dice: Dice::new(settings.seed),
        things: VecDeque::new(),
        steps: 0,
    };
    let (began, whole) = (Instant::now(), Duration::from_secs(60 * minutes));
    let every = (whole / SAMPLES).min(Duration::from_secs(60));
    let mut samples: [Vec<(f64, f64)>; 2] = Default::default();
    let mut due = every;
    let mut outcome = Ok(());
    while outcome.is_ok() && began.elapsed() < whole {
        outcome = soak.step();
        if began.elapsed() >= due {
            due += every;
            let at = began.elapsed().as_secs_f64() / 60.0;
            let mut line = format!("{at:.1} min, {} steps, KiB:", soak.steps);
            for (side, samples) in soak.sides.iter().zip(&mut samples) {
                let resident = side.resident()?;
                line += &format!(" {resident}");
                samples.push((at, resident as f64));
            }
            println!("{line}");
        }
    }
    tally.check("every answer is right", outcome);
    tally.figure("steps", soak.steps);
    for (name, samples) in ["one", "other"].into_iter().zip(&samples) {
        let late = &samples[samples.len() / 3..];
        let (first, last) = (late.first(), late.last());
        let (Some(first), Some(last)) = (first, last) else {
            bail!("no samples");
        };
        let growth = slope(late) * (last.0 - first.0);
        tally.figure(&format!("KiB that {name} grew by"), growth.round());
        tally.figure(&format!("KiB of {name} at the end"), last.1);
        let flat = match growth <= GROWTH {
            true => Ok(()),
            false => Err(anyhow::anyhow!("it grew by {growth:.0} KiB: {late:?}")),
        };
        tally.check(&format!("the memory of {name} is flat"), flat);
    }
    let [one, other] = soak.sides;
    one.stop()?;
    other.stop()
}

/// The slope of the line that is nearest to the points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points
        .iter()
        .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x, y) = (x / count, y / count);
    let (mut up, mut along) = (0.0, 0.0);
    for point in points {
        up += (point.0 - x) * (point.1 - y);
        along += (point.0 - x) * (point.0 - x);
    }
    if along > 0.0 { up / along } else { 0.0 }
}

fn client(side: &Side) -> Result<Client> {
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, side.api()?));
    Ok(Client::patient(at, LIMIT))
}

impl Soak {
    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        let node = self.dice.within(0, 1) as usize;
        if self.steps.is_multiple_of(COLLECT) {
            self.clients[node].get("repo/gc?quiet=true")?;
            return Ok(());
        }
        match self.dice.within(0, 9) {
            0..=2 => self.add(node)?,
            3..=5 => self.read(node)?,
            6 => self.pin(node)?,
            7 => self.file(node)?,
            8 => {
                self.clients[node].get("repo/stat?size-only=true")?;
            }
            _ => {
                self.clients[node].get("pin/ls?type=recursive&stream=true")?;
            }
        }
        if self.things.len() > KEPT {
            let old = self.things.pop_front().context("there are some")?;
            let unpin = format!("pin/rm?arg={}", old.cid);
            self.clients[old.node].get(&unpin)?;
        }
        Ok(())
    }

    fn add(&mut self, node: usize) -> Result<()> {
        let most = if self.dice.one_in(10) {
            8 << 20
        } else {
            400 << 10
        };
        let content = Content {
            seed: self.dice.next(),
            len: self.dice.within(1, most),
        };
        match items::add_file(&mut self.clients[node], content, "&cid-version=1")? {
            Ok(item) => self.things.push_back(Thing {
                node,
                cid: item.cid,
                content,
            }),
            Err(message) => bail!("an add was refused: {message}"),
        }
        Ok(())
    }

    fn chosen(&mut self) -> Option<usize> {
        let most = self.things.len().checked_sub(1)?;
        Some(self.dice.within(0, most as u64) as usize)
    }

    /// Reads what either has: it comes over the network if need be.
    fn read(&mut self, node: usize) -> Result<()> {
        let Some(chosen) = self.chosen() else {
            return Ok(());
        };
        let thing = &self.things[chosen];
        let command = format!("cat?arg={}&timeout=30s", thing.cid);
        let bytes = self.clients[node].get(&command)?;
        ensure!(thing.content.is(&bytes), "{}: other bytes", thing.cid);
        Ok(())
    }

    /// Pins what either has, and leaves it again.
    fn pin(&mut self, node: usize) -> Result<()> {
        let Some(chosen) = self.chosen() else {
            return Ok(());
        };
        let thing = &self.things[chosen];
        if thing.node == node {
            return Ok(());
        }
        let cid = &thing.cid;
        let client = &mut self.clients[node];
        client.get(&format!("pin/add?arg={cid}&timeout=30s"))?;
        client.get(&format!("pin/rm?arg={cid}"))?;
        Ok(())
    }

    /// Writes a file of the tree, reads it, and now and then removes them all.
    fn file(&mut self, node: usize) -> Result<()> {
        let client = &mut self.clients[node];
        if self.dice.one_in(20) {
            client.get("files/mkdir?arg=/soak&parents=true")?;
            client.get("files/rm?arg=/soak&recursive=true")?;
            return Ok(());
        }
        let content = Content {
            seed: self.dice.next(),
            len: self.dice.within(1, 100 << 10),
        };
        let path = format!("/soak/{}", self.dice.within(0, 99));
        let write = format!("files/write?arg={path}&create=true&parents=true&truncate=true");
        if let Err(message) = client.send(&write, &[Part::File("f".into(), content)])? {
            bail!("files write: {message}");
        }
        let bytes = client.get(&format!("files/read?arg={path}"))?;
        ensure!(content.is(&bytes), "{path}: other bytes");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_seen_through_noise() {
        let points = |up: f64| -> Vec<(f64, f64)> {
            let noise = |n: u32| f64::from(n * 7919 % 13);
            (0..40)
                .map(|n| (f64::from(n), up * f64::from(n) + noise(n)))
                .collect()
        };
        assert!(slope(&points(0.0)).abs() < 0.2);
        assert!((slope(&points(5.0)) - 5.0).abs() < 0.2);
        assert!(slope(&[(1.0, 2.0)]).abs() < f64::EPSILON);
    }
}
