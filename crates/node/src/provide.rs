//! Telling other nodes what this one has: at once what is new, and everything again before they forget.
//!
//! What is to be told is not kept in a list of its own. What is new waits in a [queue](queue) as the
//! roots of DAGs; what is told again is read from the store or the pins, part by part of the space, in
//! the [cycle](cycle) that goes over the whole space once an interval.

mod again;
mod cycle;
mod keys;
mod queue;
mod settings;
mod stats;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use basalt_block::Cid;
use basalt_routing::{Effort, Error as Failed, Events, Scope};
use bytes::Bytes;

use crate::{Error, Node, Result, Routing};
use queue::Queue;
pub use settings::{ProvideSettings, Strategy};
use stats::Counters;
pub use stats::ProvideStats;
pub use workers::WorkerStats;
use workers::{Work, Workers};

/// How long a single CID may take to be announced behind a command.
const FAST: Duration = Duration::from_secs(60);
/// How often it is looked whether there is somebody to tell.
const LOOK: Duration = Duration::from_secs(1);

/// How what a command has added is announced.
#[derive(Debug, Clone, Copy, Default)]
pub struct FastProvide {
    /// Whether its root is, at once.
    pub root: bool,
    /// Whether everything below it is, if the strategy would announce it later.
    pub dag: bool,
    /// Whether the command waits for it.
    pub wait: bool,
}

/// What a root is kept by; decides whether the strategy announces it.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeptBy {
    /// It is pinned.
    pub pin: bool,
    /// It is in the file tree.
    pub files: bool,
}

impl KeptBy {
    /// It is pinned, and that is all.
    pub const PIN: Self = Self {
        pin: true,
        files: false,
    };
}

/// What announces; cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    routing: Routing,
    settings: ProvideSettings,
    queue: Queue,
    counters: Counters,
    workers: Workers,
}

impl Node {
    /// Begins to announce what the node has, as `Provide` says, until the node is closed. Routing must
    /// have been started; a node without a DHT announces nothing.
    ///
    /// # Errors
    /// The settings mean nothing.
    pub async fn start_provider(&self) -> Result<()> {
        let Some(routing) = self.routing().filter(|r| r.has_whom_to_tell()) else {
            return Ok(());
        };
        let settings = ProvideSettings::of(&self.require_repo()?.config());
        if settings.enabled
            && let Err(why) = settings.check()
        {
            return Err(Error::RoutingSettings(why.to_owned()));
        }
        let queue = Queue::open(self.records().clone(), &settings.strategy.to_string()).await?;
        let provider = Provider(Arc::new(Inner {
            routing: routing.clone(),
            settings,
            queue,
            counters: Counters::default(),
            workers: Workers::new(settings.workers),
        }));
        if !settings.enabled {
            return Ok(());
        }
        if self.provider_slot().set(provider.clone()).is_ok() {
            tokio::spawn(provider.clone().write_queue(self.clone()));
            tokio::spawn(provider.clone().work_off(self.clone()));
            tokio::spawn(provider.go_round(self.clone()));
        }
        Ok(())
    }

    /// What announces, unless nothing is announced.
    pub fn provider(&self) -> Option<&Provider> {
        self.provider_slot().get()
    }

    /// Announces a root that a command has added, as the command and the strategy say.
    ///
    /// # Errors
    /// With [`FastProvide::wait`], nobody could be told.
    pub async fn fast_provide(&self, root: Cid, how: FastProvide, kept: KeptBy) -> Result<()> {
        let Some(provider) = self.provider() else {
            return Ok(());
        };
        let strategy = &provider.0.settings.strategy;
        if strategy.all || (how.dag && strategy.announces_below(kept)) {
            provider.queue(root, true).await;
        }
        if !how.root || !strategy.announces(kept) {
            return Ok(());
        }
        if how.wait {
            return provider.announce(&root).await;
        }
        let provider = provider.clone();
        tokio::spawn(async move {
            let told = tokio::time::timeout(FAST, provider.announce(&root)).await;
            if let Ok(Err(error)) = told {
                tracing::debug!(target: "basalt::provide", cid = %root, %error, "a root was not announced at once");
            }
        });
        Ok(())
    }

    /// Forgets what waits to be announced for the first time; gives how much that was.
    ///
    /// # Errors
    /// The store fails.
    pub async fn clear_provide_queue(&self) -> Result<u64> {
        match self.provider() {
            Some(provider) => provider.0.queue.clear().await,
            None => queue::clear(&**self.records()).await,
        }
    }
}

impl Provider {
    /// What is to be announced, and how.
    pub fn settings(&self) -> &ProvideSettings {
        &self.0.settings
    }

    /// Has a block announced, and with `below` everything under it that is here.
    pub async fn queue(&self, cid: Cid, below: bool) {
        self.0.queue.push(cid, below).await;
    }

    /// Has a new block announced if every block is, unless so much is new that the next cycle will do.
    pub fn stored(&self, cid: Cid) {
        if self.0.settings.strategy.all {
            self.0.queue.offer(cid);
        }
    }

    /// Announces one block now.
    ///
    /// # Errors
    /// Nobody could be told.
    pub async fn announce(&self, cid: &Cid) -> Result<()> {
        let (key, none) = (cid.hash().to_bytes(), Events::default());
        match self.0.routing.provide(&key, &none).await {
            Ok(0) => Err(Failed::NobodyToAsk.into()),
            Ok(records) => {
                let records = u64::try_from(records).unwrap_or(u64::MAX);
                self.0.counters.told(self.0.routing.active_scope(), records);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn effort(&self) -> Effort {
        Effort {
            peers: self.0.settings.connections,
            time: self.0.settings.send_time,
        }
    }

    fn has_peers(&self) -> bool {
        self.0.routing.can_provide()
    }

    /// Waits until there is somebody to tell; says no when the node is closed.
    async fn wait_for_peers(&self, node: &Node) -> bool {
        while !self.has_peers() {
            self.note_peers();
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = node.closed() => return false,
            }
        }
        self.note_peers();
        true
    }

    /// Notes in which DHT there is somebody to tell.
    fn note_peers(&self) {
        for scope in [Scope::Wan, Scope::Lan] {
            let online = self.0.routing.can_provide_in(scope);
            self.0.counters.online(scope, online);
        }
    }

    /// Announces keys to whoever is to be told, as soon as a worker is there.
    async fn announce_many(&self, keys: Vec<Bytes>, work: Work) -> Result<()> {
        let worker = self.0.workers.get(work).await;
        let going_on = self.0.counters.begin(work, keys.len());
        let told = self.0.routing.provide_each(keys, self.effort()).await?;
        drop((going_on, worker));
        self.0.counters.announced(work, &told);
        Ok(())
    }
}
