use std::path::PathBuf;
use std::sync::Arc;

use basalt_blockstore::{Blockstore, Datastore, Measured, MemoryStore};
use basalt_blockstore_rocks::{Options, RocksStore};
use basalt_denylist::Denylists;
use basalt_exchange::{Announced, BlockService, Exchange, Late, Refusal};
use basalt_filestore::Filestore;
use basalt_ipns::{Dns, Resolver, Store};
use basalt_pin::Pins;
use basalt_repo::{Config, Repo};

use crate::dns;
use crate::files;
use crate::node::Parts;
use crate::{Node, Result};

/// Where in the repo's data directory the store lies.
pub(crate) const STORE_DIR: &str = "store";

/// How a node is opened. Without a repo it keeps everything in memory.
#[derive(Default, Clone)]
pub struct NodeBuilder {
    repo: Option<PathBuf>,
    config_file: Option<PathBuf>,
    exchange: Option<Arc<dyn Exchange>>,
    memory_budget: Option<usize>,
    agent_suffix: Option<String>,
    denied: Denylists,
}

impl NodeBuilder {
    /// The folder of the repo, which must have been initialised.
    pub fn repo(mut self, path: impl Into<PathBuf>) -> Self {
        self.repo = Some(path.into());
        self
    }

    /// A configuration file that is not the repo's own.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_file = Some(path.into());
        self
    }

    /// Where blocks come from that are not in the store; without one the node is offline until its
    /// network is started.
    pub fn exchange(mut self, exchange: Arc<dyn Exchange>) -> Self {
        self.exchange = Some(exchange);
        self
    }

    /// Bytes of memory that the store may fill under full load; in place of what `basalt.json` says.
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.memory_budget = Some(bytes);
        self
    }

    /// What is added to the agent version, unless the setting `Version.AgentSuffix` says.
    pub fn agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.agent_suffix = Some(suffix.into());
        self
    }

    /// Content that the node does not give out: paths to it are not followed, its blocks are neither
    /// read nor written one by one.
    pub fn denylists(mut self, denied: Denylists) -> Self {
        self.denied = denied;
        self
    }

    /// Opens the node: takes the repo's lock and opens its store.
    pub async fn open(self) -> Result<Node> {
        let late = Arc::new(Late::default());
        let exchange = self.exchange.clone().unwrap_or_else(|| late.clone());
        let Some(path) = self.repo.clone() else {
            let store = Arc::new(MemoryStore::default());
            let pins = Pins::new(store.clone(), store.clone());
            let told = Arc::new(Announced::new(store.clone(), exchange.clone()));
            let blocks = gated(BlockService::new(told, exchange), &self.denied);
            let records: Arc<dyn Datastore> = store;
            let dns = dns::resolvers(None);
            return Ok(Node::assemble(Parts {
                files: files::assemble(None, &blocks, &records, pins.collector()),
                pins,
                names: names(records.clone(), None, dns.clone(), &self.denied),
                dns,
                denied: self.denied,
                blocks,
                late,
                records,
                filestore: None,
                meter: None,
                rocks: None,
                repo: None,
                agent_suffix: self.agent_suffix,
            }));
        };
        let (agent_suffix, denied) = (self.agent_suffix.clone(), self.denied.clone());
        let (repo, rocks) = tokio::task::spawn_blocking(move || self.open_disk(path)).await??;
        let rocks = Arc::new(rocks);
        let measured = Measured::new(rocks.clone(), rocks.clone());
        let meter = measured.meter().clone();
        let measured = Arc::new(measured);
        let records: Arc<dyn Datastore> = measured.clone();
        // Only these keys are needed here: a bad value elsewhere does not keep a node from opening.
        let hash_on_read = repo.config().flag("Datastore.HashOnRead").unwrap_or(false);
        let filestore = filestore(&repo, &measured).await?;
        let store: Arc<dyn Blockstore> = match &filestore {
            Some(filestore) => Arc::new(filestore.clone()),
            None => measured,
        };
        let pins = Pins::new(records.clone(), store.clone());
        let told = Arc::new(Announced::new(store, exchange.clone()));
        let blocks = BlockService::new(told, exchange).hash_on_read(hash_on_read);
        let blocks = gated(blocks, &denied);
        let config = repo.config();
        let dns = dns::resolvers(Some(&config));
        Ok(Node::assemble(Parts {
            files: files::assemble(Some(&config), &blocks, &records, pins.collector()),
            pins,
            names: names(records.clone(), Some(&config), dns.clone(), &denied),
            dns,
            denied,
            blocks,
            late,
            records,
            filestore,
            meter: Some(meter),
            rocks: Some(rocks),
            repo: Some(repo),
            agent_suffix,
        }))
    }

    fn open_disk(self, path: PathBuf) -> Result<(Repo, RocksStore)> {
        let repo = Repo::open(&path, self.config_file.as_deref())?;
        let mut options = Options::new(repo.data_dir().join(STORE_DIR));
        let settled = repo.settings().store.memory_budget;
        if let Some(bytes) = self.memory_budget.or(settled) {
            options.memory_budget = bytes;
        }
        let store = RocksStore::open(options)?;
        Ok((repo, store))
    }
}

/// References to files, if the settings allow them. Paths are relative to the folder that the repo
/// lies in.
async fn filestore(repo: &Repo, store: &Arc<Measured>) -> Result<Option<Filestore>> {
    let config = repo.config();
    let on = |key| config.flag(key).unwrap_or(false);
    let (files, urls) = (
        on("Experimental.FilestoreEnabled"),
        on("Experimental.UrlstoreEnabled"),
    );
    if !files && !urls {
        return Ok(None);
    }
    let path = std::path::absolute(repo.path()).unwrap_or_else(|_| repo.path().to_owned());
    let root = path.parent().unwrap_or(&path).to_owned();
    let options = basalt_filestore::Options { root, files, urls };
    let store = Filestore::open(store.clone(), store.clone(), options).await?;
    Ok(Some(store))
}

/// Names that come before all others, as `name:path,name:path`.
const NAMES_VARIABLE: &str = "IPFS_NS_MAP";

/// Names that are remembered where `Ipns.ResolveCacheSize` does not say.
const REMEMBERED: usize = 128;

fn names(
    records: Arc<dyn Datastore>,
    config: Option<&Config>,
    dns: Arc<dyn Dns>,
    denied: &Denylists,
) -> Resolver {
    let given = std::env::var(NAMES_VARIABLE).ok();
    let mut names = Resolver::new(Store::new(records), given.as_deref()).with_dns(dns);
    if let Some(config) = config {
        let most = config.integer("Ipns.ResolveCacheSize");
        let most = most.and_then(|most| usize::try_from(most).ok());
        let most = most.filter(|most| *most > 0).unwrap_or(REMEMBERED);
        names = names.remember(most, dns::longest_kept(config));
    }
    if denied.are_off() {
        return names;
    }
    let denied = denied.clone();
    names.gated(Arc::new(move |path| {
        denied.check_path(path).map_err(|e| Arc::new(e) as Refusal)
    }))
}

/// The service as [`Node::blocks`] gives it.
fn gated(blocks: BlockService, denied: &Denylists) -> BlockService {
    if denied.are_off() {
        return blocks;
    }
    let denied = denied.clone();
    blocks.gated(Arc::new(move |cid| {
        denied.check_cid(cid).map_err(|e| Arc::new(e) as Refusal)
    }))
}
