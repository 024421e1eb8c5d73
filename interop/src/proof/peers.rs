//! Basalt and Kubo as neighbours: peering through restarts of either, pings, private networks.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::content::Content;
use super::program::Program;
use super::settings::Settings;
use super::side::{Side, config, until};
use super::tally::Tally;
use crate::places;

/// Kubo looks after its peers every few seconds, ever less often.
const LIMIT: Duration = Duration::from_secs(60);
const LISTEN: &str = "/ip4/127.0.0.1/tcp/0";
const FILE: u64 = 1 << 20;

/// The same key in each of its forms: the coding, and the bytes that stand for it.
const KEYS: [(&str, &[u8]); 3] = [
    (
        "base16",
        b"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f",
    ),
    ("base64", b"8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwNDg8="),
    ("bin", &KEY),
];
const KEY: [u8; 32] = {
    let (mut key, mut n) = ([0; 32], 0_u8);
    while n < 32 {
        key[n as usize] = 0xf0_u8.wrapping_add(n);
        n += 1;
    }
    key
};
const OTHER_KEY: &[u8] = b"0000000000000000000000000000000000000000000000000000000000000001";

type Checks = Vec<(String, Result<()>)>;

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("basalt-peers-")
        .tempdir_in(&settings.dir)?;
    let stage = Stage {
        ours: settings.bin.clone(),
        kubo: places::kubo(),
        folder: folder.path().to_owned(),
    };
    let stage = &stage;
    // What is waited for takes no work, so all go side by side.
    let checks = thread::scope(|scope| {
        let mut all = Vec::new();
        for (name, one, other) in stage.pairs() {
            all.push(scope.spawn(move || stage.peering(name, one, other)));
            all.push(scope.spawn(move || stage.pings(name, one, other)));
        }
        for (coding, key) in KEYS {
            all.push(scope.spawn(move || stage.private(coding, key)));
        }
        let ended = all.into_iter().map(|one| match one.join() {
            Ok(checks) => checks,
            Err(_) => bail!("a worker panicked"),
        });
        ended.collect::<Result<Vec<Checks>>>()
    })?;
    for (name, outcome) in checks.into_iter().flatten() {
        tally.check(&name, outcome);
    }
    Ok(())
}

struct Stage {
    ours: PathBuf,
    kubo: PathBuf,
    folder: PathBuf,
}

impl Stage {
    fn pairs(&self) -> [(&'static str, &Path, &Path); 3] {
        [
            ("Basalt with Kubo", &self.ours, &self.kubo),
            ("Kubo with Basalt", &self.kubo, &self.ours),
            ("Basalt with Basalt", &self.ours, &self.ours),
        ]
    }

    fn repo(&self, name: &str) -> PathBuf {
        self.folder.join(name.replace(' ', "-"))
    }

    /// One keeps the connection to the other, whichever of them goes.
    fn peering(&self, name: &str, one: &Path, other: &Path) -> Result<Checks> {
        let what = format!("peering, {name}");
        let mut other = Side::start(other, self.repo(&format!("{what} other")), LISTEN)?;
        let at = other.addresses()?;
        let at = at.first().context("it listens nowhere")?;
        let at = at.split("/p2p/").next().unwrap_or_default().to_owned();
        // The same port from now on.
        other.end()?;
        other.configure(&config(&[&at]))?;
        let mut mine = config(&[LISTEN]);
        let peer = json!([{"ID": other.id(), "Addrs": [at]}]);
        mine.insert("Peering.Peers".to_owned(), peer);
        let program = Program::new(one, self.repo(&format!("{what} one")));
        let mut one = Side::new(program, &mine)?;
        let mut checks = Checks::new();
        let mut check = |after: &str, one: &Side, other: &Side| {
            checks.push((format!("{what}, after {after}"), met(one, other)));
        };
        other.begin()?;
        one.begin()?;
        check("a start", &one, &other);
        other.end()?;
        other.begin()?;
        check("a restart of the other", &one, &other);
        one.end()?;
        one.begin()?;
        check("a restart", &one, &other);
        other.kill()?;
        one.kill()?;
        one.begin()?;
        // It finds nobody at first.
        thread::sleep(Duration::from_secs(1));
        other.begin()?;
        check("both were killed", &one, &other);
        let listed = one.say(&["swarm", "peering", "ls"])?;
        let named = listed.contains(other.id());
        let named = named.then_some(()).context("not in `swarm peering ls`");
        checks.push((format!("{what}: is listed"), named));
        one.stop()?;
        other.stop()?;
        Ok(checks)
    }

    fn pings(&self, name: &str, one: &Path, other: &Path) -> Result<Checks> {
        let what = format!("ping, {name}");
        let mut checks = Checks::new();
        for (transport, listen) in [("TCP", LISTEN), ("QUIC", "/ip4/127.0.0.1/udp/0/quic-v1")] {
            let start = |bin, who: &str| {
                let repo = self.repo(&format!("{what} {transport} {who}"));
                Side::start(bin, repo, listen)
            };
            let (one, other) = (start(one, "one")?, start(other, "other")?);
            one.connect(&other)?;
            for (way, from, to) in [("there", &one, &other), ("back", &other, &one)] {
                let said = from.say(&["ping", "-n", "3", "--timeout=30s", to.id()]);
                let outcome = said.and_then(|said| {
                    let times = said.matches("Pong received: time=").count();
                    ensure!(times == 3 && said.contains("Average latency: "), "{said}");
                    Ok(())
                });
                checks.push((format!("{what}, {transport}, {way}"), outcome));
            }
            one.stop()?;
            other.stop()?;
        }
        Ok(checks)
    }

    /// A node with a key of a private network, or without.
    fn keyed(&self, bin: &Path, name: &str, key: Option<(&str, &[u8])>) -> Result<Side> {
        let mut settings = config(&[LISTEN]);
        settings.insert("AutoConf.Enabled".to_owned(), json!(false));
        let program = Program::new(bin, self.repo(name));
        let mut side = Side::new(program, &settings)?;
        if let Some((coding, key)) = key {
            let mut file = format!("/key/swarm/psk/1.0.0/\n/{coding}/\n").into_bytes();
            file.extend_from_slice(key);
            fs::write(side.program.repo.join("swarm.key"), file)?;
        }
        side.begin()?;
        Ok(side)
    }

    /// Those with the key fetch from each other, and nobody else gets in.
    fn private(&self, coding: &str, key: &[u8]) -> Result<Checks> {
        let what = format!("private, {coding}");
        let key = Some((coding, key));
        let ours = self.keyed(&self.ours, &format!("{what} ours"), key)?;
        let kubo = self.keyed(&self.kubo, &format!("{what} kubo"), key)?;
        let mut checks = Checks::new();
        for (name, from, to, seed) in [
            ("Kubo to Basalt", &ours, &kubo, 1),
            ("Basalt to Kubo", &kubo, &ours, 2),
        ] {
            let outcome = from.connect(to).and_then(|()| {
                self.fetch(&what, from, to, seed)?;
                from.say(&["swarm", "disconnect", &format!("/p2p/{}", to.id())])?;
                Ok(())
            });
            checks.push((format!("{what}: {name}"), outcome));
        }
        let wrong = Some(("base16", OTHER_KEY));
        for (name, bin, key) in [
            ("Basalt without it", &self.ours, None),
            ("Basalt with another", &self.ours, wrong),
            ("Kubo without it", &self.kubo, None),
            ("Kubo with another", &self.kubo, wrong),
        ] {
            let stranger = self.keyed(bin, &format!("{what} {name}"), key)?;
            // Two Kubos are not ours to judge.
            let all: &[(&Side, &Side)] = match stranger.is_kubo() {
                true => &[(&stranger, &ours), (&ours, &stranger)],
                false => &[(&stranger, &ours), (&stranger, &kubo), (&kubo, &stranger)],
            };
            let outcome = all.iter().try_for_each(|(from, to)| strangers(from, to));
            checks.push((format!("{what}: {name} stays out"), outcome));
            stranger.stop()?;
        }
        ours.stop()?;
        kubo.stop()?;
        Ok(checks)
    }

    fn fetch(&self, name: &str, from: &Side, to: &Side, seed: u64) -> Result<()> {
        let content = Content { seed, len: FILE };
        let path = self.repo(&format!("{name} file {seed}"));
        content.write(&mut File::create(&path)?)?;
        let cid = to.add(&path, &[])?;
        let out = self.repo(&format!("{name} come {seed}"));
        from.write(&["cat", "--timeout=30s", &cid], &out)?;
        ensure!(content.is(&fs::read(&out)?), "other bytes came");
        Ok(())
    }
}

/// Waits until two nodes are connected, as each of them sees it.
fn met(one: &Side, other: &Side) -> Result<()> {
    for (here, there) in [(one, other), (other, one)] {
        until(LIMIT, || {
            let all = here.connections(there)?;
            Ok((!all.is_empty()).then_some(()))
        })?;
    }
    Ok(())
}

/// Two that cannot connect.
fn strangers(from: &Side, to: &Side) -> Result<()> {
    let at = to.addresses()?;
    let at = at.first().context("it listens nowhere")?;
    let said = from
        .program
        .run(&["swarm", "connect", "--timeout=20s", at])?;
    ensure!(!said.ok, "they are connected: {}", said.out);
    ensure!(
        from.connections(to)?.is_empty(),
        "it says it failed, and is connected"
    );
    Ok(())
}
