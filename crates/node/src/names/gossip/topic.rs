//! One name that is followed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use basalt_block::{Base, multibase_text};
use basalt_ipns::{MAX_RECORD_SIZE, Moment, Name, Record};
use basalt_network::{Happening, Judgement, PeerId};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::NameGossip;

/// How often what is known is said again; as Kubo.
const AGAIN: Duration = Duration::from_secs(60);
/// Peers that are asked at a time.
const ASKED: usize = 4;
/// Peers that wait to be asked; others who come then are not.
const WAITING: usize = 64;

/// A name, and the best record that came over PubSub or was published there.
pub(super) struct Topic {
    name: Name,
    text: String,
    last: watch::Sender<Option<Record>>,
}

impl Topic {
    pub(super) fn new(name: Name) -> Self {
        Self {
            name,
            text: text_of(&name),
            last: watch::Sender::new(None),
        }
    }

    pub(super) fn name(&self) -> Name {
        self.name
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<Record>> {
        self.last.subscribe()
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.last.receiver_count() > 0
    }

    /// The last record, unless its time is over.
    pub(super) fn last(&self) -> Option<Record> {
        let last = self.last.borrow().clone();
        last.filter(|record| record.validate(&self.name, Moment::now()).is_ok())
    }

    /// A record of the name, if the bytes are one that is valid.
    pub(super) fn read(&self, bytes: &[u8]) -> Option<Record> {
        if bytes.len() > MAX_RECORD_SIZE {
            return None;
        }
        let record = Record::decode(Bytes::copy_from_slice(bytes)).ok()?;
        let valid = record.validate(&self.name, Moment::now()).is_ok();
        valid.then_some(record)
    }

    /// A valid record is known from now on, if it is better than the last.
    pub(super) fn came(&self, record: Record) {
        let valid = |record: &&Record| record.validate(&self.name, Moment::now()).is_ok();
        self.last.send_if_modified(|slot| {
            let last = slot.as_ref().filter(valid);
            let better = last.is_none_or(|last| is_better(&record, last));
            if better {
                *slot = Some(record);
            }
            better
        });
    }

    /// What becomes of a message of the topic.
    fn judge(&self, message: &[u8]) -> Judgement {
        match (self.read(message), self.last()) {
            (None, _) => Judgement::Reject,
            (Some(record), Some(last)) if !is_better(&record, &last) => Judgement::Ignore,
            _ => Judgement::Accept,
        }
    }
}

fn is_better(record: &Record, than: &Record) -> bool {
    record.compare(than).is_ok_and(std::cmp::Ordering::is_gt)
}

/// The topic of a name.
fn text_of(name: &Name) -> String {
    let key = multibase_text(Base::Base64Url, &name.routing_key());
    // Without the letter that says which base it is.
    format!("/record/{}", &key[1..])
}

/// Follows a name until that is stopped, or the network is.
pub(super) async fn run(gossip: NameGossip, topic: Arc<Topic>, stop: CancellationToken) {
    let judging = topic.clone();
    let judge = Arc::new(move |message: &[u8]| judging.judge(message));
    let mut followed = match gossip.0.pubsub.follow(topic.text(), judge).await {
        Ok(followed) => followed,
        Err(error) => {
            tracing::warn!(target: "basalt::ipns", name = %topic.name(), %error, "a name is not followed");
            return;
        }
    };
    let mut again = interval_at(Instant::now() + AGAIN, AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let key = topic.name().routing_key();
    let (mut asked, mut waiting) = (FuturesUnordered::new(), VecDeque::<PeerId>::new());
    loop {
        while asked.len() < ASKED
            && let Some(peer) = waiting.pop_front()
        {
            let (network, key) = (&gossip.0.network, &key);
            asked.push(async move {
                let found = network.fetch(peer, key).await;
                found.unwrap_or_else(|error| {
                    tracing::debug!(target: "basalt::ipns", %peer, %error, "a record was not fetched");
                    None
                })
            });
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = gossip.0.network.stopping() => return,
            happening = followed.next() => match happening {
                None => return,
                Some(Happening::Message(message)) => {
                    gossip.learn(&topic, message.data.clone()).await;
                }
                Some(Happening::Joined(peer)) if waiting.len() < WAITING => waiting.push_back(peer),
                Some(Happening::Joined(_)) => {}
            },
            Some(found) = asked.next() => if let Some(record) = found {
                gossip.learn(&topic, record).await;
            },
            _ = again.tick() => if let Some(record) = gossip.known(&topic.name()).await {
                // Nobody may read it.
                let _ = gossip.0.pubsub.publish(topic.text(), record).await;
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_ipld::Path;
    use basalt_ipns::Draft;
    use basalt_network::Keypair;

    fn record(key: &Keypair, sequence: u64) -> Record {
        let draft = Draft {
            value: Path::parse("/ipfs/bafkqaaa").unwrap(),
            sequence,
            validity: Moment::now().after(3_600_000_000_000),
            ttl: 0,
            v1: true,
        };
        let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
        draft.sign(&key.public(), sign).unwrap()
    }

    #[test]
    fn only_newer_records_of_the_name_go_on() {
        let key = Keypair::generate_ed25519();
        let topic = Topic::new(Name::of(&key.public()));
        let judge = |sequence| topic.judge(record(&key, sequence).bytes());
        assert_eq!(judge(1), Judgement::Accept);
        let second = record(&key, 2);
        topic.came(second.clone());
        assert_eq!(judge(1), Judgement::Ignore);
        assert_eq!(topic.judge(second.bytes()), Judgement::Ignore);
        assert_eq!(judge(3), Judgement::Accept);
        topic.came(record(&key, 1));
        assert_eq!(topic.last().unwrap().bytes(), second.bytes());
        let others = record(&Keypair::generate_ed25519(), 9);
        assert_eq!(topic.judge(others.bytes()), Judgement::Reject);
        assert_eq!(topic.judge(b"no record"), Judgement::Reject);
        assert_eq!(
            topic.judge(&vec![0; MAX_RECORD_SIZE + 1]),
            Judgement::Reject
        );
    }

    /// As Kubo calls it.
    #[test]
    fn a_name_has_a_topic() {
        let name = "12D3KooWEqzaRNANL9hKcvytGVbfmhoLAp6eyuFCHM3PkjsY7shp";
        let name: Name = name.parse().unwrap();
        let text = text_of(&name);
        let key = text.strip_prefix("/record/").unwrap();
        assert!(key.starts_with("L2lwbnMvACQIARIg"), "{key}");
        assert!(!key.contains(['=', '+', '/']));
    }
}
