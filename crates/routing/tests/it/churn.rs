use basalt_routing::{Error, Event, EventKind, Events, Mode};
use libp2p_identity::PeerId;
use tokio::sync::mpsc;

use crate::net::{Net, Node};

pub(crate) async fn providers(node: &Node, key: &[u8], most: usize) -> Vec<PeerId> {
    let (out, mut found) = mpsc::channel(64);
    let search = async {
        let none = Events::default();
        let ended = node.dht.find_providers(key, most, &none, out);
        ended.await.unwrap();
    };
    let collect = async {
        let mut all = Vec::new();
        while let Some(peer) = found.recv().await {
            assert!(!peer.addresses.is_empty());
            all.push(peer.id);
        }
        all
    };
    tokio::join!(search, collect).1
}

/// What living nodes provide is found although a third of the network has gone since.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_provided_is_found_after_churn() {
    let net = Net::of(50).await;
    let keys: Vec<Vec<u8>> = (0..100u32).map(|n| n.to_be_bytes().to_vec()).collect();
    let nodes = net.all();
    let provider = |n: usize| &nodes[n % nodes.len()];
    for (n, key) in keys.iter().enumerate() {
        let told = provider(n)
            .dht
            .provide(key, &Events::default())
            .await
            .unwrap();
        assert!(told >= 15, "only {told} peers were told");
    }
    for gone in &nodes[34..] {
        net.remove(gone.peer);
    }
    for _ in 0..16 {
        let node = net.add(Mode::Server);
        let known = nodes[0].peer;
        node.dht.ping(known).await.unwrap_err();
    }
    let client = net.client_of(&nodes[0]);
    let (mut found, mut living) = (0, 0);
    for (n, key) in keys.iter().enumerate() {
        let wanted = provider(n).peer;
        if net.all().iter().any(|node| node.peer == wanted) {
            living += 1;
            found += usize::from(providers(&client, key, 1).await.contains(&wanted));
        }
    }
    assert!(
        living > 50 && found * 100 >= living * 99,
        "{found} of {living}"
    );
}

#[tokio::test]
async fn every_provider_is_found_or_as_many_as_asked() {
    let net = Net::of(30).await;
    for node in net.all().iter().take(8) {
        node.dht.provide(b"key", &Events::default()).await.unwrap();
    }
    let client = net.client();
    let mut all = providers(&client, b"key", 0).await;
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 8);
    assert_eq!(providers(&client, b"key", 3).await.len(), 3);
    assert!(providers(&client, b"other", 0).await.is_empty());
}

#[tokio::test]
async fn peers_are_found() {
    let net = Net::of(40).await;
    let nodes = net.all();
    let client = net.client();
    for node in nodes.iter().take(10) {
        let found = client.dht.find_peer(node.peer, &Events::default()).await;
        assert_eq!(found.unwrap().id, node.peer);
    }
    let stranger = PeerId::random();
    let found = client.dht.find_peer(stranger, &Events::default()).await;
    assert!(matches!(found, Err(Error::NotFound)));
}

#[tokio::test]
async fn who_knows_nobody_says_so_and_who_watches_sees_all() {
    let net = Net::of(5).await;
    let alone = net.add(Mode::Client);
    let (events, mut seen) = Events::watched();
    let found = alone.dht.closest_peers(b"key", &events).await;
    assert!(matches!(found, Err(Error::NobodyToAsk)));
    let expected = Event::error(None, "failed to find any peer in table");
    assert_eq!(seen.recv().await, Some(expected));
    let client = net.client();
    let (events, mut seen) = Events::watched();
    let watch = async {
        let mut kinds = Vec::new();
        while let Some(event) = seen.recv().await {
            kinds.push(event.kind);
        }
        kinds
    };
    let search = async {
        let found = client.dht.closest_peers(b"key", &events).await.unwrap();
        drop(events);
        found
    };
    let (kinds, found) = tokio::join!(watch, search);
    assert_eq!(found.len(), 5);
    let count = |kind| kinds.iter().filter(|k| **k == kind).count();
    assert_eq!(count(EventKind::SendingQuery), 5);
    assert_eq!(count(EventKind::PeerResponse), 5);
    assert_eq!(count(EventKind::DialingPeer), 4);
}

/// Nobody announces for others, and the network goes on with what it can read.
#[tokio::test]
async fn servers_refuse_what_is_wrong() {
    use basalt_routing::{Kind, Message, PeerInfo};
    let net = Net::of(2).await;
    let node = net.all().pop().unwrap();
    let at = vec!["/ip4/10.0.0.1/tcp/1".parse().unwrap()];
    let (liar, other) = (PeerId::random(), PeerId::random());
    let refused = async |message: Message| node.dht.answer(liar, &message.encode()).await.is_err();
    assert!(
        refused(Message::add_provider(
            b"key",
            PeerInfo::new(other, at.clone())
        ))
        .await
    );
    assert!(
        refused(Message::add_provider(
            b"key",
            PeerInfo::new(liar, Vec::new())
        ))
        .await
    );
    assert!(
        refused(Message::add_provider(
            &[1; 81],
            PeerInfo::new(liar, at.clone())
        ))
        .await
    );
    assert!(!refused(Message::add_provider(b"key", PeerInfo::new(liar, at))).await);
    assert!(refused(Message::new(Kind::GetProviders, Vec::new())).await);
    assert!(refused(Message::new(Kind::FindNode, Vec::new())).await);
    assert!(refused(Message::new(Kind::PutValue, b"/x/a".as_slice())).await);
    assert!(refused(Message::put_value(b"/x/a", "wrong".into())).await);
    assert!(!refused(Message::put_value(b"/x/a", "/x/a1".into())).await);
    assert!(node.dht.answer(liar, b"no message").await.is_err());
}

/// Keys that are announced together are found one by one, and need few lookups.
#[tokio::test(flavor = "multi_thread")]
async fn many_keys_are_announced_together() {
    use basalt_routing::Effort;
    let net = Net::of(60).await;
    let node = net.all().pop().unwrap();
    let keys: Vec<_> = (0..600u32).map(|n| n.to_be_bytes()).collect();
    let all = keys.iter().map(|key| key.to_vec().into()).collect();
    let effort = Effort {
        peers: 20,
        time: std::time::Duration::from_secs(10),
    };
    let done = node.dht.provide_many(all, effort).await.unwrap();
    assert_eq!((done.keys, done.failed), (600, 0));
    assert!(done.lookups < 60, "{} lookups", done.lookups);
    let client = net.client();
    for key in keys.iter().step_by(7) {
        assert_eq!(providers(&client, key, 1).await, [node.peer]);
    }
    let alone = net.add(Mode::Client);
    let failed = alone.dht.provide_many(Vec::new(), effort).await;
    assert!(matches!(failed, Err(Error::NobodyToAsk)));
}
