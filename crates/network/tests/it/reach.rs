use crate::{at, node};

/// Kubo asks whomever it is connected to, so both ends must offer it.
#[tokio::test]
async fn either_end_of_a_connection_is_asked_whether_it_is_reached() {
    let (one, other) = (node().await, node().await);
    for transport in ["/tcp", "/quic-v1"] {
        let there = at(&other, transport).await;
        let (here, peer) = (one.local_peer(), other.local_peer());
        one.connect(peer, there[..1].to_vec()).await.unwrap();
        for (node, peer) in [(&one, peer), (&other, here)] {
            let said = loop {
                match node.identity(peer).await.unwrap() {
                    Some(said) => break said,
                    None => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
                }
            };
            for name in ["dial-request", "dial-back"] {
                let name = format!("/libp2p/autonat/2/{name}");
                assert!(said.protocols.contains(&name), "{name}");
            }
        }
        one.disconnect(peer, None).await.unwrap();
    }
}
