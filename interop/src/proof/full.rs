//! A disk that fills up: clear errors, reads and deletions that still work, and nothing answered lost.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::client::Client;
use super::content::Dice;
use super::items::{self, Item};
use super::node::{Node, Place, Start};
use super::settings::Settings;
use super::tally::Tally;

const SIZE_MIB: u64 = 192;
/// How long after space returned adds may still be refused.
const RECOVERY: Duration = Duration::from_secs(20);

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let mut ran = 0;
    for kind in [Kind::Tmpfs, Kind::Ext4] {
        let folder = tempfile::Builder::new()
            .prefix("basalt-full-")
            .tempdir_in(&settings.dir)?;
        match Mount::new(kind, folder.path()) {
            Ok(disk) => {
                ran += 1;
                on(&disk, settings, tally, folder.path())
                    .with_context(|| format!("on {}", kind.name()))?;
            }
            Err(error) => println!("NOT RUN: {}: {error:#}", kind.name()),
        }
    }
    tally.figure("file systems", ran);
    Ok(())
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Tmpfs,
    Ext4,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Tmpfs => "tmpfs",
            Self::Ext4 => "ext4 on a loop device",
        }
    }
}

/// A mounted file system, unmounted when dropped.
struct Mount {
    kind: Kind,
    at: PathBuf,
}

impl Mount {
    fn new(kind: Kind, folder: &Path) -> Result<Self> {
        let at = folder.join("disk");
        fs::create_dir(&at)?;
        let mut mount = Command::new("mount");
        match kind {
            Kind::Tmpfs => {
                let size = format!("size={SIZE_MIB}m");
                mount.args(["-t", "tmpfs", "-o", &size, "basalt-proof"]);
            }
            Kind::Ext4 => {
                let image = folder.join("image");
                File::create(&image)?.set_len(SIZE_MIB << 20)?;
                finish(Command::new("mkfs.ext4").arg("-q").arg(&image))?;
                mount.args(["-o", "loop"]).arg(image);
            }
        }
        finish(mount.arg(&at))?;
        Ok(Self { kind, at })
    }

    fn free(&self) -> Result<u64> {
        let stat = nix::sys::statvfs::statvfs(&self.at)?;
        Ok(stat.blocks_available() * stat.fragment_size())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Err(error) = finish(Command::new("umount").arg("-l").arg(&self.at)) {
            eprintln!(
                "basalt-interop: {} stays mounted: {error:#}",
                self.at.display()
            );
        }
    }
}

fn finish(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().with_context(|| format!("no {name}"))?;
    if !done.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}

fn on(disk: &Mount, settings: &Settings, tally: &mut Tally, logs: &Path) -> Result<()> {
    let kind = disk.kind.name();
    let mut dice = Dice::new(settings.seed);
    let place = Place::init(&settings.bin, &disk.at, logs)?;
    let node = place.start()?;
    let mut client = node.client();

    let mut held = Vec::new();
    let mut small = Vec::new();
    for _ in 0..20 {
        let contents = [items::content(&mut dice, 16, 2000)];
        let put = items::put_blocks(&mut client, &contents, "&pin=true")?;
        small.extend(put.map_err(anyhow::Error::msg)?);
    }
    let refusal = fill(&mut client, &mut dice, &mut held)?;
    println!("{kind}: {} adds, then: {refusal}", held.len());
    tally.figure(&format!("{kind}: error of add"), refusal.clone());
    tally.check(
        &format!("{kind}: the error of a full disk is clear"),
        clear(&refusal),
    );
    tally.check(
        &format!("{kind}: reads on a full disk"),
        read(&node, &held, &small),
    );

    // The daemon's own way out: what is unpinned and collected can be filled again.
    let first = held.remove(0);
    let freed = freed_by_collection(&mut client, &mut dice, &first, &mut held);
    tally.check(&format!("{kind}: unpin, collect, add again"), freed);

    // Other programs take the rest.
    let filler = disk.at.join("filler");
    stuff(&filler)?;
    tally.figure(&format!("{kind}: free bytes at most full"), disk.free()?);
    let refusal = refused(&mut client, &mut dice, &mut held);
    tally.check(&format!("{kind}: an add without any space"), refusal);
    tally.check(
        &format!("{kind}: reads without any space"),
        read(&node, &held, &small),
    );
    tally.check(&format!("{kind}: a kill without any space"), node.kill());
    let node = start(&place, tally, &filler, kind)?;
    tally.check(
        &format!("{kind}: reads after a restart"),
        read(&node, &held, &small),
    );
    tally.check(
        &format!("{kind}: a clean end without any space"),
        node.stop(),
    );
    let node = start(&place, tally, &filler, kind)?;
    let mut client = node.client();
    // The start has given some space back.
    stuff(&disk.at.join("more"))?;
    let refusal = refused(&mut client, &mut dice, &mut held);
    tally.check(&format!("{kind}: an add after a restart"), refusal);
    let deleted = delete(&mut client, &mut held, &mut small);
    if deleted.is_err() {
        println!("{kind}: the daemon says: {}", node.words().trim());
    }
    tally.check(
        &format!("{kind}: pin rm, block rm, repo gc without space"),
        deleted,
    );
    tally.check(
        &format!("{kind}: reads after deletions"),
        read(&node, &held, &small),
    );
    tally.figure(&format!("{kind}: free bytes after deletions"), disk.free()?);

    fs::remove_file(&filler)?;
    fs::remove_file(disk.at.join("more"))?;
    let began = Instant::now();
    let works = works_again(&mut client, &mut dice, &mut held);
    tally.check(&format!("{kind}: adds work once space is back"), works);
    tally.figure(
        &format!("{kind}: seconds until adds work"),
        began.elapsed().as_secs_f64(),
    );
    tally.check(
        &format!("{kind}: everything is there"),
        read(&node, &held, &small),
    );
    let sound = items::sound(&mut client);
    tally.check(&format!("{kind}: the store is sound"), sound.map(|_| ()));
    tally.check(&format!("{kind}: a clean end"), node.stop());
    let node = place.start()?;
    tally.check(
        &format!("{kind}: everything is there after a restart"),
        read(&node, &held, &small),
    );
    tally.check(&format!("{kind}: the last end"), node.stop());
    Ok(())
}

/// Starts on the full disk; if that fails, makes room for the start and fills the disk again.
fn start(place: &Place, tally: &mut Tally, filler: &Path, kind: &str) -> Result<Node> {
    let name = format!("{kind}: a start without any space");
    match place.try_start()? {
        Start::Ready(node) => {
            tally.check(&name, Ok(()));
            Ok(node)
        }
        Start::Refused(words) => {
            tally.check(&name, Err(anyhow::anyhow!("{}", words.trim())));
            fs::remove_file(filler)?;
            let node = place.start()?;
            stuff(filler)?;
            Ok(node)
        }
    }
}

/// Adds until an add is refused, and returns its error.
fn fill(client: &mut Client, dice: &mut Dice, held: &mut Vec<Item>) -> Result<String> {
    for _ in 0..SIZE_MIB {
        let content = items::content(dice, 5 << 20, 9 << 20);
        match items::add_file(client, content, "")? {
            Ok(item) => held.push(item),
            Err(message) => return Ok(message),
        }
    }
    bail!("more was added than the disk holds");
}

fn clear(message: &str) -> Result<()> {
    let words = ["full", "no space", "not enough space"];
    let low = message.to_lowercase();
    if words.iter().any(|word| low.contains(word)) && !message.contains("Kubo's shape") {
        return Ok(());
    }
    bail!("the error does not say that the disk is full: {message}")
}

fn refused(client: &mut Client, dice: &mut Dice, held: &mut Vec<Item>) -> Result<()> {
    let content = items::content(dice, 5 << 20, 9 << 20);
    match items::add_file(client, content, "")? {
        Ok(item) => {
            held.push(item);
            bail!("an add succeeded on a full disk")
        }
        Err(message) => clear(&message),
    }
}

fn read(node: &Node, held: &[Item], small: &[Item]) -> Result<()> {
    let mut client = node.client();
    for item in held.iter().chain(small) {
        item.must_read(&mut client)?;
    }
    let pins = items::pins(&mut client)?;
    match held.iter().find(|item| !pins.contains(&item.cid)) {
        Some(item) => bail!("the pin of {} is lost", item.cid),
        None => Ok(()),
    }
}

fn freed_by_collection(
    client: &mut Client,
    dice: &mut Dice,
    first: &Item,
    held: &mut Vec<Item>,
) -> Result<()> {
    client.get(&format!("pin/rm?arg={}", first.cid))?;
    client.get("repo/gc?stream-errors=true")?;
    let content = items::content(dice, 1 << 20, 2 << 20);
    let start = Instant::now();
    loop {
        match items::add_file(client, content, "")? {
            Ok(item) => {
                held.push(item);
                return Ok(());
            }
            Err(message) if start.elapsed() > RECOVERY => {
                bail!("still refused after a collection: {message}")
            }
            Err(_) => thread::sleep(Duration::from_millis(200)),
        }
    }
}

/// Takes all space that is left.
fn stuff(path: &Path) -> Result<()> {
    let mut filler = File::create(path)?;
    let mut piece = vec![0x5a; 1 << 20];
    while !piece.is_empty() {
        if filler.write_all(&piece).is_err() {
            piece.truncate(piece.len() / 2);
        }
    }
    // With delayed allocation the last word is the file system's at the sync.
    let _ = filler.sync_all();
    Ok(())
}

fn delete(client: &mut Client, held: &mut Vec<Item>, small: &mut Vec<Item>) -> Result<()> {
    let unpinned = held.remove(0);
    client
        .get(&format!("pin/rm?arg={}", unpinned.cid))
        .context("pin rm")?;
    if let Some(block) = small.pop() {
        client
            .get(&format!("pin/rm?arg={}", block.cid))
            .context("pin rm of a block")?;
        let answer = client
            .get(&format!("block/rm?arg={}", block.cid))
            .context("block rm")?;
        let text = String::from_utf8_lossy(&answer);
        if text.contains("\"Error\":\"") && !text.contains("\"Error\":\"\"") {
            bail!("block rm: {text}");
        }
    }
    let answer = client
        .get("repo/gc?stream-errors=true")
        .context("repo gc")?;
    let text = String::from_utf8_lossy(&answer);
    if text.contains("\"Error\":\"") && !text.contains("\"Error\":\"\"") {
        bail!("repo gc: {text}");
    }
    if !text.contains("\"Key\"") {
        bail!("repo gc deleted nothing");
    }
    Ok(())
}

fn works_again(client: &mut Client, dice: &mut Dice, held: &mut Vec<Item>) -> Result<()> {
    let start = Instant::now();
    loop {
        let content = items::content(dice, 1 << 20, 2 << 20);
        match items::add_file(client, content, "")? {
            Ok(item) => {
                held.push(item);
                return Ok(());
            }
            Err(message) if start.elapsed() > RECOVERY => {
                bail!("still refused {RECOVERY:?} after space is back: {message}")
            }
            Err(_) => thread::sleep(Duration::from_millis(200)),
        }
    }
}
