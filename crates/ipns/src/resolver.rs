//! From a path of `/ipns` to one that does not change.

mod better;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use basalt_ipld::{Namespace, Path};
use bytes::Bytes;
use futures::future::join as both;
use tokio::sync::mpsc;

use crate::cache::Cache;
use crate::search::WAITING;
use crate::{Dns, Error, Find, Name, Record, Result, Search, Store, Stored};

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
    given: Arc<Result<HashMap<String, Path>, String>>,
    network: Arc<OnceLock<Arc<dyn Search>>>,
    cache: Arc<Cache>,
    /// Who is asked for what domains mean.
    dns: Option<Arc<dyn Dns>>,
    gate: Option<Gate>,
}

/// Refuses paths whose names are not to be followed.
pub type Gate =
    Arc<dyn Fn(&Path) -> Result<(), Arc<dyn std::error::Error + Send + Sync>> + Send + Sync>;

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
            given: Arc::new(given),
            network: Arc::default(),
            cache: Arc::default(),
            dns: None,
            gate: None,
        }
    }

    /// Remembers at most so many names, and none for longer.
    pub fn remember(mut self, most: usize, longest: Option<Duration>) -> Self {
        self.cache = Arc::new(Cache::new(most, longest));
        self
    }

    /// Asks other nodes from now on, also in what was cloned before. Only the first counts.
    pub fn ask(&self, network: Arc<dyn Search>) {
        let _ = self.network.set(network);
    }

    /// Notes that this node has published a record.
    pub fn published(&self, name: Name, record: Record) {
        self.cache.put(name, record);
    }

    /// Keeps a record that came by itself, and answers with it from now on if it is the best.
    ///
    /// # Errors
    /// It is not a valid one of the name's, or the store fails.
    pub async fn learn(&self, name: Name, bytes: Bytes) -> Result<Stored> {
        let stored = self.store.put(&name, bytes.clone()).await?;
        if stored == Stored::Best {
            self.cache.put(name, Record::decode(bytes)?);
        }
        Ok(stored)
    }

    /// The same, which asks `dns` for what domains mean.
    pub fn with_dns(mut self, dns: Arc<dyn Dns>) -> Self {
        self.dns = Some(dns);
        self
    }

    /// The same, which does not follow what `gate` refuses.
    pub fn gated(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self
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
    pub async fn resolve(&self, path: &Path, depth: u32, find: &Find) -> Result<Resolution> {
        let (out, mut better) = mpsc::channel(WAITING);
        let last = async {
            let mut last = None;
            while let Some(end) = better.recv().await {
                last = Some(end);
            }
            last
        };
        let (ended, last) = both(self.resolve_better(path, depth, find, out), last).await;
        ended?;
        last.ok_or(Error::NoRecord)
    }

    /// Follows names until there is none left.
    ///
    /// # Errors
    /// [`Error::Recursion`] after [`DEPTH`] names, or why a name means nothing.
    pub async fn resolve_all(&self, path: &Path, find: &Find) -> Result<Path> {
        Ok(self.resolve_all_with_ttl(path, find).await?.0)
    }

    /// As [`Resolver::resolve_all`]; tells also for how long the answer may be kept.
    ///
    /// # Errors
    /// The same.
    pub async fn resolve_all_with_ttl(&self, path: &Path, find: &Find) -> Result<(Path, Duration)> {
        let end = self.resolve(path, DEPTH, find).await?;
        if end.mutable {
            return Err(Error::Recursion);
        }
        Ok((end.path, end.ttl))
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
