use std::time::Duration;

use basalt_network::{Handle, Limits, WaterMarks, start};

use crate::{at, node, options};

/// Waits until the node has so many connections, or fewer.
async fn at_most(node: &Handle, wanted: usize) -> usize {
    for _ in 0..500 {
        let open = node.connections().await.unwrap().len();
        if open <= wanted {
            return open;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    node.connections().await.unwrap().len()
}

#[tokio::test]
async fn too_many_connections_are_closed_but_for_protected_peers() {
    let mut with = options(&["/ip4/127.0.0.1/tcp/0"]);
    with.marks = Some(WaterMarks {
        low: 3,
        high: 6,
        grace: Duration::ZERO,
        silence: Duration::from_millis(1),
    });
    let hub = start(with).await.unwrap();
    let here = at(&hub, "/tcp").await;
    let mut nodes = Vec::new();
    for at in 0..8 {
        let node = node().await;
        if at < 2 {
            hub.protect(node.local_peer(), "test").await.unwrap();
        }
        node.connect(hub.local_peer(), here.clone()).await.unwrap();
        nodes.push(node);
    }
    assert!(at_most(&hub, 6).await <= 6);
    let open = hub.connections().await.unwrap();
    for node in &nodes[..2] {
        assert!(open.iter().any(|one| one.peer == node.local_peer()));
    }
}

#[tokio::test]
async fn a_flood_of_connections_is_turned_away_and_does_not_stop_service() {
    let mut with = options(&["/ip4/127.0.0.1/tcp/0"]);
    let mut limits = Limits::default();
    limits.system.connections_inbound = 5;
    with.limits = Some(limits);
    with.marks = None;
    let hub = start(with).await.unwrap();
    let here = at(&hub, "/tcp").await;
    let friend = node().await;
    friend
        .connect(hub.local_peer(), here.clone())
        .await
        .unwrap();
    let mut flood = Vec::new();
    for _ in 0..20 {
        let node = node().await;
        let _ = node.connect(hub.local_peer(), here.clone()).await;
        flood.push(node);
    }
    // Raw connections that never say a word.
    let port = here[0].to_string().rsplit('/').next().unwrap().to_owned();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await);
    }
    assert!(hub.connections().await.unwrap().len() <= 5);
    let mut pings = friend.pings(hub.local_peer()).await.unwrap();
    pings.ping().await.unwrap();
    let (limits, usage) = hub.resources().await.unwrap().unwrap();
    assert_eq!(limits.system.connections_inbound, 5);
    assert!(usage.system.connections_inbound <= 5, "{usage:?}");
    assert_eq!(usage.protocols["/ipfs/ping/1.0.0"].streams_inbound, 1);
}
