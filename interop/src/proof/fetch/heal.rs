//! Blocks that the disk has damaged come again from the other node.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::{Pair, same};
use crate::proof::content::Content;

const LEN: u64 = 6 << 20;

/// Damages blocks of a file that was fetched, heals them and stops both nodes.
pub(super) fn run(pair: Pair, seed: u64) -> Result<()> {
    let Pair { from, to, dir } = pair;
    let path = dir.join("healed");
    let content = Content {
        seed: seed + 3000,
        len: LEN,
    };
    content.write(&mut File::create(&path)?)?;
    let cid = from.add(&path, &["--raw-leaves=false"])?;
    // What came before lies in files of its own: the other node has not all of that any more.
    let to = to.restarted(|_| Ok(()))?;
    let before = large_files(&to.program.repo)?;
    to.connect(&from)?;
    to.say(&["pin", "add", &cid])?;
    let to = to.restarted(|repo| {
        let after = large_files(repo)?;
        let new: Vec<_> = after.difference(&before).collect();
        ensure!(!new.is_empty(), "the blocks are in no file of their own");
        new.into_iter().try_for_each(|path| damage(path))
    })?;
    let found = to.program.run(&["repo", "verify"])?;
    ensure!(!found.ok, "nothing was damaged: {}", found.out);
    to.connect(&from)?;
    let said = to.say(&["repo", "verify", "--heal"])?;
    ensure!(said.contains(", removed, healed"), "{said}");
    to.say(&["repo", "verify"])?;
    to.say(&["pin", "verify"])?;
    let out = dir.join("healed-come");
    to.write(&["cat", "--offline", &cid], &out)?;
    same(&path, &out)?;
    // The root is known as a node again: what is under it is kept.
    to.say(&["repo", "gc"])?;
    to.write(&["cat", "--offline", &cid], &out)?;
    same(&path, &out)?;
    from.stop()?;
    to.stop()
}

/// The files of the store that hold large values.
fn large_files(repo: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(repo.join("basalt/store"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "blob") {
            found.insert(path);
        }
    }
    Ok(found)
}

fn damage(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path)?;
    let len = bytes.len();
    for at in [len / 5, len / 2, len / 2 + len / 3] {
        bytes[at] ^= 1;
    }
    Ok(fs::write(path, bytes)?)
}
