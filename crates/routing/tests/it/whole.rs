use basalt_routing::{Effort, Error, Events, Key, Mode};
use libp2p_identity::PeerId;
use std::time::Duration;

use crate::churn::providers;
use crate::net::{Net, Node};

fn nearest(net: &Net, without: PeerId, key: &[u8]) -> Vec<PeerId> {
    let mut all: Vec<_> = net.all().iter().map(|node| node.peer).collect();
    all.retain(|peer| *peer != without);
    all.sort_unstable_by_key(|peer| Key::of_peer(peer).distance(&Key::of(key)));
    all.truncate(20);
    all
}

async fn closest(node: &Node, key: &[u8]) -> Vec<PeerId> {
    let none = Events::default();
    node.dht.closest_peers(key, &none).await.unwrap()
}

/// Who has crawled a network knows all of it, and asks nobody for who is nearest.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_network_is_found() {
    let net = Net::of(120).await;
    let node = net.all().pop().unwrap();
    assert!(node.dht.whole().is_none());
    assert_eq!(node.dht.crawl().await.unwrap(), 119);
    assert_eq!(node.dht.whole().unwrap().1.len(), 119);
    let asked = net.messages();
    for n in 0..100u32 {
        let key = n.to_be_bytes();
        assert_eq!(closest(&node, &key).await, nearest(&net, node.peer, &key));
    }
    assert_eq!(net.messages(), asked);
}

/// What is announced by it is found by others, and the other way round, with fewer questions.
#[tokio::test(flavor = "multi_thread")]
async fn it_announces_and_finds() {
    let net = Net::of(100).await;
    let nodes = net.all();
    let (node, other) = (&nodes[0], &nodes[1]);
    other
        .dht
        .provide(b"theirs", &Events::default())
        .await
        .unwrap();
    let before = net.messages();
    assert_eq!(providers(node, b"theirs", 0).await, [other.peer]);
    let by_asking = net.messages() - before;
    node.dht.crawl().await.unwrap();
    let before = net.messages();
    assert_eq!(providers(node, b"theirs", 0).await, [other.peer]);
    let by_knowing = net.messages() - before;
    assert!(by_knowing <= by_asking, "{by_knowing} of {by_asking}");

    let keys: Vec<_> = (0..300u32).map(|n| n.to_be_bytes()).collect();
    let effort = Effort {
        peers: 20,
        time: Duration::from_secs(10),
    };
    let all = keys.iter().map(|key| key.to_vec().into()).collect();
    let before = net.messages();
    let done = node.dht.provide_many(all, effort).await.unwrap();
    assert_eq!((done.keys, done.failed), (300, 0));
    // A record for each key and peer, and no question.
    assert_eq!(net.messages() - before, done.records as usize);
    let client = net.client_of(other);
    for key in keys.iter().step_by(11) {
        assert_eq!(providers(&client, key, 1).await, [node.peer]);
    }
}

/// Those who have gone are not in the next one, and until then nothing stops at them.
#[tokio::test(flavor = "multi_thread")]
async fn the_network_changes() {
    let net = Net::of(90).await;
    let nodes = net.all();
    let node = &nodes[0];
    node.dht.crawl().await.unwrap();
    for gone in &nodes[60..] {
        net.remove(gone.peer);
    }
    nodes[1]
        .dht
        .provide(b"key", &Events::default())
        .await
        .unwrap();
    assert_eq!(providers(node, b"key", 1).await, [nodes[1].peer]);
    assert_eq!(node.dht.crawl().await.unwrap(), 59);
    let alone = net.add(Mode::Client);
    assert!(matches!(alone.dht.crawl().await, Err(Error::NobodyToAsk)));
}
