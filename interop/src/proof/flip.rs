//! One flipped bit in each kind of file that a repo has: wrong bytes are never served, and what is
//! damaged is named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::client::Client;
use super::content::{Content, Dice};
use super::items::{self, Item, Read, What};
use super::node::{Node, Place, Start};
use super::settings::Settings;
use super::tally::Tally;
use crate::disk;

/// Nothing in a damaged repo may take longer than this.
const LIMIT: Duration = Duration::from_secs(30);
const OPENED: &str = "was damaged when it was opened";
const WHOLE: &str = "verify complete, all blocks validated.";

/// What became of one flip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Everything was right.
    Harmless,
    /// The daemon refused to start and said why.
    Refused,
    /// As that, and `repo verify --drop` made a repo of what was left.
    Mended,
    /// Reads or checks named the damage, and it could be removed.
    Named,
}

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let flips = settings
        .rounds
        .unwrap_or(if settings.whole { 40 } else { 2 });
    let folder = tempfile::Builder::new()
        .prefix("basalt-flip-")
        .tempdir_in(&settings.dir)?;
    let mut dice = Dice::new(settings.seed);
    let place = Place::init(&settings.bin, folder.path(), folder.path())?;
    let stored = fill(&place, &mut dice)?;
    let kinds = kinds(&place.repo)?;
    let names: Vec<&str> = kinds.keys().map(String::as_str).collect();
    println!(
        "{} items; kinds of files: {}",
        stored.len(),
        names.join(", ")
    );

    let damaged = Place {
        repo: folder.path().join("damaged"),
        ..place.clone()
    };
    let only = settings.only.as_deref().unwrap_or_default();
    for (kind, files) in kinds.iter().filter(|(kind, _)| kind.contains(only)) {
        let mut outcomes = BTreeMap::new();
        let mut words = BTreeSet::new();
        for _ in 0..flips {
            let file = &files[dice.next() as usize % files.len()];
            if damaged.repo.exists() {
                fs::remove_dir_all(&damaged.repo)?;
            }
            disk::copy(&place.repo, &damaged.repo)?;
            let bit = flip(&damaged.repo.join(file), &mut dice)?;
            let name = format!("{kind}: bit {bit} of {}", file.display());
            let outcome = examine(&damaged, &stored, &mut words)
                .inspect(|outcome| *outcomes.entry(*outcome).or_insert(0_u64) += 1);
            tally.check(&name, outcome.map(|_| ()));
        }
        println!("{kind}: {outcomes:?}");
        for word in words.iter().take(3) {
            println!("    {word}");
        }
        let count = |outcome| outcomes.get(&outcome).copied().unwrap_or_default();
        let figures = json!({
            "harmless": count(Outcome::Harmless),
            "refused": count(Outcome::Refused),
            "refused, then mended": count(Outcome::Mended),
            "named": count(Outcome::Named),
            "words": words.into_iter().collect::<Vec<_>>(),
        });
        tally.figure(kind, figures);
    }
    Ok(())
}

/// Fills every family: nodes and leaves, small and large, in files and in the log.
fn fill(place: &Place, dice: &mut Dice) -> Result<Vec<Item>> {
    let node = place.start()?;
    let mut client = node.client();
    let mut stored = Vec::new();
    let mut keep = |added: std::result::Result<Item, String>| -> Result<()> {
        stored.push(added.map_err(anyhow::Error::msg)?);
        Ok(())
    };
    let large = items::content(dice, 6 << 20, 7 << 20);
    keep(items::add_file(&mut client, large, "")?)?;
    let many = items::content(dice, 1 << 20, 1 << 20);
    let options = "&chunker=size-1000&raw-leaves=true";
    keep(items::add_file(&mut client, many, options)?)?;
    let nodes = items::content(dice, 300_000, 300_000);
    keep(items::add_file(
        &mut client,
        nodes,
        "&raw-leaves=false&chunker=size-2000",
    )?)?;
    let files: Vec<Content> = (0..40).map(|_| items::content(dice, 16, 30_000)).collect();
    keep(items::add_directory(&mut client, files, "")?)?;
    node.stop()?;
    // What follows stays in the log, as nothing but a kill ends this daemon.
    let node = place.start()?;
    let mut client = node.client();
    for _ in 0..6 {
        let contents = [items::content(dice, 100, 60_000)];
        let put = items::put_blocks(&mut client, &contents, "&pin=true")?;
        stored.extend(put.map_err(anyhow::Error::msg)?);
        let file = items::content(dice, 100, 60_000);
        let added = items::add_file(&mut client, file, "")?;
        stored.push(added.map_err(anyhow::Error::msg)?);
    }
    node.kill()?;
    fs::remove_file(place.repo.join("api")).context("the file `api`")?;
    Ok(stored)
}

/// The files of the repo by what they are; empty ones have no bits.
fn kinds(repo: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>> {
    let mut kinds: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repo.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if entry.metadata()?.len() > 0 {
                kinds.entry(kind(repo, &path)?).or_default().push(path);
            }
        }
    }
    Ok(kinds)
}

fn kind(repo: &Path, path: &Path) -> Result<String> {
    let shown = path.to_string_lossy();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(match name.rsplit_once('.') {
        Some((_, "sst")) => format!("sst of {}", family(&fs::read(repo.join(path))?)),
        Some((_, ending)) if name.starts_with(char::is_numeric) => ending.to_owned(),
        _ => match name.split_once('-') {
            Some((word @ ("MANIFEST" | "OPTIONS"), _)) => word.to_owned(),
            _ => shown.into_owned(),
        },
    })
}

/// The column family whose name stands among the table's properties.
fn family(table: &[u8]) -> &'static str {
    const BEFORE: &[u8] = b"column.family.id";
    let found = table
        .windows(BEFORE.len())
        .rposition(|window| window == BEFORE);
    let near = found.map_or(&[][..], |at| &table[at..table.len().min(at + 64)]);
    // Keys share their beginnings, so that only the last part of the next one is there.
    let families = ["default", "meta", "nodes", "data", "records"];
    let named = families.into_iter().find(|family| {
        let row = format!("name{family}");
        near.windows(row.len())
            .any(|window| window == row.as_bytes())
    });
    named.unwrap_or("unknown")
}

fn flip(path: &Path, dice: &mut Dice) -> Result<u64> {
    let mut bytes = fs::read(path)?;
    let bit = dice.next() % (bytes.len() as u64 * 8);
    bytes[usize::try_from(bit / 8)?] ^= 1 << (bit % 8);
    fs::write(path, bytes)?;
    Ok(bit)
}

/// Starts the daemon on a damaged repo and asks it for everything.
fn examine(place: &Place, stored: &[Item], words: &mut BTreeSet<String>) -> Result<Outcome> {
    let node = match place.try_start()? {
        Start::Ready(node) => node,
        Start::Refused(said) => {
            if said.contains("panicked at") {
                bail!("a panic: {said}");
            }
            let Some(error) = said.lines().find(|line| line.starts_with("Error:")) else {
                bail!("it ended without an error: {said}");
            };
            words.insert(masked(error, place));
            // What is wrong elsewhere a check of the store does not mend.
            let of_store = error.contains("basalt/store");
            if !of_store || !place.run(&["repo", "verify", "--drop"])?.0 {
                return Ok(Outcome::Refused);
            }
            clean_now(place, stored)?;
            return Ok(Outcome::Mended);
        }
    };
    let mut client = Client::patient(node.at, LIMIT);
    let mut lost = Vec::new();
    for item in stored {
        match item.read(&mut client).context("a hang, or it ended")? {
            Read::Right => {}
            Read::Wrong(command) => bail!("WRONG BYTES: {command}"),
            Read::Refused(message) => {
                words.insert(masked(&message, place));
                lost.push(item.clone());
            }
        }
    }
    let unpinned = unpinned(&mut client, stored);
    let mut complaints = Vec::new();
    let first = scrub(&mut client, "repo/verify", &mut complaints)?;
    let incomplete = incomplete(&mut client, &mut complaints)?;
    words.extend(complaints.iter().map(|line| masked(line, place)));
    let mut told = !complaints.is_empty() || incomplete;
    if let Err(error) = &unpinned {
        words.insert(masked(&format!("{error:#}"), place));
    }
    // What the start said counts too: an end of the log that is gone cannot be found by a scrub.
    for line in node.words().lines().filter(|line| warns(line)) {
        words.insert(masked(line, place));
        told = true;
    }
    if (!lost.is_empty() || unpinned.is_err()) && !told {
        let what: Vec<&str> = lost.iter().map(|item| item.cid.as_str()).collect();
        bail!("lost without a word: {what:?}, pins: {unpinned:?}");
    }
    if first {
        node.stop()?;
        let harmless = lost.is_empty() && unpinned.is_ok() && !told;
        return Ok(if harmless {
            Outcome::Harmless
        } else {
            Outcome::Named
        });
    }
    mend(place, node, &mut client, stored)?;
    Ok(Outcome::Named)
}

/// `--drop` removes what is bad, if need be without the daemon; afterwards all is well.
fn mend(place: &Place, node: Node, client: &mut Client, stored: &[Item]) -> Result<()> {
    let mut said = Vec::new();
    scrub(client, "repo/verify?drop=true", &mut said)?;
    let mut left = Vec::new();
    let clean = scrub(client, "repo/verify", &mut left)?;
    node.stop()?;
    // What the start found in the log is told as long as that daemon runs.
    left.retain(|line| !line.contains(OPENED));
    let mut offline = "(not run)".to_owned();
    if !clean && !left.is_empty() {
        let (done, said) = place.run(&["repo", "verify", "--drop"])?;
        if !done {
            bail!("`repo verify --drop` mends nothing: {}", last(&said));
        }
        offline = last(&said).to_owned();
    }
    clean_now(place, stored).with_context(|| {
        let [said, left] = [&said, &left].map(|lines| lines.join(" | "));
        format!("the daemon said {said}, then {left}; without it: {offline}")
    })
}

/// After a repair everything is whole, and what is there is right.
fn clean_now(place: &Place, stored: &[Item]) -> Result<()> {
    let node = place.start().context("after --drop")?;
    let mut client = Client::patient(node.at, LIMIT);
    let mut left = Vec::new();
    if !scrub(&mut client, "repo/verify", &mut left)? {
        bail!("not clean after --drop and a restart: {}", left.join(" | "));
    }
    for item in stored {
        if let Read::Wrong(command) = item.read(&mut client).context("a hang, or it ended")? {
            bail!("WRONG BYTES: {command}");
        }
    }
    node.stop()
}

/// The last line, without the counts that were written over.
fn last(said: &str) -> &str {
    let line = said.trim_end().lines().last().unwrap_or_default();
    line.rsplit('\r').next().unwrap_or_default()
}

/// Whether every block is whole; what is said otherwise goes to `complaints`.
fn scrub(client: &mut Client, command: &str, complaints: &mut Vec<String>) -> Result<bool> {
    match client.call(command).context("a hang, or it ended")? {
        Ok(body) => {
            let mut clean = false;
            for line in super::client::lines(&body)? {
                match line["Msg"].as_str() {
                    Some(WHOLE) => clean = true,
                    Some("") | None => {}
                    Some(said) => complaints.push(said.to_owned()),
                }
            }
            Ok(clean && complaints.is_empty())
        }
        Err(message) => {
            for line in super::client::lines(&client.partial)? {
                complaints.extend(
                    line["Msg"]
                        .as_str()
                        .filter(|said| !said.is_empty())
                        .map(str::to_owned),
                );
            }
            complaints.push(message);
            Ok(false)
        }
    }
}

/// Whether `pin verify` says that pins lack something.
fn incomplete(client: &mut Client, complaints: &mut Vec<String>) -> Result<bool> {
    match client.call("pin/verify").context("a hang, or it ended")? {
        Ok(body) => {
            let lines = super::client::lines(&body)?;
            Ok(lines.iter().any(|line| line["Ok"] != Value::Bool(true)))
        }
        Err(message) => {
            complaints.push(format!("pin verify: {message}"));
            Ok(true)
        }
    }
}

fn unpinned(client: &mut Client, stored: &[Item]) -> Result<()> {
    let pins = items::pins(client)?;
    let lost = stored.iter().find(|item| !pins.contains(&item.cid));
    match lost {
        Some(Item { cid, what }) => {
            let kind = match what {
                What::File(_) => "file",
                What::Block(_) => "block",
                What::Directory(_) => "directory",
            };
            bail!("the pin of the {kind} {cid} is lost")
        }
        None => Ok(()),
    }
}

fn warns(line: &str) -> bool {
    ["WARN", "ERROR", "Error:", "damage"]
        .iter()
        .any(|word| line.contains(word))
}

/// Without what differs from run to run, so that equal words are equal.
fn masked(line: &str, place: &Place) -> String {
    let line = line.replace(&*place.repo.to_string_lossy(), "REPO");
    let mut out = String::new();
    for word in line.split_inclusive([' ', '/', ':', '"']) {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        if word.len() > 40 || digits > 2 {
            out += "... ";
        } else {
            out += word;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_changes_one_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("000001.log");
        fs::write(&path, [0; 64]).unwrap();
        flip(&path, &mut Dice::new(3)).unwrap();
        let ones: u32 = fs::read(&path)
            .unwrap()
            .iter()
            .map(|b| b.count_ones())
            .sum();
        assert_eq!(ones, 1);
    }

    #[test]
    fn a_table_names_its_family() {
        assert_eq!(
            family(b"..column.family.id\0\x17\x04\x04namemeta..."),
            "meta"
        );
        assert_eq!(family(b"...."), "unknown");
    }
}
