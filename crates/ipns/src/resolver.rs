//! From a path of `/ipns` to one that does not change.

use std::collections::HashMap;
use std::time::Duration;

use basalt_block::{Base, Cid, Version, cid_text, codec, parse_cid};
use basalt_ipld::{Namespace, Path};

use crate::{Error, Name, Result, Store};

/// How many names are followed, one to the next.
pub const DEPTH: u32 = 32;

/// The longest domain name, and the longest label in one.
const MAX_DOMAIN: usize = 253;
const MAX_LABEL: usize = 63;

/// Follows names.
#[derive(Clone)]
pub struct Resolver {
    store: Store,
    /// What the environment says, or what is wrong with what it says.
    given: std::sync::Arc<Result<HashMap<String, Path>, String>>,
}

/// Where a path of `/ipns` leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The path.
    pub path: Path,
    /// Whether it begins with yet another name, because no more were to be followed.
    pub mutable: bool,
    /// For how long the answer may be kept: as long as every name on the way says. Zero when nobody
    /// says anything.
    pub ttl: Duration,
}

impl Resolver {
    /// Follows names through the records in `store`. `given` has names of its own, as
    /// `name:path,name:path`, the way `IPFS_NS_MAP` has them; they come first.
    pub fn new(store: Store, given: Option<&str>) -> Self {
        let pairs = given.unwrap_or_default().split(',');
        let given = pairs
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, path) = pair
                    .split_once(':')
                    .ok_or_else(|| format!("{pair:?} has no path"))?;
                let path = Path::parse(path).map_err(|e| e.to_string())?;
                Ok((name.to_owned(), path))
            })
            .collect();
        Self {
            store,
            given: std::sync::Arc::new(given),
        }
    }

    /// The records.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Follows at most `depth` names, one to the next. A path that begins with a CID is answered
    /// as it is.
    ///
    /// # Errors
    /// Why a name means nothing.
    pub async fn resolve(&self, path: &Path, depth: u32) -> Result<Resolution> {
        let mut path = path.clone();
        let mut ttl = Duration::ZERO;
        for _ in 0..depth {
            if !path.is_mutable() {
                break;
            }
            let (next, kept) = self.step(&path).await?;
            path = next;
            ttl = match ttl.min(kept) {
                Duration::ZERO => ttl.max(kept),
                shorter => shorter,
            };
        }
        Ok(Resolution {
            mutable: path.is_mutable(),
            path,
            ttl,
        })
    }

    /// Follows names until there is none left.
    ///
    /// # Errors
    /// [`Error::Recursion`] after [`DEPTH`] names, or why a name means nothing.
    pub async fn resolve_all(&self, path: &Path) -> Result<Path> {
        Ok(self.resolve_all_with_ttl(path).await?.0)
    }

    /// As [`Resolver::resolve_all`]; tells also for how long the answer may be kept.
    ///
    /// # Errors
    /// The same.
    pub async fn resolve_all_with_ttl(&self, path: &Path) -> Result<(Path, Duration)> {
        let end = self.resolve(path, DEPTH).await?;
        if end.mutable {
            return Err(Error::Recursion);
        }
        Ok((end.path, end.ttl))
    }

    async fn step(&self, path: &Path) -> Result<(Path, Duration)> {
        let root = path.root().into_owned();
        let given = self
            .given
            .as_ref()
            .as_ref()
            .map_err(|e| Error::StaticNames(e.clone()))?;
        let (base, ttl) = match given.get(&root) {
            Some(base) => (base.clone(), Duration::ZERO),
            None => self.meaning(&root).await?,
        };
        Ok((join(base, path)?, ttl))
    }

    async fn meaning(&self, root: &str) -> Result<(Path, Duration)> {
        if let Ok(name) = root.parse::<Name>() {
            let record = self.store.get(&name).await?.ok_or(Error::NoRecord)?;
            return Ok((record.value()?, record.kept_for()));
        }
        if is_domain(root) {
            return Err(Error::NoDnsLink(root.to_owned()));
        }
        match parse_cid(root) {
            Ok((cid, _)) if cid.version() == Version::V1 && cid.codec() != codec::LIBP2P_KEY => {
                let key = Cid::new_v1(codec::LIBP2P_KEY, *cid.hash());
                Err(Error::NotAKey(cid_text(&key, Base::Base32Lower)))
            }
            _ => Err(Error::NotAName(root.to_owned())),
        }
    }
}

/// What follows the name in `path`, behind what the name means.
fn join(base: Path, path: &Path) -> Result<Path> {
    debug_assert_eq!(path.namespace(), Namespace::Ipns);
    let mut segments: Vec<&[u8]> = path.segments().collect();
    if path.has_trailing_slash() {
        segments.push(b"");
    }
    match segments.as_slice() {
        [] => Ok(base),
        segments => Ok(base.join(segments)?),
    }
}

/// Whether the text could be asked for in the DNS, whose names are looser than those of hosts.
fn is_domain(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let fits = |label: &str| (1..=MAX_LABEL).contains(&label.len());
    text.len() <= MAX_DOMAIN && text.split('.').all(fits)
}

#[cfg(test)]
mod tests;
