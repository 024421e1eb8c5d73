use basalt_network::{Direction, Error, PeerId, start};

use crate::{at, node, options};

#[tokio::test]
async fn nodes_meet_over_every_transport() {
    let (a, b) = (node().await, node().await);
    for kind in ["/quic-v1", "/ws", "/tcp"] {
        let mut addresses = at(&b, kind).await;
        if kind == "/tcp" {
            addresses.retain(|address| !address.to_string().contains("/ws"));
        }
        // The book would lead there by another way.
        let fresh = node().await;
        fresh
            .connect(b.local_peer(), addresses.clone())
            .await
            .unwrap();
        let open = fresh.connections().await.unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].address, addresses[0]);
        assert_eq!(open[0].direction, Direction::Outbound);
        let said = fresh.identity(b.local_peer()).await.unwrap().unwrap();
        assert_eq!(said.agent, "test/1.0");
        assert_eq!(said.key.to_peer_id(), b.local_peer());
        let mut listens = said.addresses.clone();
        listens.sort_unstable_by_key(ToString::to_string);
        assert_eq!(listens, b.listen_addresses().await.unwrap());
        assert_eq!(said.protocols, b.protocols().await.unwrap());
        fresh.stop().await;
    }
    let all = b.listen_addresses().await.unwrap();
    a.connect(b.local_peer(), all).await.unwrap();
    a.connect(b.local_peer(), Vec::new()).await.unwrap();
    a.disconnect(b.local_peer(), None).await.unwrap();
    assert!(a.connections().await.unwrap().is_empty());
    assert!(matches!(
        a.disconnect(b.local_peer(), None).await,
        Err(Error::NotConnected)
    ));
    // What was known of it before is enough.
    a.connect(b.local_peer(), Vec::new()).await.unwrap();
    a.stop().await;
    assert!(matches!(a.connections().await, Err(Error::Stopped)));
    b.stop().await;
}

#[tokio::test]
async fn dials_that_fail_say_why() {
    let (a, b) = (node().await, node().await);
    let stranger = PeerId::random();
    let error = a.connect(stranger, Vec::new()).await.unwrap_err();
    assert!(matches!(error, Error::NoAddresses(_)), "{error}");
    let error = a.connect(a.local_peer(), Vec::new()).await.unwrap_err();
    assert!(matches!(error, Error::DialSelf), "{error}");
    let closed = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
    let mut addresses = at(&b, "/tcp").await;
    addresses.retain(|address| !address.to_string().contains("/ws"));
    addresses.push(closed);
    let error = a
        .connect(stranger, addresses)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("[/ip4/127.0.0.1/tcp/1] dial tcp4 127.0.0.1:1: connect: connection refused")
            || error.contains("peer id mismatch"),
        "{error}"
    );
}

#[tokio::test]
async fn listeners_that_cannot_be_are_no_end_unless_all_are() {
    // Nodes would share the port.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("/ip4/127.0.0.1/tcp/{}", other.local_addr().unwrap().port());
    let error = start(options(&[&taken])).await.err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("failed to listen on any addresses: ["),
        "{error}"
    );
    assert!(
        error.to_string().contains("bind: address already in use"),
        "{error}"
    );
    let second = start(options(&[
        &taken,
        "/ip4/127.0.0.1/tcp/0",
        "/ip4/127.0.0.1/udp/0/quic-v1/webtransport",
    ]))
    .await
    .unwrap();
    assert_eq!(second.listen_addresses().await.unwrap().len(), 1);
    assert_eq!(second.unsupported()[0].protocol, "webtransport");
}

#[tokio::test]
async fn announced_is_what_the_rules_leave() {
    let mut wanted = options(&["/ip4/127.0.0.1/tcp/0"]);
    wanted.append_announce = vec!["/ip4/1.1.1.1/tcp/1".parse().unwrap()];
    wanted.no_announce = vec!["/ip4/127.0.0.0/ipcidr/8".parse().unwrap()];
    let (a, b) = (start(wanted).await.unwrap(), node().await);
    let where_a_is = a.listen_addresses().await.unwrap();
    b.connect(a.local_peer(), where_a_is).await.unwrap();
    let said = b.identity(a.local_peer()).await.unwrap().unwrap();
    assert_eq!(said.addresses, ["/ip4/1.1.1.1/tcp/1".parse().unwrap()]);
    assert_eq!(a.announced_addresses().await.unwrap(), said.addresses);
}

#[tokio::test]
async fn many_who_want_a_peer_make_one_connection() {
    let (a, b) = (node().await, node().await);
    let there = at(&b, "/quic-v1").await;
    a.remember(b.local_peer(), there).await.unwrap();
    let wanted = (0..20).map(|_| a.connect(b.local_peer(), Vec::new()));
    for met in futures::future::join_all(wanted).await {
        met.unwrap();
    }
    assert_eq!(a.connections().await.unwrap().len(), 1);
    // Whose peer is not there, all are told.
    let gone = PeerId::random();
    let closed = vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()];
    a.remember(gone, closed).await.unwrap();
    let wanted = (0..20).map(|_| a.connect(gone, Vec::new()));
    for missed in futures::future::join_all(wanted).await {
        assert!(matches!(missed, Err(Error::Dial { .. })));
    }
}
