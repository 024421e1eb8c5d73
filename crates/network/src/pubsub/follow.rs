//! Topics with a rule of their own for what counts, and the peers that come to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;
use tokio::sync::mpsc;

use super::{Hub, Message, Subscription};

/// Peers that have come and wait to be heard of; one more is passed over.
const JOINING: usize = 256;

/// What becomes of a message that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is read, and goes on to other peers.
    Accept,
    /// It is forgotten.
    Ignore,
    /// It is forgotten, and speaks against who sent it.
    Reject,
}

/// Decides about the messages of a topic by what they say. It is called for one after the other, and must
/// not block.
pub type Judge = Arc<dyn Fn(&[u8]) -> Judgement + Send + Sync>;

#[derive(Clone)]
struct Follower {
    judge: Judge,
    joined: mpsc::Sender<PeerId>,
}

/// Those who follow a topic; one for each.
#[derive(Default)]
pub(super) struct Followers(Mutex<HashMap<String, Follower>>);

impl Followers {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Follower>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the topic's rule says of a message; all counts where there is none.
    pub(super) fn judge(&self, message: &Message) -> Judgement {
        let judge = self.lock().get(&message.topic).map(|f| f.judge.clone());
        judge.map_or(Judgement::Accept, |judge| judge(&message.data))
    }

    /// A peer reads a topic from now on.
    pub(super) fn joined(&self, topic: &str, peer: PeerId) {
        if let Some(follower) = self.lock().get(topic) {
            let _ = follower.joined.try_send(peer);
        }
    }
}

/// Something that happened in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A message that counts.
    Message(Arc<Message>),
    /// A peer reads the topic; those that did before come first.
    Joined(PeerId),
}

/// A topic that is followed, until this is dropped.
pub struct Followed {
    messages: Subscription,
    joined: mpsc::Receiver<PeerId>,
    hub: Arc<Hub>,
    topic: String,
    judge: Judge,
}

impl Followed {
    /// What happens next; `None` when the network has been stopped.
    pub async fn next(&mut self) -> Option<Happening> {
        tokio::select! {
            message = self.messages.next() => message.map(Happening::Message),
            Some(peer) = self.joined.recv() => Some(Happening::Joined(peer)),
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let mut all = self.hub.followers.lock();
        // Somebody else may follow it by now.
        let own = |f: &Follower| Arc::ptr_eq(&f.judge, &self.judge);
        if all.get(&self.topic).is_some_and(own) {
            all.remove(&self.topic);
        }
    }
}

impl super::Pubsub {
    /// Reads a topic whose messages count only if `judge` says so, and hears of the peers that read it.
    /// There is one rule for a topic; a second one takes the place of the first.
    ///
    /// # Errors
    /// The topic is too long, or the network has been stopped.
    pub async fn follow(&self, topic: &str, judge: Judge) -> crate::Result<Followed> {
        super::check_topic(topic)?;
        let (joining, joined) = mpsc::channel(JOINING);
        let follower = Follower {
            judge: judge.clone(),
            joined: joining.clone(),
        };
        // The rule first: nothing may come by it.
        self.hub.followers.lock().insert(topic.to_owned(), follower);
        let messages = self.subscribe(topic).await?;
        let followed = Followed {
            messages,
            joined,
            hub: self.hub.clone(),
            topic: topic.to_owned(),
            judge,
        };
        for peer in self.peers(Some(topic)).await? {
            let _ = joining.try_send(peer);
        }
        Ok(followed)
    }
}
