//! Gateways that do not work: what they have comes from another, and they are left alone.

use std::time::Duration;

use basalt_bitswap::PeerId;
use basalt_retrieval::{Error, Options};

use crate::node::{Node, blocks};
use crate::server::{Manner, Server};

/// Fetches from a server that misbehaves and from one that does not.
async fn beside(manner: Manner) -> (Node, Server) {
    let wanted = blocks(60, 5000);
    let bad = Server::start(manner, &wanted).await;
    let good = Server::start(Manner::Good, &wanted).await;
    let peers = [&bad, &good].map(|s| (PeerId::random(), vec![s.address.clone()]));
    let node = Node::new(peers.to_vec(), Options::default());
    tokio::time::timeout(Duration::from_secs(60), node.fetch(&wanted))
        .await
        .unwrap_or_else(|_| panic!("{manner:?} kept blocks from coming"));
    assert_eq!(node.server(&bad.address).blocks, 0, "{manner:?}");
    assert_eq!(node.server(&good.address).blocks, 60);
    (node, bad)
}

#[tokio::test]
async fn servers_that_fail_are_left_alone() {
    for manner in [
        Manner::Lies,
        Manner::Endless,
        Manner::Cuts,
        Manner::Garbage,
        Manner::Broken,
    ] {
        let (node, bad) = beside(manner).await;
        let report = node.server(&bad.address);
        // A few that ran side by side when it was noticed.
        assert!((3..20).contains(&report.failed), "{manner:?} {report:?}");
        assert!(report.resting.is_some(), "{manner:?}");
        assert!(report.failure.is_some());
        assert!(report.peers.is_empty(), "{manner:?} is asked still");
        // Not even a probe.
        let asked = bad.asked();
        let address = [bad.address.clone()];
        let again = node.retrieval.connect(PeerId::random(), &address).await;
        assert!(matches!(again, Err(Error::NoGateway(_))));
        assert_eq!(bad.asked(), asked);
    }
}

#[tokio::test]
async fn busy_servers_are_left_alone_as_long_as_they_say() {
    let (node, bad) = beside(Manner::Busy).await;
    let report = node.server(&bad.address);
    assert!(report.resting > Some(Duration::from_secs(20)), "{report:?}");
    assert!(report.asked < 20);
}

#[tokio::test]
async fn redirections_are_not_followed() {
    let (node, bad) = beside(Manner::Redirects).await;
    let report = node.server(&bad.address);
    assert_eq!(report.failed, 0);
    assert!(report.lacked > 0);
}

#[tokio::test]
async fn silent_servers_hold_nothing_up() {
    let (node, bad) = beside(Manner::Silent).await;
    assert!(node.server(&bad.address).asked > 0);
}

#[tokio::test]
async fn those_that_are_no_gateways_are_not_asked() {
    let server = Server::start(Manner::Site, &[]).await;
    let node = Node::new(Vec::new(), Options::default());
    let peer = PeerId::random();
    let connect = |address: &str| {
        let address = [address.parse().unwrap()];
        let retrieval = node.retrieval.clone();
        async move { retrieval.connect(peer, &address).await }
    };
    let not = connect(&server.address.to_string()).await;
    assert!(matches!(not, Err(Error::NoGateway(_))), "{not:?}");
    let nobody = connect("/ip4/127.0.0.1/tcp/1/http").await;
    assert!(matches!(nobody, Err(Error::NoGateway(_))), "{nobody:?}");
    let clear = connect("/ip4/8.8.8.8/tcp/80/http").await;
    assert_eq!(clear, Err(Error::NoServer));
    let other = connect("/ip4/127.0.0.1/tcp/4001").await;
    assert_eq!(other, Err(Error::NoServer));
}

#[tokio::test]
async fn blocks_larger_than_allowed_are_not_taken() {
    let wanted = blocks(1, 5000);
    let server = Server::start(Manner::Good, &wanted).await;
    let peers = vec![(PeerId::random(), vec![server.address.clone()])];
    let options = Options {
        largest: 4999,
        ..Options::default()
    };
    let node = Node::new(peers, options);
    let fetch = node.blocks.get(wanted[0].cid());
    let fetched = tokio::time::timeout(Duration::from_millis(500), fetch).await;
    assert!(fetched.is_err());
    let failure = node.server(&server.address).failure.unwrap();
    assert_eq!(failure.reason, "body is larger than 4999 bytes");
}

#[tokio::test]
async fn many_ask_for_the_same_peer_at_once() {
    let server = Server::start(Manner::Good, &[]).await;
    let node = Node::new(Vec::new(), Options::default());
    let peer = PeerId::random();
    let address = [server.address.clone()];
    let connects = (0..20).map(|_| node.retrieval.connect(peer, &address));
    let connected = futures::future::join_all(connects).await;
    assert!(connected.iter().all(Result::is_ok));
    assert_eq!(server.asked(), 1);
    // One who gives up leaves nothing behind.
    let other = PeerId::random();
    let silent = Server::start(Manner::Site, &[]).await;
    let address = [silent.address.clone()];
    let connect = node.retrieval.connect(other, &address);
    assert!(futures::FutureExt::now_or_never(connect).is_none());
    let again = node.retrieval.connect(other, &address).await;
    assert!(matches!(again, Err(Error::NoGateway(_))));
}
