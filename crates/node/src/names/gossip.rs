//! Names over PubSub: every name that is published or looked for is a topic on which its records go
//! round. <https://specs.ipfs.tech/ipns/ipns-pubsub-router/>
//!
//! Whoever reads the topic of a name is asked for its record when it is met, by the fetch protocol; what
//! is known is said again from time to time, for those who missed it.

mod topic;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use basalt_ipns::{Name, Record, Resolver};
use basalt_network::{Handle, Pubsub};
use basalt_repo::config::StartOptions;
use bytes::Bytes;
use futures::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Node, Result};
use topic::Topic;

/// Names that are followed at a time; whose turn is longest ago makes room for a new one.
const NAMES: usize = 4096;

/// The names that are followed over PubSub; cheap to clone.
#[derive(Clone)]
pub struct NameGossip(Arc<Inner>);

struct Inner {
    network: Handle,
    pubsub: Pubsub,
    names: Resolver,
    followed: Mutex<HashMap<Name, Followed>>,
    turns: AtomicU64,
}

/// A name that is followed.
struct Followed {
    topic: Arc<Topic>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// When it was asked for last.
    turn: u64,
}

/// Somebody waits for a record of a name, so that it cannot be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaited;

impl Node {
    /// Exchanges names over PubSub, if `Ipns.UsePubsub` or options say so. Routing must have been
    /// started.
    ///
    /// # Errors
    /// The network has stopped.
    pub async fn start_name_gossip(&self, start: &StartOptions) -> Result<()> {
        let on = self.require_repo()?.config().flag("Ipns.UsePubsub") == Some(true);
        let Some(network) = self.network().cloned() else {
            return Ok(());
        };
        let (Some(pubsub), Some(routing)) = (network.pubsub().cloned(), self.routing()) else {
            return Ok(());
        };
        if !start.names_over_pubsub.unwrap_or(on) {
            return Ok(());
        }
        let gossip = NameGossip(Arc::new(Inner {
            network: network.clone(),
            pubsub,
            names: self.names().clone(),
            followed: Mutex::default(),
            turns: AtomicU64::new(0),
        }));
        let own = gossip.downgrade();
        let lookup = move |key: Bytes| {
            let own = own.upgrade();
            async move { own?.known(&Name::from_routing_key(&key).ok()?).await }.boxed()
        };
        network.serve_fetch(Arc::new(lookup)).await?;
        routing.follow_names(&gossip);
        let _ = self.gossip_slot().set(gossip);
        Ok(())
    }

    /// Names over PubSub, where that is on.
    pub fn name_gossip(&self) -> Option<&NameGossip> {
        self.gossip_slot().get()
    }
}

/// The same for what the node's own parts hold, so that they do not hold each other for ever.
#[derive(Clone)]
pub(crate) struct WeakNameGossip(Weak<Inner>);

impl WeakNameGossip {
    pub(crate) fn upgrade(&self) -> Option<NameGossip> {
        self.0.upgrade().map(NameGossip)
    }
}

impl NameGossip {
    pub(crate) fn downgrade(&self) -> WeakNameGossip {
        WeakNameGossip(Arc::downgrade(&self.0))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Followed>> {
        let followed = &self.0.followed;
        followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names that are followed, sorted.
    pub fn followed(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.lock().keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Follows a name no longer; whether it was.
    ///
    /// # Errors
    /// [`Awaited`].
    pub async fn cancel(&self, name: &Name) -> Result<bool, Awaited> {
        let followed = match self.lock().entry(*name) {
            Entry::Vacant(_) => return Ok(false),
            Entry::Occupied(entry) if entry.get().topic.is_awaited() => return Err(Awaited),
            Entry::Occupied(entry) => entry.remove(),
        };
        followed.stop.cancel();
        // A task that has panicked has ended too.
        let _ = followed.task.await;
        Ok(true)
    }

    /// Follows a name from now on; what comes is kept.
    fn follow(&self, name: Name) -> Arc<Topic> {
        let turn = self.0.turns.fetch_add(1, Ordering::Relaxed);
        let mut all = self.lock();
        if let Some(followed) = all.get_mut(&name) {
            followed.turn = turn;
            return followed.topic.clone();
        }
        if all.len() >= NAMES {
            let left = all.iter().filter(|(_, f)| !f.topic.is_awaited());
            let longest = left.min_by_key(|(_, f)| f.turn).map(|(name, _)| *name);
            if let Some(gone) = longest.and_then(|name| all.remove(&name)) {
                gone.stop.cancel();
            }
        }
        let topic = Arc::new(Topic::new(name));
        let stop = CancellationToken::new();
        let task = topic::run(self.clone(), topic.clone(), stop.clone());
        let followed = Followed {
            topic: topic.clone(),
            stop,
            task: tokio::spawn(task),
            turn,
        };
        all.insert(name, followed);
        topic
    }

    /// Gives a record to all who follow its name.
    ///
    /// # Errors
    /// The network has stopped.
    pub(crate) async fn publish(&self, name: Name, record: Bytes) -> Result<()> {
        let topic = self.follow(name);
        if let Ok(record) = Record::decode(record.clone()) {
            topic.came(record);
        }
        Ok(self.0.pubsub.publish(topic.text(), record).await?)
    }

    /// Follows a name, and gives the records that come from now on; the last one at once.
    pub(crate) fn watch(&self, name: Name) -> watch::Receiver<Option<Record>> {
        self.follow(name).watch()
    }

    /// The best record of a name that is followed.
    async fn known(&self, name: &Name) -> Option<Bytes> {
        let topic = self.lock().get(name).map(|f| f.topic.clone())?;
        if let Some(record) = topic.last() {
            return Some(record.bytes().clone());
        }
        match self.0.names.store().get(name).await {
            Ok(record) => record.map(|record| record.bytes().clone()),
            Err(error) => {
                tracing::error!(target: "basalt::ipns", %name, %error, "a record cannot be read");
                None
            }
        }
    }

    /// Keeps a record that came.
    async fn learn(&self, topic: &Topic, bytes: Bytes) {
        let Some(record) = topic.read(&bytes) else {
            return;
        };
        let (name, bytes) = (topic.name(), record.bytes().clone());
        // Kept first: who waits for it asks the store next.
        if let Err(error) = self.0.names.learn(name, bytes).await {
            tracing::error!(target: "basalt::ipns", %name, %error, "a record that came is not kept");
        }
        topic.came(record);
    }
}
