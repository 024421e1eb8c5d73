//! A store that takes the place of a damaged one.
//!
//! RocksDB neither compacts past a damaged table nor forgets it, so a store with one is rebuilt: what
//! can be read is copied into a new store beside it, and when that is complete, the next opening
//! puts it in the place of the damaged one. A crash at any moment leaves one of the two.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use basalt_blockstore::{Blockstore, Error, Result};

use crate::{Rescued, RocksStore, space};

/// In the new store: it is all there.
const COMPLETE: &str = "COMPLETE";

fn beside(store: &Path, what: &str) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(what);
    store.with_file_name(name)
}

fn new(store: &Path) -> PathBuf {
    beside(store, ".mended")
}

fn old(store: &Path) -> PathBuf {
    beside(store, ".damaged")
}

impl RocksStore {
    /// Copies what can be read of this store into a new one, which takes its place when it is
    /// opened the next time. Nothing may be written to this one any more.
    ///
    /// # Errors
    /// [`Error::Full`] if there is no room for both, and those of writing. What cannot be read is
    /// told in the answer.
    pub async fn rebuild(&self) -> Result<Rescued> {
        let path = self.options().path.clone();
        let usage = self.usage();
        let needed = usage.block_bytes + usage.block_bytes / 16 + (32 << 20);
        if space::free(&path) < needed {
            return Err(Error::Full(format!(
                "a new store beside {} wants {} MB, and {} MB are free",
                path.display(),
                needed / 1_000_000,
                space::free(&path) / 1_000_000,
            )));
        }
        let target = new(&path);
        let mut options = self.options().clone();
        options.path.clone_from(&target);
        let open = move || {
            remove(&target)?;
            Self::open(options)
        };
        let made = self.pool().run(open).await??;
        let rescued = self.rescue_into(&made).await?;
        made.sync().await?;
        made.close().await;
        let complete = move || told(complete(&path), &path);
        self.pool().run(complete).await??;
        Ok(rescued)
    }
}

fn complete(store: &Path) -> io::Result<()> {
    let new = new(store);
    File::create(new.join(COMPLETE))?.sync_all()?;
    File::open(&new)?.sync_all()
}

/// Puts a complete new store in the place of a damaged one, and removes what is left of earlier
/// mending.
pub(crate) fn adopt(store: &Path) -> Result<()> {
    told(replace(store), store)
}

fn told<T>(done: io::Result<T>, store: &Path) -> Result<T> {
    done.map_err(|e| Error::Io(format!("cannot mend {}: {e}", store.display())))
}

fn replace(store: &Path) -> io::Result<()> {
    let (new, old) = (new(store), old(store));
    if new.join(COMPLETE).exists() {
        if store.exists() {
            remove_all(&old)?;
            fs::rename(store, &old)?;
        }
        fs::rename(&new, store)?;
        if let Some(folder) = store.parent() {
            File::open(folder)?.sync_all()?;
        }
    }
    if store.join(COMPLETE).exists() {
        remove_all(&old)?;
        fs::remove_file(store.join(COMPLETE))?;
    }
    remove_all(&new)
}

fn remove(target: &Path) -> Result<()> {
    told(remove_all(target), target)
}

fn remove_all(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(path: &Path, word: &str) {
        fs::create_dir(path).unwrap();
        fs::write(path.join("word"), word).unwrap();
    }

    #[test]
    fn only_a_complete_store_takes_the_place_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let word = || fs::read_to_string(store.join("word")).unwrap();
        adopt(&store).unwrap();
        assert!(!store.exists());
        made(&store, "damaged");
        made(&new(&store), "begun");
        adopt(&store).unwrap();
        assert_eq!(word(), "damaged");
        assert!(!new(&store).exists());
        made(&new(&store), "whole");
        complete(&store).unwrap();
        // A crash has come between the two renames.
        fs::rename(&store, old(&store)).unwrap();
        adopt(&store).unwrap();
        assert_eq!(word(), "whole");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(!store.join(COMPLETE).exists());
    }
}
