use crate::{at, node};

#[tokio::test]
async fn bytes_and_streams_are_counted() {
    for kind in ["/tcp", "/quic-v1"] {
        let (a, b) = (node().await, node().await);
        let there = at(&b, kind).await;
        a.connect(b.local_peer(), there).await.unwrap();
        let mut pings = a.pings(b.local_peer()).await.unwrap();
        for _ in 0..10 {
            pings.ping().await.unwrap();
        }
        let ping = a.bandwidth_of_protocol("/ipfs/ping/1.0.0");
        assert!(ping.total_in >= 320 && ping.total_out >= 320, "{ping:?}");
        assert!(ping.total_in < 1000, "{ping:?}");
        let peer = a.bandwidth_of_peer(&b.local_peer());
        assert!(peer.total_in >= ping.total_in, "{peer:?}");
        assert_eq!(a.bandwidth().total_in, peer.total_in);
        assert!(b.bandwidth().total_out >= 320);
        let open = a.connections().await.unwrap();
        assert!(open[0].streams.contains(&"/ipfs/ping/1.0.0".to_owned()));
        let (_, by_protocol) = b.open_streams();
        assert_eq!(by_protocol["/ipfs/ping/1.0.0"].inbound, 1);
        drop(pings);
        a.stop().await;
        b.stop().await;
    }
}
