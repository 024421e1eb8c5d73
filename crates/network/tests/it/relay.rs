use std::time::Duration;

use basalt_network::{Direction, Handle, Multiaddr, Reachability, RelayClient, start, with_peer};

use crate::{at, node, options};

/// Waits until the node announces an address behind a relay.
async fn reserved(node: &Handle) -> Multiaddr {
    for _ in 0..500 {
        let all = node.announced_addresses().await.unwrap();
        let relayed = |address: &&Multiaddr| address.to_string().contains("/p2p-circuit");
        if let Some(found) = all.iter().find(relayed) {
            return found.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no reservation");
}

#[tokio::test]
async fn a_node_is_reached_through_a_relay() {
    let mut public = options(&["/ip4/127.0.0.1/tcp/0"]);
    public.reachability = Some(Reachability::Public);
    let relay = start(public).await.unwrap();
    let there = with_peer(&at(&relay, "/tcp").await[0], relay.local_peer());

    let mut hidden = options(&[]);
    hidden.reachability = Some(Reachability::Private);
    hidden.hole_punching = false;
    hidden.relay_client = Some(RelayClient {
        relays: vec![there.clone()],
    });
    let hidden = start(hidden).await.unwrap();
    let address = reserved(&hidden).await;

    let other = node().await;
    // As people write it: where the relay is, the node knows.
    let (relay_peer, peer) = (relay.local_peer(), hidden.local_peer());
    let short = format!("/p2p/{relay_peer}/p2p-circuit/p2p/{peer}");
    let short: Multiaddr = short.parse().unwrap();
    let lost = other.connect(peer, vec![short.clone()]).await;
    assert!(lost.is_err());
    other
        .connect(relay_peer, at(&relay, "/tcp").await)
        .await
        .unwrap();
    other.connect(peer, vec![short]).await.unwrap();
    other.disconnect(peer, None).await.unwrap();
    other.disconnect(relay_peer, None).await.unwrap();
    other.connect(peer, vec![address]).await.unwrap();
    let open = other.connections().await.unwrap();
    let through = |one: &&basalt_network::Connection| one.peer == hidden.local_peer();
    let connection = open.iter().find(through).unwrap();
    assert!(connection.address.to_string().contains("/p2p-circuit"));
    // The other end says so too.
    let came = hidden.connections().await.unwrap();
    let through = |one: &&basalt_network::Connection| one.peer == other.local_peer();
    let came = came.iter().find(through).unwrap();
    assert_eq!(came.direction, Direction::Inbound);
    let suffix = format!("/p2p/{}/p2p-circuit", relay.local_peer());
    assert!(
        came.address.to_string().ends_with(&suffix),
        "{}",
        came.address
    );
    let mut pings = other.pings(hidden.local_peer()).await.unwrap();
    pings.ping().await.unwrap();
    let spoken = relay.protocols().await.unwrap();
    assert!(spoken.iter().any(|name| name.ends_with("/hop")));
    assert!(
        !other
            .protocols()
            .await
            .unwrap()
            .iter()
            .any(|name| name.ends_with("/hop"))
    );
}

#[tokio::test]
async fn relays_are_found_among_peers() {
    let mut public = options(&["/ip4/127.0.0.1/tcp/0"]);
    public.reachability = Some(Reachability::Public);
    let relay = start(public).await.unwrap();
    let mut hidden = options(&[]);
    hidden.reachability = Some(Reachability::Private);
    let hidden = start(hidden).await.unwrap();
    let here = at(&relay, "/tcp").await;
    hidden.connect(relay.local_peer(), here).await.unwrap();
    let address = reserved(&hidden).await.to_string();
    assert!(
        address.contains(&relay.local_peer().to_string()),
        "{address}"
    );
}
