//! What a seed makes: a tree on disk, and a command.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;

use super::names;
use super::options::AddOptions;
use crate::noise::Noise;

/// Rules for `--ignore-rules-path`.
const RULES: &str = "# a remark\n*.log\n!keep.log\n\nsub/\n/data\n**/Z\nt.???\n";

/// A tree and the command that adds it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// Through a daemon rather than on the repo itself.
    pub(super) daemon: bool,
    args: Vec<String>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    kind: Kind,
    mode: u32,
    seconds: i64,
    nanos: u32,
}

#[derive(Debug)]
enum Kind {
    Folder,
    /// Length, and the seed of the bytes; 0 for zeros only.
    File(usize, u64),
    Link(OsString),
}

impl Plan {
    /// Everything that `seed` decides.
    pub(super) fn new(seed: u64) -> Self {
        let mut noise = Noise::new(seed ^ 0x7ee5);
        let shape = noise.below(40);
        let large = shape < 4;
        let options = AddOptions::new(&mut noise, large);
        let mut grown = Growth {
            noise,
            options: &options,
            entries: Vec::new(),
        };
        grown.push(PathBuf::from("top"), Kind::Folder);
        match shape {
            0 => grown.wide(10_000, 2),
            1..4 => grown.wide(200 + seed % 1500, 3),
            4..10 => grown.long_file(),
            _ => grown.folder(Path::new("top"), 0),
        }
        let daemon = grown.noise.once_in(2);
        let entries = grown.entries;
        let mut args = vec!["add".to_owned(), "-r".to_owned()];
        args.extend(options.args);
        args.push("top".to_owned());
        Self {
            seed,
            daemon,
            args,
            entries,
        }
    }

    /// The words of the command.
    pub(super) fn args(&self) -> Vec<OsString> {
        self.args.iter().map(OsString::from).collect()
    }

    /// The command and the size of the tree, for people.
    pub(super) fn shown(&self) -> String {
        let bytes: usize = self.entries.iter().map(Entry::len).sum();
        let face = if self.daemon { "daemon" } else { "offline" };
        format!(
            "{} ({} entries, {bytes} bytes, {face})",
            self.args.join(" "),
            self.entries.len()
        )
    }

    /// Makes the tree in `folder`.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        fs::write(folder.join("rules"), RULES)?;
        for entry in &self.entries {
            let path = folder.join(&entry.path);
            match &entry.kind {
                Kind::Folder => fs::create_dir(&path),
                Kind::File(len, 0) => fs::write(&path, vec![0; *len]),
                Kind::File(len, seed) => fs::write(&path, Noise::new(*seed).bytes(*len)),
                Kind::Link(target) => symlink(target, &path),
            }
            .with_context(|| format!("cannot make {}", path.display()))?;
        }
        // Backwards, so that nothing is changed in a folder after its time is set.
        for entry in self.entries.iter().rev() {
            entry.settle(&folder.join(&entry.path))?;
        }
        Ok(())
    }
}

impl Entry {
    fn len(&self) -> usize {
        match self.kind {
            Kind::File(len, _) => len,
            _ => 0,
        }
    }

    fn settle(&self, path: &Path) -> Result<()> {
        // A link has a time of its own, which `add` may keep too.
        let time = TimeSpec::new(self.seconds, self.nanos.into());
        utimensat(
            AT_FDCWD,
            path,
            &time,
            &time,
            UtimensatFlags::NoFollowSymlink,
        )?;
        if !matches!(self.kind, Kind::Link(_)) {
            fs::set_permissions(path, Permissions::from_mode(self.mode))?;
        }
        Ok(())
    }
}

struct Growth<'a> {
    noise: Noise,
    options: &'a AddOptions,
    entries: Vec<Entry>,
}

impl Growth<'_> {
    fn push(&mut self, path: PathBuf, kind: Kind) {
        let noise = &mut self.noise;
        let mode = match kind {
            Kind::Folder => [0o755, 0o700, 0o777, 0o1777][noise.below(4) as usize],
            _ => [0o644, 0o600, 0o755, 0o444, 0o4755, 0o666][noise.below(6) as usize],
        };
        let seconds = match noise.below(8) {
            0 => 0,
            1 => -86_400,
            2 => 4_000_000_000,
            _ => noise.below(1_700_000_000).cast_signed(),
        };
        let nanos = match noise.below(3) {
            0 => 0,
            _ => noise.below(1_000_000_000) as u32,
        };
        self.entries.push(Entry {
            path,
            kind,
            mode,
            seconds,
            nanos,
        });
    }

    /// A folder of up to a dozen entries, and folders in it.
    fn folder(&mut self, path: &Path, depth: u32) {
        let count = self.noise.below(12);
        let mut files = Vec::new();
        for number in 0..count {
            let name = names::name(&mut self.noise, number);
            let below = path.join(&name);
            match self.noise.below(8) {
                0 | 1 if depth < 4 => {
                    self.push(below.clone(), Kind::Folder);
                    self.folder(&below, depth + 1);
                }
                2 => self.link(below, &files),
                _ => {
                    let kind = self.file();
                    self.push(below, kind);
                    files.push(name);
                }
            }
        }
    }

    /// A link to a file beside it, or to nothing where nobody follows it.
    fn link(&mut self, path: PathBuf, files: &[OsString]) {
        let index = self.noise.below(files.len().max(1) as u64) as usize;
        let target = match files.get(index) {
            Some(file) => file.clone(),
            None if self.options.dereference => return,
            None => OsString::from("../no/where"),
        };
        self.push(path, Kind::Link(target));
    }

    fn file(&mut self) -> Kind {
        let noise = &mut self.noise;
        let chunk = self.options.chunk.unwrap_or(262_144);
        let len = match noise.below(12) {
            0 => 0,
            1 => 1,
            2 => chunk - 1,
            3 => chunk,
            4 => chunk + 1,
            5 => chunk * 2,
            6 => chunk * (1 + noise.below(4) as usize) + noise.below(chunk as u64) as usize,
            7 => noise.below(130) as usize,
            _ => noise.below(5000) as usize,
        };
        // A leaf a byte is slow and shows nothing more.
        let len = if chunk < 16 {
            len.min(600)
        } else {
            len.min(3 << 20)
        };
        let seed = if noise.once_in(12) { 0 } else { noise.word() };
        Kind::File(len, seed)
    }

    /// One file of more leaves than a node has links.
    fn long_file(&mut self) {
        let chunk = self.options.chunk.unwrap_or(262_144);
        let leaves = match self.noise.below(3) {
            0 => 170 + self.noise.below(10),
            1 => 1020 + self.noise.below(10),
            _ => 200 + self.noise.below(3000),
        };
        let len = (leaves as usize * chunk).min(4 << 20) + self.noise.below(2) as usize;
        let seed = self.noise.word();
        self.push(PathBuf::from("top/long"), Kind::File(len, seed));
    }

    /// A folder of `count` small files; every `spread`th name is an odd one.
    fn wide(&mut self, count: u64, spread: u64) {
        for number in 0..count {
            let name = match self.noise.once_in(spread) {
                true => OsString::from(format!("file-{number:06}")),
                false => {
                    let mut name = names::name(&mut self.noise, number);
                    name.push(format!("~{number}"));
                    name
                }
            };
            let len = self.noise.below(40) as usize;
            let seed = self.noise.word();
            self.push(Path::new("top").join(name), Kind::File(len, seed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_can_be_made_on_disk() {
        for seed in 0..60 {
            let plan = Plan::new(seed);
            if plan.entries.len() < 500 {
                let folder = tempfile::tempdir().unwrap();
                plan.write(folder.path()).unwrap();
            }
        }
    }

    #[test]
    fn a_seed_always_makes_the_same_plan() {
        let (one, two) = (Plan::new(9), Plan::new(9));
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
        assert_ne!(format!("{one:?}"), format!("{:?}", Plan::new(10)));
    }
}
