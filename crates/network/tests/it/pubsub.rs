//! PubSub between nodes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use basalt_network::{
    Handle, Happening, Judgement, PeerId, Pubsub, PubsubOptions, SequenceNumbers, start,
};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::{at, options};

#[derive(Default)]
struct Numbers(Mutex<HashMap<PeerId, u64>>);

impl SequenceNumbers for Numbers {
    fn get(&self, author: PeerId) -> BoxFuture<'_, Option<u64>> {
        let found = self.0.lock().unwrap().get(&author).copied();
        std::future::ready(found).boxed()
    }

    fn put(&self, numbers: Vec<(PeerId, u64)>) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().extend(numbers);
        std::future::ready(()).boxed()
    }
}

async fn node() -> Handle {
    let mut options = options(&["/ip4/127.0.0.1/tcp/0"]);
    options.pubsub = Some(PubsubOptions {
        signing: true,
        seen: Duration::from_secs(120),
        numbers: Arc::new(Numbers::default()),
    });
    start(options).await.unwrap()
}

async fn connect(one: &Handle, other: &Handle) {
    let addresses = at(other, "/tcp").await;
    one.connect(other.local_peer(), addresses).await.unwrap();
}

fn pubsub(node: &Handle) -> &Pubsub {
    node.pubsub().unwrap()
}

async fn wait_for_reader(node: &Handle, topic: &str, reader: &Handle) {
    let wanted = vec![reader.local_peer()];
    while pubsub(node).peers(Some(topic)).await.unwrap() != wanted {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_arrives_whole_and_in_order() {
    const MESSAGES: u32 = 10_000;
    let (one, other) = (node().await, node().await);
    connect(&one, &other).await;
    let mut reader = pubsub(&other).subscribe("burst").await.unwrap();
    let mut own = pubsub(&one).subscribe("burst").await.unwrap();
    wait_for_reader(&one, "burst", &other).await;
    let sender = one.clone();
    let sending = tokio::spawn(async move {
        for number in 0..MESSAGES {
            let data = number.to_be_bytes().repeat(64);
            pubsub(&sender).publish("burst", data.into()).await.unwrap();
        }
    });
    let mut last = 0;
    for number in 0..MESSAGES {
        let came = reader.next().await.unwrap();
        assert_eq!(came.data[..4], number.to_be_bytes(), "message {number}");
        assert_eq!(came.from, Some(one.local_peer()));
        assert!(came.number.unwrap() > last);
        last = came.number.unwrap();
        assert_eq!(*own.next().await.unwrap(), *came);
    }
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_come_and_go() {
    let (one, other) = (node().await, node().await);
    connect(&one, &other).await;
    while pubsub(&one).peers(None).await.unwrap() != [other.local_peer()] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let first = pubsub(&other).subscribe("t").await.unwrap();
    let second = pubsub(&other).subscribe("t").await.unwrap();
    wait_for_reader(&one, "t", &other).await;
    assert_eq!(pubsub(&other).topics(), ["t"]);
    drop(first);
    assert_eq!(pubsub(&other).topics(), ["t"]);
    drop(second);
    assert!(pubsub(&other).topics().is_empty());
    while !pubsub(&one).peers(Some("t")).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Nobody reads it, and that is no error.
    pubsub(&one).publish("t", "x".into()).await.unwrap();
    let long = vec![0; basalt_network::MAX_MESSAGE + 1];
    assert!(pubsub(&one).publish("t", long.into()).await.is_err());
    assert!(
        pubsub(&one)
            .publish(&"t".repeat(2000), "".into())
            .await
            .is_err()
    );
    one.stop().await;
    assert!(pubsub(&one).publish("t", "x".into()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_arrive() {
    let (one, other) = (node().await, node().await);
    connect(&one, &other).await;
    let mut reader = pubsub(&other).subscribe("large").await.unwrap();
    wait_for_reader(&one, "large", &other).await;
    for size in [0, 70_000, basalt_network::MAX_MESSAGE] {
        pubsub(&one)
            .publish("large", vec![7; size].into())
            .await
            .unwrap();
        assert_eq!(reader.next().await.unwrap().data.len(), size);
    }
}

/// Messages are judged by the node in the middle, which the others know alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_has_a_rule_of_its_own() {
    let (one, middle, last) = (node().await, node().await, node().await);
    connect(&middle, &one).await;
    connect(&middle, &last).await;
    let judge = Arc::new(|message: &[u8]| match message {
        b"no" => Judgement::Reject,
        b"again" => Judgement::Ignore,
        _ => Judgement::Accept,
    });
    let mut reader = pubsub(&last).subscribe("rule").await.unwrap();
    wait_for_reader(&middle, "rule", &last).await;
    let mut followed = pubsub(&middle).follow("rule", judge.clone()).await.unwrap();
    // Who was there before is told too.
    let joined = followed.next().await.unwrap();
    assert_eq!(joined, Happening::Joined(last.local_peer()));
    wait_for_reader(&one, "rule", &middle).await;
    for text in ["no", "first", "again", "second"] {
        pubsub(&one).publish("rule", text.into()).await.unwrap();
    }
    for text in ["first", "second"] {
        let Some(Happening::Message(message)) = followed.next().await else {
            panic!("a message")
        };
        assert_eq!(message.data, text);
        assert_eq!(reader.next().await.unwrap().data, text);
    }
    let _own = pubsub(&one).subscribe("rule").await.unwrap();
    let joined = followed.next().await.unwrap();
    assert_eq!(joined, Happening::Joined(one.local_peer()));
    // A second rule takes the place of the first, whose end does not end it.
    let never = Arc::new(|_: &[u8]| Judgement::Reject);
    let mut second = pubsub(&middle).follow("rule", never).await.unwrap();
    drop(followed);
    assert_eq!(pubsub(&middle).topics(), ["rule"]);
    pubsub(&one).publish("rule", "third".into()).await.unwrap();
    while let Some(Happening::Joined(_)) = futures::FutureExt::now_or_never(second.next()).flatten()
    {
    }
    drop(second);
    let mut third = pubsub(&middle).follow("rule", judge).await.unwrap();
    one.stop().await;
    middle.stop().await;
    middle.pubsub().unwrap().end_readers();
    while third.next().await.is_some() {}
}
