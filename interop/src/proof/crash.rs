//! SIGKILL at random moments of adds, pins and collections: whatever was answered is there when the
//! daemon starts again.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::client::Client;
use super::content::{Content, Dice};
use super::items::{self, Item, Read};
use super::node::{Node, Place};
use super::settings::Settings;
use super::tally::Tally;

mod tree;

use tree::Tree;

/// How many items a round begins with; more are unpinned and left to the collections.
const ITEMS: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pinned {
    Yes,
    No,
    /// The daemon was killed before it had answered.
    Unknown,
}

#[derive(Debug, Clone)]
struct Kept {
    item: Item,
    pinned: Pinned,
    /// The count of collections when it was last certain to be there.
    since: u64,
}

#[derive(Debug, Default)]
struct World {
    items: Mutex<Vec<Kept>>,
    violations: Mutex<Vec<String>>,
    tree: Mutex<Tree>,
    turns: [Mutex<()>; 3],
    /// One more at each beginning and each end of a collection, so it is odd during one.
    collections: AtomicU64,
    killed: AtomicBool,
    acknowledged: AtomicUsize,
    cut: AtomicUsize,
    /// Where files lie that are referred to, and how many there are.
    files: PathBuf,
    referred: AtomicUsize,
}

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let rounds = settings
        .rounds
        .unwrap_or(if settings.whole { 200 } else { 6 });
    let folder = tempfile::Builder::new()
        .prefix("basalt-crash-")
        .tempdir_in(&settings.dir)?;
    let place = Place::init(&settings.bin, folder.path(), folder.path())?;
    let mut dice = Dice::new(settings.seed);
    let (on, said) = place.run(&["config", "--json", "Experimental.FilestoreEnabled", "true"])?;
    ensure!(on, "config: {said}");
    let world = World {
        files: folder.path().join("files"),
        ..World::default()
    };
    fs::create_dir(&world.files)?;
    let mut slowest = Duration::ZERO;
    let mut node = place.start()?;
    let began = Instant::now();
    for round in 1..=rounds {
        let delay = Duration::from_millis(dice.within(20, 1500));
        work(&world, node, delay, &mut dice)?;
        if dice.one_in(4) {
            let soon = Duration::from_millis(dice.within(1, 120));
            place.start_and_kill(soon)?;
        }
        node = place.start().with_context(|| format!("round {round}"))?;
        slowest = slowest.max(node.started_in);
        let outcome = verify(&world, &node);
        if outcome.is_err() {
            println!("stderr of the daemon: {}", node.words());
        }
        tally.check(&format!("round {round}, killed after {delay:?}"), outcome);
        thin_out(&world, &node, &mut dice)?;
        if round % 20 == 0 {
            println!("{round} rounds in {:?}", began.elapsed());
        }
    }
    tally.check("the last daemon ends cleanly", node.stop());
    tally.figure("rounds", rounds);
    tally.figure("answered", world.acknowledged.load(SeqCst));
    tally.figure("cut off", world.cut.load(SeqCst));
    tally.figure("files referred to", world.referred.load(SeqCst));
    tally.figure("collections", world.collections.load(SeqCst) / 2);
    tally.figure("slowest restart, ms", slowest.as_millis() as u64);
    tally.figure("seconds", began.elapsed().as_secs());
    Ok(())
}

/// One piece of work.
type Kind = fn(&World, &mut Client, &mut Dice) -> Result<()>;

/// Works on `node` from many sides until it is killed.
fn work(world: &World, node: Node, delay: Duration, dice: &mut Dice) -> Result<()> {
    world.killed.store(false, SeqCst);
    let kinds: [Kind; 12] = [
        add_large,
        add_small,
        add_small,
        add_tree,
        refer,
        put,
        put,
        import,
        pin,
        collect,
        tree::change,
        tree::change,
    ];
    let at = node.at;
    let outcome = thread::scope(|scope| {
        for kind in kinds {
            let mut dice = Dice::new(dice.next());
            scope.spawn(move || {
                let mut client = Client::new(at);
                while !world.killed.load(SeqCst) {
                    if let Err(error) = kind(world, &mut client, &mut dice)
                        && !world.killed.load(SeqCst)
                    {
                        world.violation(format!("while it ran: {error:#}"));
                        return;
                    }
                }
            });
        }
        thread::sleep(delay);
        world.killed.store(true, SeqCst);
        node.kill()
    });
    // A collection that was cut off has ended.
    let collections = world.collections.load(SeqCst);
    world
        .collections
        .store(collections.next_multiple_of(2), SeqCst);
    outcome
}

impl World {
    fn items(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn violations(&self) -> MutexGuard<'_, Vec<String>> {
        let violations = self.violations.lock();
        violations.unwrap_or_else(PoisonError::into_inner)
    }

    fn violation(&self, text: String) {
        self.violations().push(text);
    }

    /// Takes note of an answer, or of none.
    fn heard<T>(&self, outcome: Result<T>) -> Result<T> {
        let counter = match outcome {
            Ok(_) => &self.acknowledged,
            Err(_) => &self.cut,
        };
        counter.fetch_add(1, SeqCst);
        outcome
    }

    fn keep(&self, stored: impl IntoIterator<Item = Item>, pinned: bool) {
        let since = self.collections.load(SeqCst);
        let pinned = if pinned { Pinned::Yes } else { Pinned::No };
        self.items().extend(stored.into_iter().map(|item| Kept {
            item,
            pinned,
            since,
        }));
    }

    fn stored(
        &self,
        outcome: Result<std::result::Result<Item, String>>,
        pinned: bool,
    ) -> Result<()> {
        match self.heard(outcome)? {
            Ok(item) => self.keep([item], pinned),
            Err(message) => bail!("an add was refused: {message}"),
        }
        Ok(())
    }
}

impl Kept {
    fn must_exist(&self, collections: u64) -> bool {
        self.pinned == Pinned::Yes || (self.since.is_multiple_of(2) && self.since == collections)
    }
}

fn options(dice: &mut Dice) -> (bool, String) {
    let pinned = !dice.one_in(4);
    let version = dice.within(0, 1);
    (pinned, format!("&pin={pinned}&cid-version={version}"))
}

fn add_large(world: &World, client: &mut Client, dice: &mut Dice) -> Result<()> {
    let (pinned, options) = options(dice);
    let content = items::content(dice, 8 << 20, 20 << 20);
    world.stored(items::add_file(client, content, &options), pinned)
}

fn add_small(world: &World, client: &mut Client, dice: &mut Dice) -> Result<()> {
    let (pinned, options) = options(dice);
    let limit = 1 << dice.within(5, 20);
    let content = items::content(dice, 16, limit);
    world.stored(items::add_file(client, content, &options), pinned)?;
    thread::sleep(Duration::from_millis(dice.within(0, 30)));
    Ok(())
}

fn add_tree(world: &World, client: &mut Client, dice: &mut Dice) -> Result<()> {
    let (pinned, options) = options(dice);
    let count = dice.within(1, 30);
    let files = (0..count).map(|_| items::content(dice, 16, 60_000));
    let files: Vec<Content> = files.collect();
    world.stored(items::add_directory(client, files, &options), pinned)?;
    thread::sleep(Duration::from_millis(dice.within(0, 100)));
    Ok(())
}

/// Adds a file with `--nocopy`.
fn refer(world: &World, client: &mut Client, dice: &mut Dice) -> Result<()> {
    let (pinned, options) = options(dice);
    let content = items::content(dice, 16, 3 << 20);
    let number = world.referred.fetch_add(1, SeqCst);
    let path = world.files.join(number.to_string());
    world.stored(items::refer_to(client, content, &path, &options), pinned)?;
    thread::sleep(Duration::from_millis(dice.within(0, 60)));
    Ok(())
}

fn put(world: &World, client: &mut Client, dice: &mut Dice) -> Result<()> {
    let pinned = dice.one_in(2);
    let count = dice.within(1, 6);
    let contents: Vec<Content> = (0..count)
        .map(|_| items::content(dice, 16, 300_000))
        .collect();
    let stored = items::put_blocks(client, &contents, &format!("&pin={pinned}"));
    match world.heard(stored)? {
        Ok(stored) => world.keep(stored, pinned),
        Err(message) => bail!("block put: {message}"),
    }
    thread::sleep(Duration::from_millis(dice.within(0, 50)));
    Ok(())
}

/// Imports a CAR: mostly a short one, now and then one that the store takes for a bulk import.
fn import(world: &World, client: &mut Client, dice: &mut Dice) -> Result<()> {
    let pinned = !dice.one_in(4);
    let count = if dice.one_in(4) {
        dice.within(20, 60)
    } else {
        dice.within(1, 10)
    };
    let contents: Vec<Content> = (0..count)
        .map(|_| items::content(dice, 16, 400_000))
        .collect();
    let stored = items::import_car(client, &contents, &format!("&pin-roots={pinned}"));
    match world.heard(stored)? {
        Ok(stored) => world.keep(stored, pinned),
        Err(message) => bail!("dag import: {message}"),
    }
    thread::sleep(Duration::from_millis(dice.within(0, 50)));
    Ok(())
}

/// Turns the pin of some item.
fn pin(world: &World, client: &mut Client, dice: &mut Dice) -> Result<()> {
    let taken = {
        let mut items = world.items();
        let at = dice.next() as usize % items.len().max(1);
        (at < items.len()).then(|| items.swap_remove(at))
    };
    let Some(mut kept) = taken else {
        thread::sleep(Duration::from_millis(5));
        return Ok(());
    };
    let cid = kept.item.cid.clone();
    let before = world.collections.load(SeqCst);
    let outcome = if kept.pinned == Pinned::Yes {
        let answer = client.call(&format!("pin/rm?arg={cid}"));
        kept.since = before;
        turned(world, kept, answer, Pinned::No)
    } else {
        let answer = client.call(&format!("pin/add?arg={cid}"));
        turned(world, kept, answer, Pinned::Yes)
    };
    thread::sleep(Duration::from_millis(dice.within(0, 20)));
    outcome
}

fn turned(
    world: &World,
    mut kept: Kept,
    answer: Result<super::client::Answer>,
    to: Pinned,
) -> Result<()> {
    let collections = world.collections.load(SeqCst);
    let cid = kept.item.cid.clone();
    match world.heard(answer) {
        Ok(Ok(_)) => kept.pinned = to,
        // It was collected before it was pinned again.
        Ok(Err(_)) if to == Pinned::Yes && !kept.must_exist(collections) => return Ok(()),
        Ok(Err(message)) => {
            bail!("the pin of {cid} could not become {to:?}: {message}");
        }
        Err(error) => {
            kept.pinned = Pinned::Unknown;
            world.items().push(kept);
            return Err(error);
        }
    }
    world.items().push(kept);
    Ok(())
}

fn collect(world: &World, client: &mut Client, dice: &mut Dice) -> Result<()> {
    thread::sleep(Duration::from_millis(dice.within(0, 700)));
    if world.killed.load(SeqCst) {
        return Ok(());
    }
    world.collections.fetch_add(1, SeqCst);
    let answer = world.heard(client.call("repo/gc?stream-errors=true"))?;
    world.collections.fetch_add(1, SeqCst);
    match answer {
        Ok(body) if String::from_utf8_lossy(&body).contains("\"Error\"") => {
            bail!("repo gc: {}", String::from_utf8_lossy(&body))
        }
        Ok(_) => Ok(()),
        Err(message) => bail!("repo gc: {message}"),
    }
}

/// Compares the repo with what was answered.
fn verify(world: &World, node: &Node) -> Result<()> {
    let violations: Vec<String> = world.violations().drain(..).collect();
    let mut client = node.client();
    let pins = items::pins(&mut client)?;
    let collections = world.collections.load(SeqCst);
    let mut items = world.items();
    let kept: Vec<Kept> = items.drain(..).collect();
    let mut problems: BTreeSet<String> = violations.into_iter().collect();
    for mut kept in kept {
        let cid = &kept.item.cid;
        let pinned = pins.contains(cid);
        match (kept.pinned, pinned) {
            (Pinned::Yes, false) => {
                problems.insert(format!("the pin of {cid} is lost"));
            }
            (Pinned::No, true) => {
                problems.insert(format!("{cid} is pinned again"));
            }
            _ => {}
        }
        kept.pinned = if pinned { Pinned::Yes } else { Pinned::No };
        match kept.item.read(&mut client)? {
            Read::Right => items.push(kept),
            Read::Refused(message) if kept.must_exist(collections) => {
                problems.insert(format!("{cid} is lost: {message}"));
            }
            Read::Refused(_) => {}
            Read::Wrong(command) => {
                problems.insert(format!("wrong bytes: {command}"));
            }
        }
    }
    problems.extend(tree::verify(world, &mut client)?);
    if let Err(error) = items::sound(&mut client) {
        problems.insert(format!("{error:#}"));
    }
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.into_iter().collect::<Vec<_>>().join("; "))
}

/// Keeps the repo from growing.
fn thin_out(world: &World, node: &Node, dice: &mut Dice) -> Result<()> {
    let mut client = node.client();
    let mut items = world.items();
    while items.len() > ITEMS {
        let at = dice.next() as usize % items.len();
        let kept = items.swap_remove(at);
        if kept.pinned == Pinned::Yes {
            client.get(&format!("pin/rm?arg={}", kept.item.cid))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::items::What;
    use super::*;

    #[test]
    fn what_may_be_collected_need_not_be_there() {
        let kept = |pinned, since| Kept {
            item: Item {
                cid: String::new(),
                what: What::Directory(Vec::new()),
            },
            pinned,
            since,
        };
        assert!(kept(Pinned::Yes, 0).must_exist(9));
        assert!(kept(Pinned::No, 4).must_exist(4));
        assert!(!kept(Pinned::No, 4).must_exist(5));
        assert!(!kept(Pinned::Unknown, 3).must_exist(3));
    }
}
