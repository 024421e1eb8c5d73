//! Blocks between Basalt and real Kubo: each direction, over each transport, in every shape of a DAG.

mod heal;
mod speed;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::content::Content;
use super::settings::Settings;
use super::side::{Side, text};
use super::tally::Tally;
use crate::places;

/// What is fetched.
struct Sizes {
    file: u64,
    files: u64,
    sharded: u64,
}

const SHORT: Sizes = Sizes {
    file: 24 << 20,
    files: 400,
    sharded: 300,
};
const WHOLE: Sizes = Sizes {
    file: 1 << 30,
    files: 10_000,
    sharded: 3000,
};
/// How what is halved is added: not pinned, and of many blocks.
const HALVES: &[&str] = &["--chunker=size-65536", "--pin=false"];
/// Bytes that came in vain, of a hundred.
const DUPLICATES: u64 = 3;

/// How nodes reach each other.
const TRANSPORTS: &[(&str, &str)] = &[
    ("TCP", "/ip4/127.0.0.1/tcp/0"),
    ("QUIC", "/ip4/127.0.0.1/udp/0/quic-v1"),
    ("WebSocket", "/ip4/127.0.0.1/tcp/0/ws"),
];

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let sizes = if settings.whole { &WHOLE } else { &SHORT };
    let folder = tempfile::Builder::new()
        .prefix("basalt-fetch-")
        .tempdir_in(&settings.dir)?;
    let (ours, kubo) = (settings.bin.clone(), places::kubo());
    for (number, (transport, listen)) in TRANSPORTS.iter().enumerate() {
        if settings
            .only
            .as_ref()
            .is_some_and(|only| !transport.contains(only.as_str()))
        {
            continue;
        }
        for (name, from, to) in [
            ("Kubo to Basalt", &kubo, &ours),
            ("Basalt to Kubo", &ours, &kubo),
            ("Basalt to Basalt", &ours, &ours),
        ] {
            let name = format!("{transport}, {name}");
            let dir = folder.path().join(&name);
            fs::create_dir(&dir)?;
            let seed = settings.seed + number as u64;
            let from = Side::start(from, dir.join("from"), listen)?;
            let to = Side::start(to, dir.join("to"), listen)?;
            to.connect(&from)?;
            let pair = Pair { from, to, dir };
            tally.check(&format!("{name}: a file"), pair.file(seed, sizes));
            tally.check(&format!("{name}: small files"), pair.files(sizes));
            tally.check(&format!("{name}: a sharded directory"), pair.sharded(sizes));
            tally.check(
                &format!("{name}: half of it here and half there"),
                pair.halves(seed, listen),
            );
            tally.check(&format!("{name}: few bytes in vain"), pair.duplicates());
            let done = pair.dir.clone();
            match pair.to.is_kubo() {
                true => pair.stop()?,
                false => tally.check(
                    &format!("{name}: damaged blocks are healed"),
                    heal::run(pair, seed),
                ),
            }
            fs::remove_dir_all(done)?;
        }
    }
    if settings.whole {
        speed::run(settings, tally, folder.path())?;
    }
    Ok(())
}

struct Pair {
    from: Side,
    to: Side,
    dir: std::path::PathBuf,
}

impl Pair {
    fn file(&self, seed: u64, sizes: &Sizes) -> Result<()> {
        let content = Content {
            seed,
            len: sizes.file,
        };
        let path = self.dir.join("file");
        content.write(&mut File::create(&path)?)?;
        let cid = self.from.add(&path, &[])?;
        let out = self.dir.join("come");
        self.to.write(&["cat", &cid], &out)?;
        same(&path, &out)?;
        // It is all here now, and another is fetched by a pin, with progress.
        self.to.say(&["cat", "--offline", "--length=1", &cid])?;
        let content = Content {
            seed: seed + 1000,
            len: sizes.file / 4,
        };
        content.write(&mut File::create(&path)?)?;
        let cid = self.from.add(&path, &["--cid-version=1"])?;
        let said = self.to.say(&["pin", "add", "--progress", &cid])?;
        ensure!(said.contains("pinned"), "{said}");
        self.to.write(&["cat", "--offline", &cid], &out)?;
        same(&path, &out)
    }

    fn files(&self, sizes: &Sizes) -> Result<()> {
        let tree = self.dir.join("tree");
        small_files(&tree, sizes.files)?;
        let cid = self.from.add(&tree, &["-r"])?;
        self.to.say(&["pin", "add", &cid])?;
        let come = self.dir.join("tree-come");
        self.to
            .say(&["get", "--offline", "-o", text(&come)?, &cid])?;
        for n in [0, sizes.files / 2, sizes.files - 1] {
            let name = format!("{}/{n}", n % 10);
            same(&tree.join(&name), &come.join(&name))?;
        }
        let count = |side: &Side| -> Result<usize> {
            let refs = side.say(&["refs", "-r", "-u", "--offline", &cid])?;
            Ok(refs.lines().count())
        };
        ensure!(count(&self.from)? == count(&self.to)?, "blocks are missing");
        Ok(())
    }

    fn sharded(&self, sizes: &Sizes) -> Result<()> {
        self.from.say(&["files", "mkdir", "-p", "/sharded"])?;
        let tree = self.dir.join("many");
        fs::create_dir(&tree)?;
        for n in 0..sizes.sharded {
            let long = "a name that is long ".repeat(10);
            fs::write(tree.join(format!("{long}{n}")), format!("file {n}"))?;
        }
        let sharded = &["-r", "--max-hamt-fanout=16", "--max-directory-links=10"];
        let cid = match self.from.add(&tree, sharded) {
            Ok(cid) => cid,
            // Without that option it takes a larger directory.
            Err(_) => self.from.add(&tree, &["-r"])?,
        };
        let here = self.from.say(&["ls", &cid])?;
        let there = self.to.say(&["ls", &cid])?;
        ensure!(here == there, "the listings differ");
        let lines = there.lines().count() as u64;
        ensure!(lines == sizes.sharded, "{lines} entries");
        let come = self.dir.join("many-come");
        self.to.say(&["get", "-o", text(&come)?, &cid])?;
        let found = fs::read_dir(&come)?.count() as u64;
        ensure!(found == sizes.sharded, "{found} files");
        Ok(())
    }

    /// A third node has half of a file, the first has the other half.
    fn halves(&self, seed: u64, listen: &str) -> Result<()> {
        let third = Side::start(&self.from.program.bin, self.dir.join("third"), listen)?;
        let path = self.dir.join("halves");
        let content = Content {
            seed: seed + 2000,
            len: 12 << 20,
        };
        content.write(&mut File::create(&path)?)?;
        let cid = self.from.add(&path, HALVES)?;
        ensure!(cid == third.add(&path, HALVES)?);
        let leaves = self.from.say(&["refs", "-r", "-u", &cid])?;
        for (n, leaf) in leaves.lines().enumerate() {
            let side = if n % 2 == 0 { &self.from } else { &third };
            side.say(&["block", "rm", leaf])?;
        }
        self.to.connect(&third)?;
        let out = self.dir.join("halves-come");
        self.to.write(&["cat", "--timeout=120s", &cid], &out)?;
        same(&path, &out)?;
        third.stop()
    }

    fn duplicates(&self) -> Result<()> {
        let stat = self.to.json(&["bitswap", "stat", "--enc=json"])?;
        let figure = |key: &str| stat[key].as_u64().unwrap_or_default();
        let (data, vain) = (figure("DataReceived"), figure("DupDataReceived"));
        ensure!(data > 0, "{stat}");
        // Kubo's own are not ours to judge.
        if self.to.is_kubo() || vain * 100 <= data * DUPLICATES {
            return Ok(());
        }
        bail!("{vain} of {data} bytes came in vain");
    }

    fn stop(self) -> Result<()> {
        self.from.stop()?;
        self.to.stop()
    }
}

/// Small files in ten folders.
fn small_files(tree: &Path, count: u64) -> Result<()> {
    for n in 0..10 {
        fs::create_dir_all(tree.join(n.to_string()))?;
    }
    for n in 0..count {
        let content = Content {
            seed: n + 7,
            len: 100 + n % 3000,
        };
        let path = tree.join(format!("{}/{n}", n % 10));
        content.write(&mut File::create(path)?)?;
    }
    Ok(())
}

fn same(a: &Path, b: &Path) -> Result<()> {
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    let (mut x, mut y) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let n = a.read(&mut x)?;
        if n == 0 {
            ensure!(b.read(&mut y)? == 0, "what came is longer");
            return Ok(());
        }
        b.read_exact(&mut y[..n])?;
        ensure!(x[..n] == y[..n], "what came differs");
    }
}
