//! Gateways that work.

use std::sync::Arc;

use basalt_bitswap::PeerId;
use basalt_retrieval::{Error, Hosts, Options};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::node::{Node, blocks};
use crate::server::{Manner, Server};

#[tokio::test]
async fn blocks_come_over_few_connections() {
    let wanted = blocks(300, 3000);
    let server = Server::start(Manner::Good, &wanted).await;
    let peer = PeerId::random();
    let node = Node::new(
        vec![(peer, vec![server.address.clone()])],
        Options::default(),
    );
    node.fetch(&wanted).await;
    // A request for each block, and the probe.
    assert_eq!(server.asked(), 301);
    assert!(server.connections() <= 8, "{}", server.connections());
    let report = node.server(&server.address);
    assert_eq!((report.asked, report.blocks), (300, 300));
    assert_eq!((report.failed, report.lacked), (0, 0));
    assert_eq!(report.peers, [peer.to_string()]);
    let totals = node.retrieval.report().totals;
    assert_eq!(totals.statuses.values().sum::<u64>(), 301);
    assert_eq!((totals.unanswered, totals.under_way), (0, 0));
    assert_eq!(totals.times.counts.iter().sum::<u64>(), 301);
}

#[tokio::test]
async fn large_blocks_come() {
    let wanted = blocks(12, 2 << 20);
    let server = Server::start(Manner::Good, &wanted).await;
    let peers = vec![(PeerId::random(), vec![server.address.clone()])];
    let node = Node::new(peers, Options::default());
    node.fetch(&wanted).await;
}

#[tokio::test]
async fn what_one_lacks_another_has() {
    let wanted = blocks(200, 100);
    let first = Server::start(Manner::Good, &wanted[..120]).await;
    let second = Server::start(Manner::Good, &wanted[80..]).await;
    let peers = [&first, &second].map(|s| (PeerId::random(), vec![s.address.clone()]));
    let node = Node::new(peers.to_vec(), Options::default());
    node.fetch(&wanted).await;
    let blocks = [&first, &second].map(|s| node.server(&s.address).blocks);
    assert!(blocks[0] >= 80 && blocks[1] >= 80, "{blocks:?}");
}

#[tokio::test]
async fn one_peer_may_have_many_servers() {
    let wanted = blocks(50, 100);
    let bad = Server::start(Manner::Broken, &wanted).await;
    let good = Server::start(Manner::Good, &wanted).await;
    let addresses = vec![bad.address.clone(), good.address.clone()];
    let node = Node::new(vec![(PeerId::random(), addresses)], Options::default());
    node.fetch(&wanted).await;
    assert_eq!(node.server(&good.address).blocks, 50);
    // It was given up soon.
    assert!(node.server(&bad.address).failed < 20);
}

#[tokio::test]
async fn servers_without_head_are_asked_by_get() {
    let wanted = blocks(20, 100);
    let server = Server::start(Manner::NoHead, &wanted).await;
    let peers = vec![(PeerId::random(), vec![server.address.clone()])];
    let node = Node::new(peers, Options::default());
    node.fetch(&wanted).await;
}

#[tokio::test]
async fn connections_that_end_are_made_again() {
    let wanted = blocks(60, 100);
    let server = Server::start(Manner::Hangs, &wanted).await;
    let peers = vec![(PeerId::random(), vec![server.address.clone()])];
    let node = Node::new(peers, Options::default());
    node.fetch(&wanted).await;
    assert_eq!(node.server(&server.address).failed, 0);
}

#[tokio::test]
async fn lists_are_kept_to() {
    let server = Server::start(Manner::Good, &[]).await;
    let connect = async |allowed: &[&str], denied: &[&str]| {
        let list = |hosts: &[&str]| hosts.iter().map(|&h| h.to_owned()).collect();
        let options = Options {
            hosts: Hosts::new(list(allowed), list(denied)),
            ..Options::default()
        };
        let node = Node::new(Vec::new(), options);
        let address = [server.address.clone()];
        node.retrieval.connect(PeerId::random(), &address).await
    };
    assert_eq!(connect(&[], &[]).await, Ok(()));
    assert_eq!(connect(&["127.0.0.1"], &[]).await, Ok(()));
    let asked = server.asked();
    assert_eq!(connect(&["a.example"], &[]).await, Err(Error::NoServer));
    assert_eq!(connect(&[], &["127.0.0.1"]).await, Err(Error::NoServer));
    let both = connect(&["127.0.0.1"], &["127.0.0.1"]).await;
    assert_eq!(both, Err(Error::NoServer));
    assert_eq!(server.asked(), asked);
}

#[tokio::test]
async fn certificates_are_looked_at_unless_told_otherwise() {
    let made = rcgen::generate_simple_self_signed(vec!["gateway.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.key_pair.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let wanted = blocks(20, 1000);
    let tls = Some(TlsAcceptor::from(Arc::new(config)));
    let server = Server::start_with(Manner::Good, &wanted, tls).await;
    let careful = Node::new(Vec::new(), Options::default());
    let address = [server.address.clone()];
    let refused = careful.retrieval.connect(PeerId::random(), &address).await;
    assert!(matches!(refused, Err(Error::NoGateway(_))), "{refused:?}");
    let named = server
        .address
        .to_string()
        .replace("/tls/", "/tls/sni/gateway.example/");
    let peers = vec![(PeerId::random(), vec![named.parse().unwrap()])];
    let trusting = Options {
        trusting: true,
        ..Options::default()
    };
    let node = Node::new(peers, trusting);
    node.fetch(&wanted).await;
    let hosts = server.hosts.lock().unwrap();
    assert!(hosts.contains("gateway.example"), "{hosts:?}");
}
