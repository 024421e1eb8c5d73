//! Documents of `auto` values that were fetched, in the repo's folder `autoconf`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::AutoValues;
use crate::{Error, durable};

const FOLDER: &str = "autoconf";
/// How many documents are kept.
const KEPT: usize = 3;
/// A document larger than this is not read.
const MOST: u64 = 2 << 20;
/// What the server said of the last document, and when it was last asked.
const ETAG: &str = ".etag";
const LAST_MODIFIED: &str = ".last-modified";
const LAST_REFRESH: &str = ".last-refresh";

/// The documents of one server.
#[derive(Debug, Clone)]
pub struct AutoCache(PathBuf);

/// What a server says of a document, for the next time that it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
}

impl AutoCache {
    /// What the repo in `repo` has of the server at `url`.
    pub fn new(repo: &Path, url: &str) -> Self {
        Self(repo.join(FOLDER).join(format!("{:016x}", fnv(url))))
    }

    /// The newest document; `None` where there is none that can be followed.
    pub fn values(&self) -> Option<AutoValues> {
        match AutoValues::parse(&self.text()?) {
            Ok(values) => Some(values),
            Err(error) => {
                tracing::warn!(target: "basalt::config", %error, "the document of auto values that is kept cannot be used");
                None
            }
        }
    }

    fn text(&self) -> Option<Vec<u8>> {
        let newest = self.documents().into_iter().next()?;
        durable::read_limited(&newest, MOST).ok()??.ok()
    }

    /// How long ago the server was asked; `None` where it never answered.
    pub fn age(&self) -> Option<Duration> {
        let asked = fs::metadata(self.0.join(LAST_REFRESH))
            .ok()?
            .modified()
            .ok()?;
        // A clock that was set back: as good as just now.
        Some(SystemTime::now().duration_since(asked).unwrap_or_default())
    }

    /// What the server said of the newest document.
    pub fn validators(&self) -> Validators {
        let line = |name: &str| {
            let text = durable::read_limited(&self.0.join(name), 4096)
                .ok()??
                .ok()?;
            let text = String::from_utf8(text).ok()?.trim().to_owned();
            Some(text).filter(|text| !text.is_empty())
        };
        match self.values() {
            None => Validators::default(),
            Some(_) => Validators {
                etag: line(ETAG),
                last_modified: line(LAST_MODIFIED),
            },
        }
    }

    /// Notes that the server was asked just now, and has nothing new.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn touch(&self) -> Result<(), Error> {
        self.make()?;
        durable::write_volatile(&self.0.join(LAST_REFRESH), b"", 0o600)
    }

    /// Keeps a document that was fetched just now, and forgets old ones.
    ///
    /// # Errors
    ///
    /// [`Error::AutoConf`] for one that cannot be followed, which is not kept; the files cannot be
    /// written.
    pub fn store(&self, text: &[u8], said: &Validators) -> Result<AutoValues, Error> {
        let values = AutoValues::parse(text)?;
        self.make()?;
        if self.text().as_deref() != Some(text) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let mut name = now.unwrap_or_default().as_secs();
            // The newest has the greatest name, whatever the clock does.
            if let Some(newest) = self.documents().first().and_then(|path| number(path)) {
                name = name.max(newest + 1);
            }
            let path = self.0.join(format!("autoconf-{name}.json"));
            durable::write(&path, text, 0o600)?;
        }
        for (name, value) in [(ETAG, &said.etag), (LAST_MODIFIED, &said.last_modified)] {
            let path = self.0.join(name);
            match value {
                Some(value) => durable::write_volatile(&path, value.as_bytes(), 0o600)?,
                None => durable::remove(&path)?,
            }
        }
        self.touch()?;
        for old in self.documents().into_iter().skip(KEPT) {
            durable::remove(&old)?;
        }
        Ok(values)
    }

    fn make(&self) -> Result<(), Error> {
        fs::create_dir_all(&self.0).map_err(Error::io("create", &self.0))
    }

    /// The documents, the newest first.
    fn documents(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries
            .map(|entry| entry.path())
            .filter_map(|path| Some((number(&path)?, path)))
            .collect();
        found.sort_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, path)| path).collect()
    }
}

/// The number in the name of a document.
fn number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let digits = name.strip_prefix("autoconf-")?.strip_suffix(".json")?;
    digits.parse().ok()
}

/// FNV-1a, by which folders of servers are called.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(version: i64) -> Vec<u8> {
        format!(r#"{{"AutoConfVersion":{version},"AutoConfSchema":1}}"#).into_bytes()
    }

    #[test]
    fn the_newest_three_documents_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let cache = AutoCache::new(dir.path(), "https://a.example/");
        assert_eq!((cache.values(), cache.age()), (None, None));
        assert_eq!(cache.validators(), Validators::default());
        let said = |n: i64| Validators {
            etag: Some(format!("\"{n}\"")),
            last_modified: None,
        };
        for version in 1..=5 {
            cache.store(&document(version), &said(version)).unwrap();
            cache.store(&document(version), &said(version)).unwrap();
            assert_eq!(cache.values().unwrap().version, version);
            assert_eq!(cache.validators(), said(version));
        }
        assert_eq!(cache.documents().len(), 3);
        assert!(cache.age().unwrap() < Duration::from_secs(60));
        // What cannot be followed is not kept.
        for bad in [&b""[..], b"{}", b"<html>"] {
            let error = cache.store(bad, &said(9)).unwrap_err();
            assert!(matches!(error, Error::AutoConf(_)), "{error}");
        }
        assert_eq!(cache.values().unwrap().version, 5);
        let other = AutoCache::new(dir.path(), "https://b.example/");
        assert_eq!(other.values(), None);
        // One that was damaged is as good as none, and is asked for again.
        fs::write(&cache.documents()[0], b"{").unwrap();
        assert_eq!(cache.values(), None);
        assert_eq!(cache.validators(), Validators::default());
    }

    #[test]
    fn servers_have_folders() {
        assert_eq!(fnv(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv("a"), 0xaf63_dc4c_8601_ec8c);
        let cache = AutoCache::new(Path::new("/r"), "a");
        assert_eq!(cache.0, Path::new("/r/autoconf/af63dc4c8601ec8c"));
    }
}
