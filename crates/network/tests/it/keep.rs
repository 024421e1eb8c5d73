use std::time::Duration;

use basalt_network::{Handle, PeerId, start};

use crate::{node, options};

/// Waits until the two are connected.
async fn connected(node: &Handle, peer: PeerId) {
    let met = async {
        loop {
            let open = node.connections().await.unwrap();
            if open.iter().any(|connection| connection.peer == peer) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), met)
        .await
        .unwrap();
}

#[tokio::test]
async fn peers_are_kept_through_restarts() {
    let mut kept = options(&["/ip4/127.0.0.1/tcp/0"]);
    let first = start(kept.clone()).await.unwrap();
    let there = first.listen_addresses().await.unwrap();
    let peer = first.local_peer();
    let node = node().await;
    node.peer_with(peer, there.clone()).await.unwrap();
    connected(&node, peer).await;
    assert_eq!(node.peering().await.unwrap(), [(peer, there.clone())]);
    first.stop().await;
    kept.listen = there;
    let again = start(kept).await.unwrap();
    connected(&node, peer).await;
    // Not kept any more, it goes when it is told to.
    node.unpeer(peer).await.unwrap();
    node.disconnect(peer, None).await.unwrap();
    assert!(node.peering().await.unwrap().is_empty());
    again.stop().await;
}

#[tokio::test]
async fn the_config_s_peers_are_dialled() {
    let (a, b) = (node().await, node().await);
    let mut with = options(&["/ip4/127.0.0.1/tcp/0"]);
    with.peering = vec![(a.local_peer(), a.listen_addresses().await.unwrap())];
    with.bootstrap = vec![(b.local_peer(), b.listen_addresses().await.unwrap())];
    let node = start(with).await.unwrap();
    connected(&node, a.local_peer()).await;
    connected(&node, b.local_peer()).await;
}

#[tokio::test]
async fn those_of_last_time_are_dialled_where_the_way_in_does_not_answer() {
    let a = node().await;
    for gone in [true, false] {
        let mut with = options(&["/ip4/127.0.0.1/tcp/0"]);
        if gone {
            let nobody = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
            with.bootstrap = vec![(PeerId::random(), vec![nobody])];
        }
        with.backup = vec![(a.local_peer(), a.listen_addresses().await.unwrap())];
        let node = start(with).await.unwrap();
        connected(&node, a.local_peer()).await;
        node.stop().await;
    }
}
