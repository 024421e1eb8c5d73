use std::sync::{Arc, OnceLock};
use std::time::Duration;

use basalt_blockstore::{Blockstore, Datastore, Meter, Usage};
use basalt_blockstore_rocks::RocksStore;
use basalt_denylist::Denylists;
use basalt_exchange::{BlockService, Late};
use basalt_filestore::Filestore;
use basalt_ipns::{Dns, Resolver};
use basalt_network::Handle;
use basalt_pin::{Collect, Collection, Pin, Pins, Progress, Source, Summary};
use basalt_repo::Repo;
use basalt_retrieval::Retrieval;
use basalt_unixfs::BlockSource;
use tokio_util::sync::CancellationToken;

use crate::files::Files;
use crate::source::Blocks;
use crate::waits::Waits;
use crate::{Error, NameGossip, NodeBuilder, Provider, Result, Routing, auto_gc};

/// How long closing waits for reads that nobody waits for any more.
const SETTLE: Duration = Duration::from_secs(2);

/// An open node; cheap to clone.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

pub(crate) struct Parts {
    pub(crate) repo: Option<Repo>,
    pub(crate) rocks: Option<Arc<RocksStore>>,
    pub(crate) records: Arc<dyn Datastore>,
    pub(crate) filestore: Option<Filestore>,
    pub(crate) meter: Option<Arc<Meter>>,
    pub(crate) blocks: BlockService,
    /// What the block service asks, unless it was given another exchange.
    pub(crate) late: Arc<Late>,
    pub(crate) pins: Pins,
    pub(crate) files: Files,
    pub(crate) names: Resolver,
    pub(crate) dns: Arc<dyn Dns>,
    pub(crate) agent_suffix: Option<String>,
    pub(crate) denied: Denylists,
}

struct Inner {
    parts: Parts,
    cancel: CancellationToken,
    network: OnceLock<Handle>,
    bitswap: OnceLock<basalt_bitswap::Handle>,
    retrieval: OnceLock<Retrieval>,
    routing: OnceLock<Routing>,
    gossip: OnceLock<NameGossip>,
    provider: OnceLock<Provider>,
}

/// How full the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageStat {
    /// What the store holds and takes.
    pub usage: Usage,
    /// `Datastore.StorageMax` in bytes.
    pub max: u64,
}

impl Node {
    /// Says how to open a node.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }

    pub(crate) fn assemble(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            cancel: CancellationToken::new(),
            network: OnceLock::new(),
            bitswap: OnceLock::new(),
            retrieval: OnceLock::new(),
            routing: OnceLock::new(),
            gossip: OnceLock::new(),
            provider: OnceLock::new(),
        }))
    }

    /// Blocks: the store, then the exchange.
    pub fn blocks(&self) -> &BlockService {
        &self.0.parts.blocks
    }

    /// Blocks for one request, whose fetches belong together; `offline` asks nobody else.
    ///
    /// Where a path begins is checked against the denylists, what lies below is not, as in Kubo: a DAG
    /// that was pinned before one of its blocks was listed can still be walked.
    pub fn blocks_for(&self, offline: bool) -> BlockService {
        let blocks = self.blocks().clone().ungated();
        if offline {
            blocks.offline()
        } else {
            let blocks = blocks.session();
            match Waits::observer() {
                Some(observer) => blocks.observed(observer),
                None => blocks,
            }
        }
    }

    /// Pins, and what collects the rest.
    pub fn pins(&self) -> &Pins {
        &self.0.parts.pins
    }

    pub(crate) fn files_or_why(&self) -> &Files {
        &self.0.parts.files
    }

    /// What names of `/ipns` mean.
    pub fn names(&self) -> &Resolver {
        &self.0.parts.names
    }

    /// What is not given out.
    pub fn denylists(&self) -> &Denylists {
        &self.0.parts.denied
    }

    /// Who is asked about domains.
    pub fn dns(&self) -> &Arc<dyn Dns> {
        &self.0.parts.dns
    }

    pub(crate) fn agent_suffix(&self) -> Option<&str> {
        self.0.parts.agent_suffix.as_deref()
    }

    /// Whether there are other nodes to ask.
    pub fn is_online(&self) -> bool {
        self.network().is_some() || self.blocks().exchange().is_online()
    }

    pub(crate) fn bitswap_slot(&self) -> &OnceLock<basalt_bitswap::Handle> {
        &self.0.bitswap
    }

    pub(crate) fn retrieval_slot(&self) -> &OnceLock<Retrieval> {
        &self.0.retrieval
    }

    /// From now on what is not in the store comes by Bitswap.
    pub(crate) fn fetch_through(&self, bitswap: basalt_bitswap::Handle) {
        self.0.parts.late.set(Arc::new(bitswap.clone()));
        let _ = self.0.bitswap.set(bitswap);
    }

    /// Cancelled when the node is closed.
    pub(crate) fn cancelled(&self) -> CancellationToken {
        self.0.cancel.clone()
    }

    pub(crate) fn network_slot(&self) -> &OnceLock<Handle> {
        &self.0.network
    }

    pub(crate) fn provider_slot(&self) -> &OnceLock<Provider> {
        &self.0.provider
    }

    pub(crate) fn gossip_slot(&self) -> &OnceLock<NameGossip> {
        &self.0.gossip
    }

    pub(crate) fn routing_slot(&self) -> &OnceLock<Routing> {
        &self.0.routing
    }

    /// Small records of the node.
    pub fn records(&self) -> &Arc<dyn Datastore> {
        &self.0.parts.records
    }

    /// The repo, unless the node lives in memory.
    pub fn repo(&self) -> Option<&Repo> {
        self.0.parts.repo.as_ref()
    }

    /// The repo.
    ///
    /// # Errors
    /// A node in memory has none.
    pub fn require_repo(&self) -> Result<&Repo> {
        self.repo()
            .ok_or_else(|| basalt_repo::Error::NoRepo("memory".into()).into())
    }

    /// Blocks as a place that walks and pins read from; `offline` asks nobody else.
    pub fn source(&self, offline: bool) -> Arc<dyn Source> {
        Arc::new(Blocks(self.blocks_for(offline)))
    }

    /// Blocks as a place that files and directories are read from; `offline` asks nobody else.
    pub fn unixfs_source(&self, offline: bool) -> Arc<dyn BlockSource> {
        Arc::new(Blocks(self.blocks_for(offline)))
    }

    /// Pins a block or a DAG, fetching what is missing.
    pub async fn pin(&self, pin: Pin) -> Result<()> {
        Ok(self
            .pins()
            .add(self.source(false), pin, &Progress::default())
            .await?)
    }

    /// Collects garbage, giving what it does as it goes.
    pub fn collection(&self, options: Collect) -> Collection {
        self.pins().collector().collect(options)
    }

    /// Collects garbage to the end.
    pub async fn collect_garbage(&self) -> Result<Summary> {
        Ok(self.collection(Collect::default()).finish().await?)
    }

    /// How full the store is, in constant time.
    pub fn storage(&self) -> Result<StorageStat> {
        let max = match self.repo() {
            Some(repo) => repo.config().datastore()?.storage_max,
            None => u64::MAX,
        };
        Ok(StorageStat {
            usage: self.blocks().store().usage(),
            max,
        })
    }

    /// What is damaged in the store as far as opening it told.
    pub fn damage(&self) -> Option<&str> {
        self.0.parts.rocks.as_ref()?.damage()
    }

    /// Blocks that are references to files and URLs.
    ///
    /// # Errors
    /// The settings do not allow any.
    pub fn filestore(&self) -> Result<&Filestore> {
        self.0.parts.filestore.as_ref().ok_or(Error::NoFilestore)
    }

    /// What was asked of the store so far; nothing is counted in memory.
    pub fn meter(&self) -> Option<&Meter> {
        self.0.parts.meter.as_deref()
    }

    /// The store of the blocks that are kept here, without references.
    pub(crate) fn kept(&self) -> &Arc<dyn Blockstore> {
        match &self.0.parts.filestore {
            Some(store) => store.blocks(),
            None => self.blocks().store(),
        }
    }

    pub(crate) fn rocks(&self) -> Option<&Arc<RocksStore>> {
        self.0.parts.rocks.as_ref()
    }

    /// Begins to collect garbage by itself, as `Datastore.StorageMax`, `StorageGCWatermark` and
    /// `GCPeriod` say, until the node is closed.
    pub fn start_auto_gc(&self) -> Result<()> {
        let Some(repo) = self.repo() else {
            return Ok(());
        };
        let settings = repo.config().datastore()?;
        tokio::spawn(auto_gc::run(self.clone(), settings, self.0.cancel.clone()));
        Ok(())
    }

    /// Ends the node's own work and makes everything durable. The store is closed when the last
    /// clone of the node is dropped.
    pub async fn close(&self) {
        self.0.cancel.cancel();
        if let Some(network) = self.network() {
            network.stop().await;
        }
        if let Ok(files) = self.files()
            && let Err(error) = files.close().await
        {
            tracing::error!(target: "basalt::node", %error, "changes of the file tree were not flushed on closing");
        }
        if let Err(error) = self.blocks().store().sync().await {
            tracing::error!(target: "basalt::node", %error, "the store did not sync on closing");
        }
        if let Some(store) = self.rocks() {
            // A program that ends while a thread reads pulls the store away under it.
            let _ = tokio::time::timeout(SETTLE, store.settle()).await;
        }
    }

    /// Resolves when the node is closed.
    pub async fn closed(&self) {
        self.0.cancel.cancelled().await;
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        std::io::Error::other(error)
    }
}
