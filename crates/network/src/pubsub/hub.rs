//! Who reads which topic.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::gossipsub::IdentTopic;
use tokio::sync::mpsc;

use super::Message;
use super::follow::Followers;
use crate::handle::Ask;

/// Messages that wait for a reader.
const WAITING: usize = 16 << 10;
/// Their bytes.
const BYTES: usize = 64 << 20;

/// The readers, topic by topic.
#[derive(Default)]
pub(crate) struct Hub {
    readers: Mutex<Readers>,
    pub(super) followers: Followers,
}

#[derive(Default)]
struct Readers {
    next: u64,
    topics: BTreeMap<String, Vec<Reader>>,
}

struct Reader {
    id: u64,
    messages: mpsc::Sender<Arc<Message>>,
    waiting: Arc<AtomicUsize>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a reader.
    pub(super) fn add(self: &Arc<Self>, topic: &str, asks: mpsc::WeakSender<Ask>) -> Subscription {
        let (messages, incoming) = mpsc::channel(WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut readers = self.lock();
        let id = readers.next;
        readers.next += 1;
        let reader = Reader {
            id,
            messages,
            waiting: waiting.clone(),
        };
        let of_topic = readers.topics.entry(topic.to_owned()).or_default();
        of_topic.push(reader);
        Subscription {
            hub: self.clone(),
            asks,
            topic: topic.to_owned(),
            id,
            incoming,
            waiting,
        }
    }

    /// Removes all readers, whose subscriptions end.
    pub(super) fn clear(&self) {
        self.lock().topics.clear();
    }

    /// The topics that have a reader.
    pub(super) fn topics(&self) -> Vec<String> {
        self.lock().topics.keys().cloned().collect()
    }

    fn is_read(&self, topic: &str) -> bool {
        self.lock().topics.contains_key(topic)
    }

    /// Gives a message to its readers. One that is far behind loses it.
    pub(super) fn deliver(&self, message: Message) {
        let message = Arc::new(message);
        let size = message.data.len();
        let readers = self.lock();
        for reader in readers.topics.get(&message.topic).into_iter().flatten() {
            let before = reader.waiting.fetch_add(size, Ordering::Relaxed);
            if before + size > BYTES || reader.messages.try_send(message.clone()).is_err() {
                reader.waiting.fetch_sub(size, Ordering::Relaxed);
                tracing::warn!(target: "basalt::pubsub", topic = %message.topic, "a reader is too slow and loses a message");
            }
        }
    }

    /// Removes a reader; whether it was the last of its topic.
    fn remove(&self, topic: &str, id: u64) -> bool {
        let mut readers = self.lock();
        let Some(of_topic) = readers.topics.get_mut(topic) else {
            return false;
        };
        of_topic.retain(|reader| reader.id != id);
        let last = of_topic.is_empty();
        if last {
            readers.topics.remove(topic);
        }
        last
    }
}

/// A reader of a topic, until it is dropped.
pub struct Subscription {
    hub: Arc<Hub>,
    asks: mpsc::WeakSender<Ask>,
    topic: String,
    id: u64,
    incoming: mpsc::Receiver<Arc<Message>>,
    waiting: Arc<AtomicUsize>,
}

impl Subscription {
    /// The next message; `None` when the network has been stopped.
    pub async fn next(&mut self) -> Option<Arc<Message>> {
        let message = self.incoming.recv().await?;
        self.waiting
            .fetch_sub(message.data.len(), Ordering::Relaxed);
        Some(message)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if !self.hub.remove(&self.topic, self.id) {
            return;
        }
        let (Some(asks), Ok(runtime)) =
            (self.asks.upgrade(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (hub, topic) = (self.hub.clone(), std::mem::take(&mut self.topic));
        runtime.spawn(async move {
            let ask: Ask = Box::new(move |service| {
                // Somebody may have come meanwhile.
                if let Some(gossip) = service.swarm.behaviour_mut().pubsub.as_mut()
                    && !hub.is_read(&topic)
                {
                    gossip.unsubscribe(&IdentTopic::new(topic));
                }
            });
            let _ = asks.send(ask).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn message(topic: &str, size: usize) -> Message {
        Message {
            from: None,
            number: None,
            topic: topic.to_owned(),
            data: Bytes::from(vec![0; size]),
        }
    }

    #[tokio::test]
    async fn readers_get_what_is_theirs_and_no_more_than_they_can_hold() {
        let (asks, _kept) = mpsc::channel(1);
        let hub = Arc::new(Hub::default());
        let mut first = hub.add("a", asks.downgrade());
        let second = hub.add("a", asks.downgrade());
        let mut third = hub.add("b", asks.downgrade());
        hub.deliver(message("a", 1));
        hub.deliver(message("c", 2));
        assert_eq!(first.next().await.unwrap().data.len(), 1);
        assert_eq!(hub.topics(), ["a", "b"]);
        for _ in 0..100 {
            hub.deliver(message("a", 1 << 20));
        }
        assert_eq!(first.waiting.load(Ordering::Relaxed), BYTES);
        drop(second);
        assert!(hub.is_read("a"));
        drop(first);
        assert_eq!(hub.topics(), ["b"]);
        hub.clear();
        assert!(third.next().await.is_none());
    }
}
