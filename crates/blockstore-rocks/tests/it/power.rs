//! A power cut loses nothing that was acknowledged.
//!
//! The store lies on an ext4 file system in an image. The image holds only what reached the
//! "device": copied right after an acknowledgement, it is what a power cut would leave. Not run
//! where loop devices cannot be mounted.

use std::path::{Path, PathBuf};
use std::process::Command;

use basalt_block::Block;
use basalt_blockstore::{Batch, Blockstore, Datastore};
use basalt_blockstore_rocks::{Options, RocksStore};
use tempfile::TempDir;

use crate::support::{assert_sound, block, cids, hashes};

struct Mounted {
    at: PathBuf,
}

impl Mounted {
    fn new(image: &Path, at: PathBuf) -> Result<Self, String> {
        std::fs::create_dir_all(&at).unwrap();
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(image)
            .arg(&at))?;
        Ok(Self { at })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if run(Command::new("umount").arg(&self.at)).is_err() {
            let _ = run(Command::new("umount").arg("-l").arg(&self.at));
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(out) if out.status.success() => Ok(()),
        Ok(out) => Err(String::from_utf8_lossy(&out.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn options(path: &Path, direct: bool) -> Options {
    let mut options = Options::new(path);
    options.memory_budget = 16 << 20;
    options.direct_io = direct;
    options
}

struct Lab {
    dir: TempDir,
    disk: Mounted,
    cuts: u32,
}

impl Lab {
    fn new() -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let image = dir.path().join("image");
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(128 << 20).unwrap();
        let mounted = run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image))
            .and_then(|()| Mounted::new(&image, dir.path().join("disk")));
        match mounted {
            Ok(disk) => Some(Self { dir, disk, cuts: 0 }),
            Err(reason) => {
                eprintln!("not run: cannot mount an image: {reason}");
                None
            }
        }
    }

    fn store(&self) -> PathBuf {
        self.disk.at.join("store")
    }

    /// The disk as it would be after a power cut now.
    fn cut(&mut self) -> Mounted {
        self.cuts += 1;
        let image = self.dir.path().join("image");
        let copy = self.dir.path().join(format!("cut-{}", self.cuts));
        let again = self.dir.path().join("again");
        // Copying takes time, in which a compaction may write. Two copies that are the same are
        // both of the moment between them.
        loop {
            for to in [&copy, &again] {
                let mut cp = Command::new("cp");
                run(cp.arg("--sparse=always").arg(&image).arg(to)).unwrap();
            }
            if run(Command::new("cmp").arg("-s").arg(&copy).arg(&again)).is_ok() {
                break;
            }
        }
        let at = self.dir.path().join(format!("disk-{}", self.cuts));
        Mounted::new(&copy, at).unwrap()
    }
}

async fn survives(direct: bool) {
    let Some(mut lab) = Lab::new() else { return };
    let store = RocksStore::open(options(&lab.store(), direct)).unwrap();
    let mut kept: Vec<Block> = Vec::new();
    let mut gone: Vec<Block> = Vec::new();
    for round in 0..12u64 {
        // Small work, which is logged, and bulk imports, which are not, in turns.
        let bulk = round % 3 == 1;
        let (count, size) = if bulk { (60, 130_000) } else { (20, 700) };
        let new: Vec<Block> = (0..count).map(|n| block(round << 32 | n, size)).collect();
        for part in new.chunks(7) {
            store.put_many(part.to_vec()).await.unwrap();
        }
        kept.extend(new);
        if round % 4 == 2 {
            let old: Vec<Block> = kept.drain(..9).collect();
            store.delete_many(&hashes(&old)).await.unwrap();
            gone.extend(old);
        }
        if round % 2 == 0 {
            let mut batch = Batch::default();
            batch.put("round", round.to_string());
            Datastore::write(&store, batch).await.unwrap();
        } else {
            store.sync().await.unwrap();
        }
        let disk = lab.cut();
        let left = RocksStore::open(options(&disk.at.join("store"), direct)).unwrap();
        assert_eq!(left.damage(), None, "round {round}");
        let got = Blockstore::get_many(&left, &cids(&kept)).await.unwrap();
        assert!(
            got.iter().flatten().eq(&kept),
            "round {round}: a block is lost"
        );
        let got = left.stat_many(&cids(&gone)).await.unwrap();
        assert!(got.iter().all(Option::is_none), "round {round}");
        let record = Datastore::get(&left, b"round").await.unwrap().unwrap();
        assert_eq!(record, (round / 2 * 2).to_string());
        assert_sound(&left).await;
        left.close().await;
        drop(disk);
        std::fs::remove_file(lab.dir.path().join(format!("cut-{}", lab.cuts))).unwrap();
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_power_cut() {
    survives(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_power_cut_without_direct_io() {
    survives(false).await;
}
