//! PubSub: gossipsub, and who on this node reads what comes.
//!
//! Messages go from the swarm's task through a bounded queue to [`check`], which refuses what a peer
//! sends a second time, and from there to the [`Hub`] of readers. Own messages go to the hub at once.

mod behaviour;
mod check;
mod follow;
mod hub;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use libp2p::PeerId;
use libp2p::gossipsub::{IdentTopic, PublishError};
use tokio::sync::{mpsc, oneshot};

use crate::handle::Ask;
use crate::service::Service;
use crate::{Error, Handle, Result};

pub(crate) use behaviour::{Behaviour, Event, behaviour};
pub(crate) use check::Work;
pub use follow::{Followed, Happening, Judge, Judgement};
pub(crate) use hub::Hub;
pub use hub::Subscription;

/// The largest message, in bytes.
pub const MAX_MESSAGE: usize = (1 << 20) - (4 << 10);
/// The longest topic, in bytes.
pub(crate) const MAX_TOPIC: usize = 1 << 10;
/// Messages that may wait to be checked.
const WAITING: usize = 16 << 10;

/// How PubSub is spoken.
#[derive(Clone)]
pub struct PubsubOptions {
    /// Messages are signed, and only signed ones are read.
    pub signing: bool,
    /// How long a message is known, so that it is not read twice.
    pub seen: Duration,
    /// Where the numbers of the last messages are kept.
    pub numbers: Arc<dyn SequenceNumbers>,
}

/// The greatest sequence number of each author's messages: one with a lower number was there before.
pub trait SequenceNumbers: Send + Sync + 'static {
    /// The number of an author, if there is one.
    fn get(&self, author: PeerId) -> BoxFuture<'_, Option<u64>>;
    /// Keeps numbers.
    fn put(&self, numbers: Vec<(PeerId, u64)>) -> BoxFuture<'_, ()>;
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who wrote it; unsigned ones need not say.
    pub from: Option<PeerId>,
    /// Its number among the messages of its author.
    pub number: Option<u64>,
    /// What it was written to.
    pub topic: String,
    /// What it says.
    pub data: Bytes,
}

/// The part of the network that speaks PubSub; cheap to clone.
#[derive(Clone)]
pub struct Pubsub {
    asks: mpsc::WeakSender<Ask>,
    work: mpsc::Sender<Work>,
    hub: Arc<Hub>,
    peer: PeerId,
}

impl Pubsub {
    /// Begins to check what comes; what the swarm's task receives goes to `work`.
    pub(crate) fn start(options: &PubsubOptions, peer: PeerId, asks: &mpsc::Sender<Ask>) -> Self {
        let (work, queue) = mpsc::channel(WAITING);
        let hub = Arc::new(Hub::default());
        let asks = asks.downgrade();
        let check = check::Check::new(options, hub.clone(), asks.clone());
        tokio::spawn(check.run(queue));
        Self {
            asks,
            work,
            hub,
            peer,
        }
    }

    pub(crate) fn work(&self) -> mpsc::Sender<Work> {
        self.work.clone()
    }

    pub(crate) fn hub(&self) -> Arc<Hub> {
        self.hub.clone()
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Service) -> T + Send + 'static,
    ) -> Result<T> {
        let asks = self.asks.upgrade().ok_or(Error::Stopped)?;
        let (answer, answered) = oneshot::channel();
        let ask: Ask = Box::new(move |service| {
            let _ = answer.send(work(service));
        });
        asks.send(ask).await.map_err(|_| Error::Stopped)?;
        answered.await.map_err(|_| Error::Stopped)
    }

    /// Sends a message to the readers of a topic, here and elsewhere.
    ///
    /// # Errors
    /// It is too long, or no peer takes it.
    pub async fn publish(&self, topic: &str, data: Bytes) -> Result<()> {
        check_topic(topic)?;
        if data.len() > MAX_MESSAGE {
            return Err(Error::MessageTooLong(data.len()));
        }
        let (sent_topic, sent) = (topic.to_owned(), data.to_vec());
        let number = self
            .call(move |service| publish(service, sent_topic, sent))
            .await??;
        let message = Message {
            from: Some(self.peer),
            number: Some(number),
            topic: topic.to_owned(),
            data,
        };
        self.hub.deliver(message);
        Ok(())
    }

    /// Reads a topic until the subscription is dropped.
    ///
    /// # Errors
    /// The topic is too long.
    pub async fn subscribe(&self, topic: &str) -> Result<Subscription> {
        check_topic(topic)?;
        let subscription = self.hub.add(topic, self.asks.clone());
        let topic = topic.to_owned();
        let subscribe = move |service: &mut Service| {
            let gossip = service.swarm.behaviour_mut().pubsub.as_mut();
            gossip.map(|gossip| gossip.subscribe(&IdentTopic::new(topic)))
        };
        match self.call(subscribe).await? {
            Some(Err(error)) => Err(Error::Pubsub(error.to_string())),
            _ => Ok(subscription),
        }
    }

    /// The topics that are read here, sorted.
    pub fn topics(&self) -> Vec<String> {
        self.hub.topics()
    }

    /// The peers that speak PubSub, or those that read a topic.
    ///
    /// # Errors
    /// The network has been stopped.
    pub async fn peers(&self, topic: Option<&str>) -> Result<Vec<PeerId>> {
        let topic = topic.map(|topic| IdentTopic::new(topic).hash());
        self.call(move |service| {
            let gossip = service.swarm.behaviour().pubsub.as_ref();
            gossip.map(|gossip| behaviour::peers(gossip, topic.as_ref()))
        })
        .await
        .map(Option::unwrap_or_default)
    }

    /// Ends every subscription, because the node ends.
    pub fn end_readers(&self) {
        self.hub.clear();
    }

    /// Forgets which messages of an author were there, or of all.
    ///
    /// # Errors
    /// The network has been stopped.
    pub async fn forget(&self, author: Option<PeerId>) -> Result<()> {
        let (done, forgotten) = oneshot::channel();
        let work = Work::Forget(author, done);
        self.work.send(work).await.map_err(|_| Error::Stopped)?;
        forgotten.await.map_err(|_| Error::Stopped)
    }
}

impl Handle {
    /// PubSub, where it is on.
    pub fn pubsub(&self) -> Option<&Pubsub> {
        self.pubsub.as_ref()
    }
}

fn check_topic(topic: &str) -> Result<()> {
    match topic.len() {
        0..=MAX_TOPIC => Ok(()),
        length => Err(Error::TopicTooLong(length)),
    }
}

/// Publishes, and gives the message's number.
fn publish(service: &mut Service, topic: String, data: Vec<u8>) -> Result<u64> {
    let off = || Error::Pubsub("PubSub is off".to_owned());
    let gossip = service.swarm.behaviour_mut().pubsub.as_mut();
    let gossip = gossip.ok_or_else(off)?;
    let number = match gossip.publish(IdentTopic::new(topic), data) {
        Ok(id) => behaviour::number_of(&id),
        // Readers here get it all the same.
        Err(PublishError::NoPeersSubscribedToTopic) => None,
        Err(error) => return Err(Error::Pubsub(error.to_string())),
    };
    let number = number.unwrap_or_else(|| service.last_number.saturating_add(1).max(nanos()));
    service.last_number = number;
    Ok(number)
}

/// Nanoseconds since 1970: what authors begin to count with.
fn nanos() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.ok()
        .and_then(|now| u64::try_from(now.as_nanos()).ok())
        .unwrap_or_default()
}

impl Service {
    /// Passes on what gossipsub has to say.
    pub(crate) fn on_pubsub(&mut self, event: Event) {
        if let (Event::Subscribed { peer_id, topic }, Some(hub)) = (&event, &self.pubsub_hub) {
            hub.followers.joined(topic.as_str(), *peer_id);
        }
        let Some(refused) = behaviour::pass_on(event, self.pubsub_work.as_ref()) else {
            return;
        };
        if let Some(gossip) = self.swarm.behaviour_mut().pubsub.as_mut() {
            behaviour::report(gossip, [refused]);
        }
    }
}
