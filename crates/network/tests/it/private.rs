use basalt_network::{Options, start};

use crate::options;

fn private(key: u8) -> Options {
    let mut private = options(&["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"]);
    let text = format!(
        "/key/swarm/psk/1.0.0/\n/base16/\n{}",
        format!("{key:02x}").repeat(32)
    );
    private.network_key = Some(text.parse().unwrap());
    private.transports.quic = false;
    private
}

#[tokio::test]
async fn only_those_with_the_key_are_met() {
    let first = start(private(1)).await.unwrap();
    let here = first.listen_addresses().await.unwrap();
    assert_eq!(here.len(), 2);
    for address in &here {
        let same = start(private(1)).await.unwrap();
        let there = vec![address.clone()];
        same.connect(first.local_peer(), there.clone())
            .await
            .unwrap();
    }
    for other in [private(2), options(&[])] {
        let mut other = other;
        // Neither understands a word of the other; there is nothing else to wait for.
        other.handshake = std::time::Duration::from_millis(500);
        let other = start(other).await.unwrap();
        let met = other.connect(first.local_peer(), here[..1].to_vec()).await;
        assert!(met.is_err());
    }
    assert_eq!(first.network_key().map(str::len), Some(32));
}
