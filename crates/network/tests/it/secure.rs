//! WebSocket over TLS.

use basalt_network::{Certificate, Handle, Multiaddr, start};

use crate::{at, options};

/// A node that listens on secure WebSocket alone, and its certificate.
async fn secure(listen: &str) -> (Handle, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().to_vec();
    let mut options = options(&[listen]);
    options.certificate = Some(Certificate {
        chain: vec![certificate.clone()],
        key: made.key_pair.serialize_der(),
    });
    (start(options).await.unwrap(), certificate)
}

/// A node that trusts a certificate.
async fn trusting(certificate: Vec<u8>) -> Handle {
    let mut options = options(&[]);
    options.trusted = vec![certificate];
    start(options).await.unwrap()
}

#[tokio::test]
async fn secure_websocket_is_listened_on_and_dialled() {
    for (listen, written) in [
        ("/ip4/127.0.0.1/tcp/0/tls/ws", "/tls/ws"),
        ("/ip4/127.0.0.1/tcp/0/wss", "/wss"),
        ("/ip4/127.0.0.1/tcp/0/tls/sni/localhost/ws", "/tls/ws"),
    ] {
        let (server, certificate) = secure(listen).await;
        let address = at(&server, written).await.pop().unwrap().to_string();
        // The certificate is of the name, not of the number.
        let named = address.replace("/ip4/127.0.0.1/", "/dns4/localhost/");
        let mut ways = vec![named.clone(), named.replace("/wss", "/tls/ws")];
        if written == "/tls/ws" {
            ways.push(named.replace(written, "/wss"));
            ways.push(address.replace(written, "/tls/sni/localhost/ws"));
        }
        for way in ways {
            let way: Multiaddr = way.parse().unwrap();
            let peer = server.local_peer();
            // One that knows another way already tries names a second later.
            let client = trusting(certificate.clone()).await;
            client.connect(peer, vec![way.clone()]).await.unwrap();
            let connections = client.connections().await.unwrap();
            assert!(connections.iter().any(|c| c.address == way), "{way}");
            client.stop().await;
        }
        // Nobody else is believed.
        let stranger = start(options(&[])).await.unwrap();
        let way: Multiaddr = named.parse().unwrap();
        assert!(
            stranger
                .connect(server.local_peer(), vec![way])
                .await
                .is_err()
        );
        for node in [server, stranger] {
            node.stop().await;
        }
    }
}

#[tokio::test]
async fn without_a_certificate_the_others_serve() {
    let node = start(options(&[
        "/ip4/127.0.0.1/tcp/0",
        "/ip4/127.0.0.1/tcp/0/tls/ws",
        "/ip4/127.0.0.1/tcp/0/tls/sni/*.libp2p.direct/ws",
    ]))
    .await
    .unwrap();
    assert_eq!(node.listen_addresses().await.unwrap().len(), 1);
    node.stop().await;
    // As Kubo says it where there is no other.
    let alone = start(options(&["/ip4/127.0.0.1/tcp/0/tls/ws"])).await;
    assert_eq!(
        alone.err().unwrap().to_string(),
        "failed to listen on any addresses: [cannot listen on wss address /ip4/127.0.0.1/tcp/0/tls/ws without a tls.Config]"
    );
}

#[tokio::test]
async fn one_port_is_for_tcp_and_websocket() {
    // Some port that is free.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let plain = format!("/ip4/127.0.0.1/tcp/{port}");
    let web = format!("{plain}/ws");
    for listen in [[&plain, &web], [&web, &plain]] {
        let server = start(options(&listen.map(String::as_str))).await.unwrap();
        let mut listening = server.listen_addresses().await.unwrap();
        listening.sort_by_key(ToString::to_string);
        let expected = [&plain, &web].map(|a| a.parse::<Multiaddr>().unwrap());
        assert_eq!(listening, expected);
        // One who says nothing keeps nobody waiting.
        let silent = tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .unwrap();
        for way in expected {
            for _ in 0..3 {
                let client = start(options(&[])).await.unwrap();
                client
                    .connect(server.local_peer(), vec![way.clone()])
                    .await
                    .unwrap();
                let connections = client.connections().await.unwrap();
                assert_eq!(connections[0].address, way);
                client.stop().await;
            }
        }
        drop(silent);
        server.stop().await;
    }
}

#[tokio::test]
async fn certificates_that_are_none_are_named() {
    for certificate in [
        Certificate::default(),
        Certificate {
            chain: vec![vec![1, 2, 3]],
            key: vec![4, 5, 6],
        },
    ] {
        let mut options = options(&["/ip4/127.0.0.1/tcp/0/tls/ws"]);
        options.certificate = Some(certificate);
        let error = start(options).await.err().unwrap().to_string();
        assert!(error.contains("certificate"), "{error}");
    }
}
