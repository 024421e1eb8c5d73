//! A repo that real Kubo makes, and what must be the same in one that is made from it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Result, ensure};
use sha2::{Digest as _, Sha256};

use super::Program;
use crate::proof::content::{Content, Dice};

/// Makes a repo with `files` files in it, pins of both kinds with names, files and keys.
pub(super) fn init(kubo: &Program, profiles: &str, files: u64, seed: u64) -> Result<()> {
    kubo.say(&["init", "--profile", profiles])?;
    let tree = kubo.repo.with_extension("tree");
    let mut dice = Dice::new(seed);
    for n in 0..files {
        let dir = tree.join(format!("{}", n % 20));
        fs::create_dir_all(&dir)?;
        let len = match n % 100 {
            0 => dice.within(1 << 20, 3 << 20),
            _ => dice.within(0, 20_000),
        };
        let content = Content { seed: n, len };
        content.write(&mut fs::File::create(dir.join(format!("file {n}")))?)?;
    }
    let tree_text = tree.to_str().unwrap_or_default();
    let args = ["add", "-rQ", "--pin-name", "the tree, näm’d", tree_text];
    let root = kubo.say(&args)?.trim().to_owned();
    let raw = ["add", "-rQ", "--cid-version=1", "--pin=false"];
    let direct = kubo.say(&[&raw[..], &[&format!("{tree_text}/1")]].concat())?;
    kubo.say(&[
        "pin",
        "add",
        "--recursive=false",
        "--name=one block",
        direct.trim(),
    ])?;
    let leaf = format!("{tree_text}/1/file 1");
    kubo.say(&["add", "-Q", "--pin=false", "--hash=blake2b-256", &leaf])?;
    kubo.say(&["files", "cp", &format!("/ipfs/{root}"), "/tree"])?;
    kubo.say(&["files", "mkdir", "-p", "/a/b"])?;
    for (kind, name) in [("ed25519", "one"), ("rsa", "an other")] {
        kubo.say(&["key", "gen", "--type", kind, name])?;
    }
    kubo.say(&[
        "name",
        "publish",
        "--allow-offline",
        &format!("/ipfs/{root}"),
    ])?;
    fs::remove_dir_all(&tree)?;
    kubo.say(&["config", "--json", "Experimental.FilestoreEnabled", "true"])?;
    let kept = kubo.repo.with_extension("kept");
    let content = Content { seed, len: 700_000 };
    content.write(&mut fs::File::create(&kept)?)?;
    kubo.say(&["add", "-Q", "--nocopy", kept.to_str().unwrap_or_default()])?;
    Ok(())
}

/// What is the same in both.
pub(super) struct Facts {
    id: String,
    pins: Vec<String>,
    local: Vec<String>,
    references: Vec<String>,
    files_root: String,
    keys: BTreeMap<String, Vec<u8>>,
}

impl Facts {
    pub(super) fn of(kubo: &Program) -> Result<Self> {
        Ok(Self {
            id: id(kubo)?,
            pins: sorted(&kubo.say(&["pin", "ls", "--names"])?),
            local: sorted(&kubo.say(&["refs", "local"])?),
            references: references(kubo)?,
            files_root: kubo
                .say(&["files", "stat", "--hash", "/"])?
                .trim()
                .to_owned(),
            keys: keys(&kubo.repo)?,
        })
    }

    pub(super) fn blocks(&self) -> u64 {
        self.local.len() as u64
    }

    /// Whether `target` has all of it, and every block is sound.
    pub(super) fn check(&self, target: &Program) -> Result<()> {
        ensure!(id(target)? == self.id, "another identity");
        let local = sorted(&target.say(&["refs", "local"])?);
        ensure!(
            local == self.local,
            "{} blocks of {}",
            local.len(),
            self.local.len()
        );
        let pins = sorted(&target.say(&["pin", "ls", "--names"])?);
        ensure!(
            pins == self.pins,
            "{} pins of {}",
            pins.len(),
            self.pins.len()
        );
        ensure!(keys(&target.repo)? == self.keys, "other keys");
        target.say(&["repo", "verify"])?;
        target.say(&["pin", "verify"])?;
        let root = target.say(&["files", "stat", "--hash", "/"])?;
        ensure!(
            root.trim() == self.files_root,
            "another root of the files: {root}"
        );
        target.say(&["refs", "--recursive", "--unique", &self.files_root])?;
        Ok(())
    }

    /// Whether references to files are references again.
    pub(super) fn check_references(&self, target: &Program) -> Result<()> {
        let there = references(target)?;
        ensure!(there == self.references, "other references: {there:?}");
        target.say(&["filestore", "verify"])?;
        Ok(())
    }

    /// Whether the pins with names are there.
    pub(super) fn check_names(&self, target: &Program) -> Result<()> {
        let pins = sorted(&target.say(&["pin", "ls", "--names"])?);
        let missing: Vec<_> = self.pins.iter().filter(|pin| !pins.contains(pin)).collect();
        ensure!(missing.is_empty(), "missing {missing:?}");
        Ok(())
    }
}

fn id(program: &Program) -> Result<String> {
    program.say(&["config", "Identity.PeerID"])
}

/// What `filestore ls` tells: blocks, and where they are.
pub(super) fn references(program: &Program) -> Result<Vec<String>> {
    Ok(sorted(&program.say(&["filestore", "ls"])?))
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn keys(repo: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut keys = BTreeMap::new();
    for path in files(&repo.join("keystore"))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        keys.insert(name.into_owned(), fs::read(&path)?);
    }
    Ok(keys)
}

/// Every file below `dir`, sorted.
pub(super) fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut dirs) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => dirs.push(entry.path()),
                false => found.push(entry.path()),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Names, times and contents of all files below `dir`.
pub(super) fn fingerprint(dir: &Path) -> Result<Vec<(PathBuf, SystemTime, Vec<u8>)>> {
    let all = files(dir)?.into_iter().map(|path| {
        let modified = fs::metadata(&path)?.modified()?;
        let hash = Sha256::digest(fs::read(&path)?).to_vec();
        Ok((path, modified, hash))
    });
    all.collect()
}
