//! Random work on `/mfs` and on a folder of the disk: both must give the same.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::support::Mounted;

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn path(&mut self) -> String {
        let depth = 1 + self.below(3);
        let names: Vec<String> = (0..depth).map(|_| format!("n{}", self.below(4))).collect();
        names.join("/")
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = match self.below(4) {
            0 => self.below(10),
            1 => self.below(5_000),
            2 => self.below(300_000),
            _ => self.below(900_000),
        };
        let first = self.below(256);
        (0..len).map(|i| (first + i + i / 256) as u8).collect()
    }
}

/// One thing to do, which can be done twice.
#[derive(Debug, Clone)]
enum Step {
    Write(String, Vec<u8>),
    Append(String, Vec<u8>),
    Patch(String, u64, Vec<u8>),
    Truncate(String, u64),
    Mkdir(String),
    Rmdir(String),
    Unlink(String),
    Rename(String, String),
    Read(String),
    List(String),
    Size(String),
    /// Opens a file to be kept open under a number.
    Open(String, usize),
    WriteOpen(usize, u64, Vec<u8>),
    ReadOpen(usize),
    Sync(usize),
    Close(usize),
}

fn step(dice: &mut Dice) -> Step {
    let path = dice.path();
    let slot = dice.below(3) as usize;
    match dice.below(22) {
        0..=2 => Step::Write(path, dice.bytes()),
        3 => Step::Append(path, dice.bytes()),
        4 => Step::Patch(path, dice.below(400_000), dice.bytes()),
        5 => Step::Truncate(path, dice.below(500_000)),
        6..=8 => Step::Mkdir(path),
        9 => Step::Rmdir(path),
        10 => Step::Unlink(path),
        11..=13 => Step::Rename(path, dice.path()),
        14 => Step::Read(path),
        15 => Step::List(path),
        16 => Step::Size(path),
        17 | 18 => Step::Open(path, slot),
        19 => Step::WriteOpen(slot, dice.below(200_000), dice.bytes()),
        20 => Step::ReadOpen(slot),
        _ if dice.below(2) == 0 => Step::Sync(slot),
        _ => Step::Close(slot),
    }
}

struct Side {
    root: PathBuf,
    open: BTreeMap<usize, File>,
}

impl Side {
    fn do_step(&mut self, step: &Step) -> io::Result<String> {
        let at = |path: &str| self.root.join(path);
        match step {
            Step::Write(path, bytes) => fs::write(at(path), bytes).map(|()| String::new()),
            Step::Append(path, bytes) => {
                let mut file = OpenOptions::new().append(true).open(at(path))?;
                file.write_all(bytes)?;
                Ok(String::new())
            }
            Step::Patch(path, offset, bytes) => {
                let file = OpenOptions::new().write(true).open(at(path))?;
                file.write_all_at(bytes, *offset)?;
                Ok(String::new())
            }
            Step::Truncate(path, size) => {
                nix::unistd::truncate(&at(path), size.cast_signed())?;
                Ok(String::new())
            }
            Step::Mkdir(path) => fs::create_dir(at(path)).map(|()| String::new()),
            Step::Rmdir(path) => fs::remove_dir(at(path)).map(|()| String::new()),
            Step::Unlink(path) => fs::remove_file(at(path)).map(|()| String::new()),
            Step::Rename(from, to) => fs::rename(at(from), at(to)).map(|()| String::new()),
            Step::Read(path) => fs::read(at(path)).map(|bytes| digest(&bytes)),
            Step::List(path) => list(&at(path)),
            Step::Size(path) => {
                let told = fs::symlink_metadata(at(path))?;
                Ok(match told.is_dir() {
                    true => "directory".to_owned(),
                    false => told.len().to_string(),
                })
            }
            Step::Open(path, slot) => {
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .open(at(path))?;
                self.open.insert(*slot, file);
                Ok(String::new())
            }
            Step::WriteOpen(slot, offset, bytes) => match self.open.get(slot) {
                Some(file) => file.write_all_at(bytes, *offset).map(|()| String::new()),
                None => Ok(String::new()),
            },
            Step::ReadOpen(slot) => match self.open.get_mut(slot) {
                Some(file) => {
                    let len = file.metadata()?.len();
                    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
                    file.read_exact_at(&mut bytes, 0)?;
                    Ok(digest(&bytes))
                }
                None => Ok(String::new()),
            },
            Step::Sync(slot) => match self.open.get(slot) {
                Some(file) => file.sync_all().map(|()| String::new()),
                None => Ok(String::new()),
            },
            Step::Close(slot) => {
                self.open.remove(slot);
                Ok(String::new())
            }
        }
    }

    fn told(&mut self, step: &Step) -> String {
        match self.do_step(step) {
            Ok(text) => text,
            Err(error) => match error.raw_os_error() {
                Some(code) => format!("{:?}", nix::errno::Errno::from_raw(code)),
                None => error.to_string(),
            },
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(7u64, |sum, byte| {
        sum.wrapping_mul(1_000_003).wrapping_add(u64::from(*byte))
    });
    format!("{} bytes {sum:x}", bytes.len())
}

fn list(path: &Path) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        names.push(format!(
            "{:?} {}",
            entry.file_name(),
            entry.file_type()?.is_dir()
        ));
    }
    names.sort();
    Ok(names.join("\n"))
}

/// Everything below a folder.
fn tree(path: &Path, out: &mut Vec<String>, root: &Path) {
    let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let at = entry.path();
        let name = at.strip_prefix(root).unwrap().display().to_string();
        if entry.file_type().unwrap().is_dir() {
            out.push(format!("{name}/"));
            tree(&at, out, root);
        } else {
            let mut bytes = Vec::new();
            File::open(&at).unwrap().read_to_end(&mut bytes).unwrap();
            out.push(format!("{name} {}", digest(&bytes)));
        }
    }
}

fn compare(mount: &Path, disk: &Path, seed: u64, steps: usize) {
    let mut dice = Dice(seed);
    let side = |root: &Path| Side {
        root: root.to_owned(),
        open: BTreeMap::new(),
    };
    let (mut left, mut right) = (side(mount), side(disk));
    let mut done = Vec::new();
    for i in 0..steps {
        let step = step(&mut dice);
        let (got, wanted) = (left.told(&step), right.told(&step));
        let short = format!("{step:?}");
        done.push(short.chars().take(80).collect::<String>());
        let last = &done[done.len().saturating_sub(40)..];
        assert_eq!(got, wanted, "seed {seed}, step {i}, after {last:#?}");
    }
    left.open.clear();
    right.open.clear();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    tree(mount, &mut a, mount);
    tree(disk, &mut b, disk);
    assert_eq!(a, b, "seed {seed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_like_a_disk() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    for seed in [1, 2, 3] {
        let disk = tempfile::tempdir().unwrap();
        let root = mounted.at(&format!("mfs/seed-{seed}"));
        let there = disk.path().to_owned();
        tokio::task::spawn_blocking(move || {
            fs::create_dir(&root).unwrap();
            compare(&root, &there, seed, 300);
        })
        .await
        .unwrap();
    }
    mounted.end().await;
}
