//! From a path of `/ipns` to one that does not change.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use basalt_block::{Base, Cid, Version, cid_text, codec, parse_cid};
use basalt_ipld::{Namespace, Path};

use futures::future::join as both;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::dns_link::look_up;
use crate::search::{Cache, WAITING};
use crate::{Dns, Error, Find, Name, Record, Result, Search, Store};

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
        if let Some(gate) = self.gate.as_ref().filter(|_| path.is_mutable()) {
            gate(path).map_err(Error::Refused)?;
        }
        let mut path = path.clone();
        let mut ttl = Duration::ZERO;
        for _ in 0..depth {
            if !path.is_mutable() {
                break;
            }
            let (next, kept) = self.step(&path, find).await?;
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

    async fn step(&self, path: &Path, find: &Find) -> Result<(Path, Duration)> {
        let root = path.root().into_owned();
        let given = self
            .given
            .as_ref()
            .as_ref()
            .map_err(|e| Error::StaticNames(e.clone()))?;
        let (base, ttl) = match given.get(&root) {
            Some(base) => (base.clone(), Duration::ZERO),
            None => self.meaning(&root, find).await?,
        };
        Ok((join(base, path)?, ttl))
    }

    /// The best record of a name, as far as can be found out in the time that is given.
    ///
    /// # Errors
    /// [`Error::NoRecord`], or the store fails.
    pub async fn record(&self, name: &Name, find: &Find) -> Result<Record> {
        if find.cached
            && let Some(record) = self.cache.get(name)
        {
            return Ok(record);
        }
        let network = self.network.get().filter(|_| find.online);
        if let Some(network) = network {
            self.search(&**network, name, find).await?;
        }
        let record = self.store.get(name).await?.ok_or(Error::NoRecord)?;
        if network.is_some() {
            self.cache.put(*name, record.clone());
        }
        Ok(record)
    }

    /// Keeps what other nodes know.
    async fn search(&self, network: &dyn Search, name: &Name, find: &Find) -> Result<()> {
        let (out, mut found) = mpsc::channel(WAITING);
        let keep = async {
            while let Some(bytes) = found.recv().await {
                match self.store.put(name, bytes).await {
                    Err(failed @ Error::Store(_)) => return Err(failed),
                    Err(error) => {
                        tracing::debug!(target: "basalt::ipns", %name, %error, "what was found is no record");
                    }
                    Ok(_) => {}
                }
            }
            Ok::<_, Error>(())
        };
        let search = both(network.search(name, find.records, out), keep);
        let ended = match find.time {
            Some(time) => timeout(time, search).await.ok(),
            None => Some(search.await),
        };
        // What was found until then counts.
        let Some((searched, kept)) = ended else {
            return Ok(());
        };
        if let Err(error) = searched {
            tracing::debug!(target: "basalt::ipns", %name, %error, "nobody could be asked");
        }
        kept
    }

    async fn meaning(&self, root: &str, find: &Find) -> Result<(Path, Duration)> {
        if let Ok(name) = root.parse::<Name>() {
            let record = self.record(&name, find).await?;
            return Ok((record.value()?, record.kept_for()));
        }
        if is_domain(root) {
            return match &self.dns {
                Some(dns) => look_up(&**dns, root).await,
                None => Err(Error::DnsLink {
                    domain: format!("{root}."),
                    why: "this resolver does not ask the DNS".to_owned(),
                }),
            };
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
