use basalt_routing::{Error, Events};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::net::{Net, Node};

async fn search(node: &Node, key: &[u8], quorum: usize) -> Vec<Bytes> {
    let (out, mut found) = mpsc::channel(64);
    let search = async {
        let none = Events::default();
        let ended = node.dht.search_value(key, quorum, &none, out);
        ended.await.unwrap();
    };
    let collect = async {
        let mut all = Vec::new();
        while let Some(value) = found.recv().await {
            all.push(value);
        }
        all
    };
    tokio::join!(search, collect).1
}

#[tokio::test]
async fn the_best_value_is_found_and_mended() {
    let net = Net::of(40).await;
    let nodes = net.all();
    let (old, new) = (Bytes::from_static(b"/x/k1"), Bytes::from_static(b"/x/k12"));
    let none = Events::default();
    nodes[0].dht.put_value(b"/x/k", &old, &none).await.unwrap();
    let client = net.client();
    assert_eq!(
        search(&client, b"/x/k", 0).await,
        std::slice::from_ref(&old)
    );
    // One node alone has the newer one.
    let key = basalt_routing::Key::of(b"/x/k");
    let mut by_distance = net.all();
    by_distance.retain(|node| node.peer != client.peer);
    by_distance.sort_by_key(|node| basalt_routing::Key::of(&node.peer.to_bytes()).distance(&key));
    by_distance[2]
        .dht
        .values()
        .put(b"/x/k", &new)
        .await
        .unwrap();
    let found = search(&client, b"/x/k", 0).await;
    assert_eq!(found.last(), Some(&new));
    // Those who are the nearest get it, without anybody waiting for that.
    for _ in 0..1000 {
        let (_, value) = by_distance[0]
            .dht
            .values()
            .get(b"/x/k")
            .await
            .unwrap()
            .unwrap();
        if value == new {
            let refused = by_distance[0].dht.put_value(b"/x/k", &old, &none).await;
            assert!(matches!(refused, Err(Error::Older)));
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the nearest peer still has the old value");
}

#[tokio::test]
async fn a_quorum_ends_a_search() {
    let net = Net::of(30).await;
    let value = Bytes::from_static(b"/x/k1");
    net.all()[0]
        .dht
        .put_value(b"/x/k", &value, &Events::default())
        .await
        .unwrap();
    assert_eq!(search(&net.client(), b"/x/k", 1).await, [value]);
    assert!(search(&net.client(), b"/x/none", 1).await.is_empty());
}
