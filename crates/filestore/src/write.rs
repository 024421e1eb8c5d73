//! Making and deleting references.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use basalt_block::Multihash;
use basalt_blockstore::{Batch, Deleted, Error, Horizon, Result};
use bytes::Bytes;

use crate::row::{self, MAX_PATH, MAX_SIZE, Reference, Row};
use crate::totals::{self, Totals};
use crate::{Broken, Filestore, Status};

/// What is known of a row before it is written.
enum Known {
    Absent,
    There(Row),
    /// It cannot be read, and is written anew.
    Damaged,
}

impl Filestore {
    /// The path that a reference to this place has, if it may have one. `place` is a URL, or the
    /// absolute path of a file.
    pub fn path_of(&self, place: &[u8]) -> Result<Bytes, Broken> {
        let options = &self.0.options;
        let refuse = |text: String| Err(Broken::new(Status::Other, text));
        if place.len() > MAX_PATH {
            return refuse(format!("a path of more than {MAX_PATH} bytes"));
        }
        if row::is_url(place) {
            if !options.urls {
                return refuse(URLS_OFF.into());
            }
            return Ok(Bytes::copy_from_slice(place));
        }
        if !options.files {
            return refuse(FILES_OFF.into());
        }
        let file = lexically_clean(Path::new(OsStr::from_bytes(place)));
        match file.strip_prefix(&options.root) {
            Ok(within) if within.as_os_str() != "" => {
                Ok(Bytes::copy_from_slice(within.as_os_str().as_bytes()))
            }
            _ => refuse(format!(
                "cannot add filestore references outside ipfs root ({})",
                options.root.display()
            )),
        }
    }

    /// Notes where the bytes of blocks are. On return the references are visible and durable. All of
    /// them count as written in the present epoch.
    ///
    /// A reference that is there already is kept, like a block, as long as its bytes can be had; a
    /// broken one is replaced, so that adding a file again mends what moving it broke.
    pub async fn refer(&self, references: Vec<(Multihash, Reference)>) -> Result<()> {
        // The last of two references to one block stays, as in a batch of Kubo's.
        let mut wanted: HashMap<Multihash, Reference> = HashMap::with_capacity(references.len());
        for (hash, reference) in references {
            if reference.size > MAX_SIZE || reference.path.is_empty() {
                let text = "a block that is too large, or nowhere, cannot be referred to";
                return Err(Error::Reference(text.into()));
            }
            wanted.insert(hash, reference);
        }
        let hashes: Vec<Multihash> = wanted.keys().copied().collect();
        let broken = self.broken(&wanted, &hashes).await?;

        // A write that was begun is ended, even when nobody waits for it any more: the totals in memory
        // are those of the record.
        let store = self.clone();
        let write = async move { store.refer_to(wanted, hashes, broken).await };
        tokio::spawn(write).await.map_err(|_| Error::Closed)?
    }

    async fn refer_to(
        &self,
        wanted: HashMap<Multihash, Reference>,
        hashes: Vec<Multihash>,
        broken: HashSet<(Multihash, Reference)>,
    ) -> Result<()> {
        let _turn = self.0.turn.lock().await;
        let known = self.known(&hashes).await?;
        let mut totals = self.totals();
        let mut rows = Vec::with_capacity(hashes.len());
        for (hash, known) in hashes.iter().zip(known) {
            let new = || wanted[hash].clone();
            let reference = match known {
                Known::There(row) if broken.contains(&(*hash, row.reference.clone())) => {
                    totals.remove(row.reference.size);
                    totals.add(wanted[hash].size);
                    new()
                }
                Known::There(row) => row.reference,
                Known::Absent => {
                    totals.add(wanted[hash].size);
                    new()
                }
                // What it counted for is not known; its own size is the best guess.
                Known::Damaged => new(),
            };
            rows.push((row::key(hash), reference));
        }
        // A sweep that began while the rows were written must find them renewed.
        loop {
            let epoch = self.0.epochs.current();
            let mut batch = Batch::default();
            for (key, reference) in &rows {
                let reference = reference.clone();
                batch.put(key.clone(), Row { reference, epoch }.encode());
            }
            self.write(batch, totals).await?;
            if self.0.epochs.current() == epoch {
                return Ok(());
            }
        }
    }

    /// Which of the blocks can be had through a reference; these count as written in the present
    /// epoch.
    pub async fn renew(&self, hashes: &[Multihash]) -> Result<Vec<bool>> {
        let mut sound = Vec::with_capacity(hashes.len());
        let mut renewed = Vec::new();
        for (hash, known) in hashes.iter().zip(self.known(hashes).await?) {
            let reference = match known {
                Known::There(row) => Some(row.reference),
                _ => None,
            };
            let sound_one = match &reference {
                Some(reference) => self.read(hash, reference).await.is_ok(),
                None => false,
            };
            sound.push(sound_one);
            renewed.extend(reference.filter(|_| sound_one).map(|r| (*hash, r)));
        }
        if !renewed.is_empty() {
            self.refer(renewed).await?;
        }
        Ok(sound)
    }

    /// Those references to the blocks that lead somewhere else than wanted, and no longer to the
    /// bytes. Reads them, so that nobody waits for it.
    async fn broken(
        &self,
        wanted: &HashMap<Multihash, Reference>,
        hashes: &[Multihash],
    ) -> Result<HashSet<(Multihash, Reference)>> {
        let mut broken = HashSet::new();
        for (hash, known) in hashes.iter().zip(self.known(hashes).await?) {
            if let Known::There(row) = known
                && row.reference != wanted[hash]
                && self.read(hash, &row.reference).await.is_err()
            {
                broken.insert((*hash, row.reference));
            }
        }
        Ok(broken)
    }

    async fn known(&self, hashes: &[Multihash]) -> Result<Vec<Known>> {
        let keys: Vec<_> = hashes.iter().map(row::key).collect();
        let rows = self.0.records.get_many(&keys).await?;
        let known = |row: Option<Bytes>| match row {
            None => Known::Absent,
            Some(row) => Row::decode(&row).map_or(Known::Damaged, Known::There),
        };
        Ok(rows.into_iter().map(known).collect())
    }

    async fn write(&self, mut batch: Batch, totals: Totals) -> Result<()> {
        batch.put(totals::KEY, totals.encode());
        self.0.records.write(batch).await?;
        self.set_totals(totals);
        Ok(())
    }

    /// Deletes references but for those that the horizon or, without one, a live lease keeps; in the
    /// order of `hashes`. What they point to is left alone.
    pub async fn delete(
        &self,
        hashes: &[Multihash],
        horizon: Option<Horizon>,
    ) -> Result<Vec<Deleted>> {
        let keys: Vec<_> = hashes.iter().map(row::key).collect();
        let seen = self.0.records.get_many(&keys).await?;
        if seen.iter().all(Option::is_none) {
            return Ok(vec![Deleted::Absent; hashes.len()]);
        }
        let (store, hashes) = (self.clone(), hashes.to_vec());
        let delete = async move { store.delete_rows(&hashes, &keys, horizon).await };
        tokio::spawn(delete).await.map_err(|_| Error::Closed)?
    }

    async fn delete_rows(
        &self,
        hashes: &[Multihash],
        keys: &[Bytes],
        horizon: Option<Horizon>,
    ) -> Result<Vec<Deleted>> {
        let mut deleted = vec![Deleted::Absent; hashes.len()];
        let _turn = self.0.turn.lock().await;
        let current = self.0.epochs.current();
        let horizon = horizon.or_else(|| {
            let oldest_kept = self.0.epochs.oldest_lease()?;
            Some(Horizon::of(oldest_kept))
        });
        let mut totals = self.totals();
        let mut batch = Batch::default();
        let mut gone = HashSet::new();
        for (n, known) in self.known(hashes).await?.into_iter().enumerate() {
            let size = match known {
                Known::Absent => continue,
                Known::There(row) if horizon.is_some_and(|h| h.spares(row.epoch, current)) => {
                    deleted[n] = Deleted::Spared;
                    continue;
                }
                Known::There(row) => row.reference.size,
                Known::Damaged => 0,
            };
            if gone.insert(hashes[n]) {
                batch.delete(keys[n].clone());
                totals.remove(size);
                deleted[n] = Deleted::Gone(size);
            }
        }
        if !batch.0.is_empty() {
            self.write(batch, totals).await?;
        }
        Ok(deleted)
    }
}

/// The path without dots, as it is written: no link is followed.
fn lexically_clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

/// Kubo's words when files may not be referred to.
pub(crate) const FILES_OFF: &str = "filestore is not enabled, see https://git.io/vNItf";
/// Kubo's words when URLs may not be referred to.
pub(crate) const URLS_OFF: &str = "urlstore is not enabled";
