//! Which messages are new: those whose number is greater than any of their author's before.
//!
//! Gossipsub itself knows messages for two minutes. A network whose diameter is longer than that would
//! send them round for ever, and anybody could repeat an old one; numbers that are kept on disk end both.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use libp2p::gossipsub::{MessageAcceptance, MessageId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::behaviour::{Verdict, report};
use super::{Hub, Judgement, Message, PubsubOptions, SequenceNumbers};
use crate::handle::Ask;

/// Authors whose numbers are held in memory.
const AUTHORS: usize = 16 << 10;
/// Messages that are checked at once.
const AT_ONCE: usize = 256;
/// How often numbers are written.
const WRITE: Duration = Duration::from_secs(1);

/// What there is to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// A message came from a peer.
    Message(MessageId, PeerId, Message),
    /// The numbers of an author, or of all, are to be forgotten.
    Forget(Option<PeerId>, oneshot::Sender<()>),
}

/// Checks messages one after the other.
pub(super) struct Check {
    /// Not for unsigned messages, whose authors and numbers anybody can make up.
    numbers: Option<Arc<dyn SequenceNumbers>>,
    hub: Arc<Hub>,
    asks: mpsc::WeakSender<Ask>,
    known: HashMap<PeerId, u64>,
    unwritten: HashSet<PeerId>,
}

impl Check {
    pub(super) fn new(options: &PubsubOptions, hub: Arc<Hub>, asks: mpsc::WeakSender<Ask>) -> Self {
        Self {
            numbers: options.signing.then(|| options.numbers.clone()),
            hub,
            asks,
            known: HashMap::new(),
            unwritten: HashSet::new(),
        }
    }

    /// Works until the network has ended, and writes what is left.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        let mut batch = Vec::new();
        let mut due = Instant::now() + WRITE;
        loop {
            tokio::select! {
                count = queue.recv_many(&mut batch, AT_ONCE) => if count == 0 {
                    break;
                },
                () = tokio::time::sleep_until(due), if !self.unwritten.is_empty() => {}
            }
            let mut verdicts = Vec::new();
            for work in batch.drain(..) {
                match work {
                    Work::Message(id, source, message) => {
                        let acceptance = self.message(message).await;
                        verdicts.push((id, source, acceptance));
                    }
                    Work::Forget(author, done) => {
                        self.forget(author).await;
                        let _ = done.send(());
                    }
                }
            }
            if !verdicts.is_empty() && !self.tell(verdicts).await {
                break;
            }
            if Instant::now() >= due {
                self.write().await;
                due = Instant::now() + WRITE;
            }
        }
        self.write().await;
    }

    async fn message(&mut self, message: Message) -> MessageAcceptance {
        if let Some(numbers) = self.numbers.clone() {
            let (Some(author), Some(number)) = (message.from, message.number) else {
                return MessageAcceptance::Reject;
            };
            if self
                .last(&*numbers, author)
                .await
                .is_some_and(|last| number <= last)
            {
                return MessageAcceptance::Ignore;
            }
            self.known.insert(author, number);
            self.unwritten.insert(author);
        }
        match self.hub.followers.judge(&message) {
            Judgement::Accept => {
                self.hub.deliver(message);
                MessageAcceptance::Accept
            }
            Judgement::Ignore => MessageAcceptance::Ignore,
            Judgement::Reject => MessageAcceptance::Reject,
        }
    }

    /// The greatest number of an author so far.
    async fn last(&mut self, numbers: &dyn SequenceNumbers, author: PeerId) -> Option<u64> {
        if let Some(last) = self.known.get(&author) {
            return Some(*last);
        }
        if self.known.len() >= AUTHORS {
            self.write().await;
            self.known.clear();
        }
        numbers.get(author).await
    }

    async fn forget(&mut self, author: Option<PeerId>) {
        match author {
            Some(author) => {
                self.known.remove(&author);
                self.unwritten.remove(&author);
            }
            None => {
                self.known.clear();
                self.unwritten.clear();
            }
        }
    }

    async fn write(&mut self) {
        let Some(numbers) = &self.numbers else {
            return;
        };
        let unwritten: Vec<_> = self
            .unwritten
            .drain()
            .filter_map(|author| Some((author, *self.known.get(&author)?)))
            .collect();
        if !unwritten.is_empty() {
            numbers.put(unwritten).await;
        }
    }

    /// Tells gossipsub what became of messages; whether the network is still there.
    async fn tell(&self, verdicts: Vec<Verdict>) -> bool {
        let Some(asks) = self.asks.upgrade() else {
            return false;
        };
        let ask: Ask = Box::new(move |service| {
            if let Some(gossip) = service.swarm.behaviour_mut().pubsub.as_mut() {
                report(gossip, verdicts);
            }
        });
        asks.send(ask).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Kept(Mutex<HashMap<PeerId, u64>>);

    impl SequenceNumbers for Kept {
        fn get(&self, author: PeerId) -> BoxFuture<'_, Option<u64>> {
            async move { self.0.lock().unwrap().get(&author).copied() }.boxed()
        }

        fn put(&self, numbers: Vec<(PeerId, u64)>) -> BoxFuture<'_, ()> {
            async move { self.0.lock().unwrap().extend(numbers) }.boxed()
        }
    }

    fn check(kept: &Arc<Kept>, signing: bool) -> Check {
        let options = PubsubOptions {
            signing,
            seen: Duration::from_secs(120),
            numbers: kept.clone(),
        };
        let (asks, _) = mpsc::channel(1);
        Check::new(&options, Arc::default(), asks.downgrade())
    }

    fn message(author: PeerId, number: u64) -> Message {
        Message {
            from: Some(author),
            number: Some(number),
            topic: "t".to_owned(),
            data: Bytes::new(),
        }
    }

    #[tokio::test]
    async fn a_message_is_taken_once_also_after_a_restart() {
        let (one, other) = (PeerId::random(), PeerId::random());
        let kept = Arc::new(Kept::default());
        let mut first = check(&kept, true);
        let accept = |a: MessageAcceptance| matches!(a, MessageAcceptance::Accept);
        for (author, number, taken) in [
            (one, 7, true),
            (one, 7, false),
            (one, 6, false),
            (other, 6, true),
            (one, 8, true),
        ] {
            assert_eq!(accept(first.message(message(author, number)).await), taken);
        }
        first.write().await;
        let mut second = check(&kept, true);
        assert!(!accept(second.message(message(one, 8)).await));
        assert!(accept(second.message(message(one, 9)).await));
        let mut nameless = message(one, 10);
        nameless.from = None;
        let verdict = second.message(nameless.clone()).await;
        assert!(matches!(verdict, MessageAcceptance::Reject));
        assert!(accept(check(&kept, false).message(nameless).await));
    }
}
