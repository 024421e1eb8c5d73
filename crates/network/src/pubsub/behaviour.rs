//! gossipsub as Kubo speaks it.

use std::collections::HashSet;

use bytes::Bytes;
use libp2p::PeerId;
use libp2p::gossipsub::{
    self, CallbackSubscriptionFilter, ConfigBuilder, IdentityTransform, MaxCountSubscriptionFilter,
    MessageAcceptance, MessageAuthenticity, MessageId, TopicHash, ValidationMode,
};
use libp2p::swarm::behaviour::toggle::Toggle;
use tokio::sync::mpsc;

use super::{MAX_TOPIC, Message, PubsubOptions, Work};
use crate::{Error, Options, Result};

/// The topics of a peer that are known.
const TOPICS: usize = 4096;
/// The most bytes at once on a stream: as Kubo.
const TRANSMIT: usize = 1 << 20;
/// Messages that wait for one peer.
const QUEUE: usize = 16 << 10;
/// How long a message of this node may wait for a slow peer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// What gossipsub calls the protocol of a peer that speaks none of its own.
const NOT_SPOKEN: &str = "Not Supported";

pub(crate) type Behaviour = gossipsub::Behaviour<IdentityTransform, Bounded>;
pub(crate) type Event = gossipsub::Event;
/// What became of a message that came.
pub(super) type Verdict = (MessageId, PeerId, MessageAcceptance);

/// Makes the behaviour, where PubSub is on.
pub(crate) fn behaviour(options: &Options) -> Result<Toggle<Behaviour>> {
    match &options.pubsub {
        Some(pubsub) => make(options, pubsub).map(|made| Some(made).into()),
        None => Ok(None.into()),
    }
}

fn make(options: &Options, pubsub: &PubsubOptions) -> Result<Behaviour> {
    let (author, mode) = match pubsub.signing {
        true => (
            MessageAuthenticity::Signed(options.key.clone()),
            ValidationMode::Strict,
        ),
        false => (
            MessageAuthenticity::Author(options.key.public().to_peer_id()),
            ValidationMode::Permissive,
        ),
    };
    let fail = |error: &dyn std::fmt::Display| Error::Pubsub(error.to_string());
    let config = ConfigBuilder::default()
        .validation_mode(mode)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(TRANSMIT)
        .max_control_message_size(TRANSMIT)
        .duplicate_cache_time(pubsub.seen)
        .connection_handler_queue_len(QUEUE)
        .publish_queue_duration(PATIENCE)
        .forward_queue_duration(PATIENCE)
        .support_floodsub()
        .build()
        .map_err(|e| fail(&e))?;
    Behaviour::new_with_subscription_filter(author, config, bounded()).map_err(|e| fail(&e))
}

/// The author and the number, which is what Kubo names messages by.
fn message_id(message: &gossipsub::Message) -> MessageId {
    let mut id = message.source.map(PeerId::to_bytes).unwrap_or_default();
    match message.sequence_number {
        Some(number) => id.extend(number.to_be_bytes()),
        None => id.extend_from_slice(&message.data),
    }
    MessageId::from(id)
}

/// The number in a message's ID.
pub(super) fn number_of(id: &MessageId) -> Option<u64> {
    id.0.last_chunk().copied().map(u64::from_be_bytes)
}

/// The peers that speak PubSub, or those that read a topic, sorted.
pub(super) fn peers(gossip: &Behaviour, topic: Option<&TopicHash>) -> Vec<PeerId> {
    // The type has no public name.
    let strangers: HashSet<&PeerId> = gossip
        .peer_protocol()
        .filter(|(_, kind)| kind.as_ref() == NOT_SPOKEN)
        .map(|(peer, _)| peer)
        .collect();
    let all = gossip.all_peers().filter(|(peer, topics)| {
        !strangers.contains(peer) && topic.is_none_or(|topic| topics.contains(&topic))
    });
    let mut peers: Vec<PeerId> = all.map(|(peer, _)| *peer).collect();
    peers.sort_unstable();
    peers
}

/// Has a message that came checked; gives the verdict on one that finds no place.
pub(super) fn pass_on(event: Event, work: Option<&mpsc::Sender<Work>>) -> Option<Verdict> {
    let (source, id, message) = match event {
        Event::Message {
            propagation_source,
            message_id,
            message,
        } => (propagation_source, message_id, message),
        Event::SlowPeer { peer_id, .. } => {
            tracing::warn!(target: "basalt::pubsub", peer = %peer_id, "a peer is too slow and loses messages");
            return None;
        }
        _ => return None,
    };
    let ignored = (id.clone(), source, MessageAcceptance::Ignore);
    let message = Message {
        from: message.source,
        number: message.sequence_number,
        topic: message.topic.into_string(),
        data: Bytes::from(message.data),
    };
    match work?.try_send(Work::Message(id, source, message)) {
        Ok(()) => None,
        Err(_) => {
            tracing::warn!(target: "basalt::pubsub", "messages come faster than they are checked; one is lost");
            Some(ignored)
        }
    }
}

/// Tells gossipsub which messages go on.
pub(super) fn report(gossip: &mut Behaviour, verdicts: impl IntoIterator<Item = Verdict>) {
    for (id, source, acceptance) in verdicts {
        gossip.report_message_validation_result(&id, &source, acceptance);
    }
}

/// Bounds what is remembered of a peer's topics.
pub(crate) type Bounded = MaxCountSubscriptionFilter<CallbackSubscriptionFilter<Fits>>;
type Fits = fn(&TopicHash) -> bool;

fn bounded() -> Bounded {
    MaxCountSubscriptionFilter {
        filter: CallbackSubscriptionFilter(fits),
        max_subscribed_topics: TOPICS,
        max_subscriptions_per_request: TOPICS,
    }
}

fn fits(topic: &TopicHash) -> bool {
    topic.as_str().len() <= MAX_TOPIC
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_named_by_its_author_and_number() {
        let author = PeerId::random();
        let message = gossipsub::Message {
            source: Some(author),
            data: vec![1],
            sequence_number: Some(258),
            topic: TopicHash::from_raw("t"),
        };
        let id = message_id(&message);
        let mut wanted = author.to_bytes();
        wanted.extend([0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(id.0, wanted);
        assert_eq!(number_of(&id), Some(258));
    }
}
