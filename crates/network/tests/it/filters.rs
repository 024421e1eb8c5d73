use basalt_network::Error;

use crate::{at, node};

#[tokio::test]
async fn filtered_addresses_are_neither_dialled_nor_let_in() {
    let (a, b) = (node().await, node().await);
    let everything = "/ip4/127.0.0.0/ipcidr/8".parse().unwrap();
    a.filters().add(everything);
    let there = at(&b, "/tcp").await;
    let error = a.connect(b.local_peer(), there.clone()).await.unwrap_err();
    assert!(matches!(error, Error::NoGoodAddresses { .. }), "{error}");
    for kind in ["/tcp", "/quic-v1"] {
        let here = at(&a, kind).await;
        // The one that dials may see the connection begin before it is refused.
        let _ = b.connect(a.local_peer(), here).await;
        assert!(a.connections().await.unwrap().is_empty());
    }
    a.filters().remove(&everything);
    a.connect(b.local_peer(), there).await.unwrap();
    // What is open stays open.
    a.filters().add(everything);
    assert_eq!(a.connections().await.unwrap().len(), 1);
}
