//! The keys of IPNS names, one file each: `keystore/key_<name in base32>`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, PrivateKey, durable};

const PREFIX: &str = "key_";

/// What a file is called while it is written, before a number.
const TEMPORARY: &str = ".new-";
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file in the keystore larger than this is no key.
const LIMIT: u64 = 64 * 1024;

/// The directory of keys in a repo.
#[derive(Debug, Clone)]
pub struct Keystore {
    dir: PathBuf,
}

impl Keystore {
    /// Opens the keystore in `dir`, making the directory where it is missing.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::io("mkdir", dir)(e));
            }
            Err(_) => {}
            Ok(()) => durable::sync_parent(dir)?,
        }
        let store = Self::at(dir);
        store.remove_leftovers()?;
        Ok(store)
    }

    /// The keystore in `dir`, for reading: nothing is made or cleaned up, so that this needs no
    /// lock of the repo.
    pub fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Removes what a crash left of keys that were never there.
    fn remove_leftovers(&self) -> Result<(), Error> {
        for entry in fs::read_dir(&self.dir).map_err(Error::io("open", &self.dir))? {
            let entry = entry.map_err(Error::io("read", &self.dir))?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                durable::remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// The keystore in a directory that is there, for reading: makes nothing.
    pub fn existing(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Whether a key of that name is there.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyKeyName`] for an empty name.
    pub fn has(&self, name: &str) -> Result<bool, Error> {
        Ok(self.file(name)?.exists())
    }

    /// The key of that name.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchKey`] when there is none, [`Error::BadKeyFile`] when it cannot be read.
    pub fn get(&self, name: &str) -> Result<PrivateKey, Error> {
        let path = self.file(name)?;
        let bad = |reason: String| Error::BadKeyFile {
            path: path.clone(),
            reason,
        };
        let bytes = durable::read_limited(&path, LIMIT)?
            .ok_or(Error::NoSuchKey)?
            .map_err(|size| bad(format!("it has {size} bytes")))?;
        PrivateKey::read(&bytes).map_err(bad)
    }

    /// Adds a key. When this returns, it is durable; a crash before leaves no half of it.
    ///
    /// # Errors
    ///
    /// [`Error::KeyExists`] when the name is taken.
    pub fn put(&self, name: &str, key: &PrivateKey) -> Result<(), Error> {
        let path = self.file(name)?;
        // Of this process alone: whoever writes has the repo's lock.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = self.dir.join(format!("{TEMPORARY}{number}"));
        durable::remove(&temporary)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(&temporary)
            .map_err(Error::io("open", &temporary))?;
        let written = file.write_all(key.encoded()).and_then(|()| file.sync_all());
        // A link, unlike a rename, refuses to replace what is there.
        let linked = written.and_then(|()| fs::hard_link(&temporary, &path));
        durable::remove(&temporary)?;
        match linked {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(Error::KeyExists),
            Err(e) => Err(Error::io("write", &path)(e)),
            Ok(()) => durable::sync_dir(&self.dir),
        }
    }

    /// Gives the key another name. With `overwrite`, a key that had that name is gone; a crash
    /// never loses the renamed one. Tells whether there was another.
    ///
    /// # Errors
    ///
    /// [`Error::KeyExists`] when the name is taken and may not be overwritten, [`Error::NoSuchKey`].
    pub fn rename(&self, name: &str, new: &str, overwrite: bool) -> Result<bool, Error> {
        let (from, to) = (self.file(name)?, self.file(new)?);
        let overwritten = overwrite && to.exists();
        let done = match overwrite {
            // Renaming a name of the same file over another does nothing, so the old one is removed.
            true => fs::rename(&from, &to).and_then(|()| match fs::remove_file(&from) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
                _ => Ok(()),
            }),
            // Both names, then the new one alone: never none, and nothing is replaced.
            false => fs::hard_link(&from, &to).and_then(|()| fs::remove_file(&from)),
        };
        match done {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(Error::KeyExists),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(Error::NoSuchKey),
            Err(e) => return Err(Error::io("rename", &to)(e)),
            Ok(()) => durable::sync_dir(&self.dir)?,
        }
        Ok(overwritten)
    }

    /// Removes the key of that name.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchKey`] when there is none.
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        let path = self.file(name)?;
        match fs::remove_file(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Error::NoSuchKey),
            Err(e) => Err(Error::io("remove", &path)(e)),
            Ok(()) => durable::sync_dir(&self.dir),
        }
    }

    /// The names of all keys, sorted. Files with other names are passed over.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<String>, Error> {
        let entries = fs::read_dir(&self.dir).map_err(Error::io("open", &self.dir))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::io("read", &self.dir))?;
            names.extend(entry.file_name().to_str().and_then(decode_name));
        }
        names.sort();
        Ok(names)
    }

    fn file(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.dir.join(encode_name(name)?))
    }
}

fn encode_name(name: &str) -> Result<String, Error> {
    if name.is_empty() {
        return Err(Error::EmptyKeyName);
    }
    Ok(format!(
        "{PREFIX}{}",
        multibase::Base::Base32Lower.encode(name)
    ))
}

fn decode_name(file: &str) -> Option<String> {
    let encoded = file.strip_prefix(PREFIX)?.to_ascii_lowercase();
    let bytes = multibase::Base::Base32Lower.decode(encoded).ok()?;
    String::from_utf8(bytes)
        .ok()
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyAlgorithm;

    #[test]
    fn keys_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let store = Keystore::open(&dir.path().join("keystore")).unwrap();
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519, None).unwrap();
        assert!(matches!(store.get("a"), Err(Error::NoSuchKey)));
        store.put("b/../x", &key).unwrap();
        store.put("a", &key).unwrap();
        assert!(matches!(store.put("a", &key), Err(Error::KeyExists)));
        assert!(matches!(store.put("", &key), Err(Error::EmptyKeyName)));
        fs::write(dir.path().join("keystore/README"), "").unwrap();
        assert_eq!(store.list().unwrap(), ["a", "b/../x"]);
        assert_eq!(store.get("b/../x").unwrap().peer_id(), key.peer_id());
        assert!(store.has("a").unwrap());
        store.delete("a").unwrap();
        assert!(matches!(store.delete("a"), Err(Error::NoSuchKey)));
        assert_eq!(store.list().unwrap(), ["b/../x"]);
        // Two names of one file are renamed away too.
        assert!(!store.rename("b/../x", "c", true).unwrap());
        store.put("d", &key).unwrap();
        assert!(matches!(
            store.rename("c", "d", false),
            Err(Error::KeyExists)
        ));
        assert!(store.rename("c", "d", true).unwrap());
        assert!(matches!(
            store.rename("c", "e", true),
            Err(Error::NoSuchKey)
        ));
        assert!(!store.rename("d", "e", false).unwrap());
        assert_eq!(store.list().unwrap(), ["e"]);
        let mode = fs::metadata(store.file("e").unwrap()).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&mode) & 0o777, 0o400);
        // What a crash leaves goes when the keystore is opened again.
        fs::write(dir.path().join("keystore/.new-7"), "half a k").unwrap();
        Keystore::open(&dir.path().join("keystore")).unwrap();
        assert!(!dir.path().join("keystore/.new-7").exists());
        // Kubo's name for the key "self2".
        assert_eq!(encode_name("self2").unwrap(), "key_onswyzrs");
        fs::write(dir.path().join("keystore/key_onswyzrs"), "junk").unwrap();
        let error = store.get("self2").unwrap_err().to_string();
        assert!(
            error.starts_with("cannot deserialize private key file"),
            "{error}"
        );
    }
}
