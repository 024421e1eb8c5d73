//! Tunnels between nodes.

use std::time::Duration;

use basalt_network::{Error, Handle, Multiaddr, TunnelInfo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{at, node};

/// Two nodes that know each other.
async fn pair() -> (Handle, Handle) {
    let (here, there) = (node().await, node().await);
    let addresses = at(&there, "/tcp").await;
    here.connect(there.local_peer(), addresses).await.unwrap();
    (here, there)
}

fn socket(tunnel: &TunnelInfo) -> String {
    tunnel.listen.replace("/ip4/", "").replace("/tcp/", ":")
}

/// A program that reads all and then answers with all it read, backwards; and where it listens.
async fn program() -> Multiaddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).await.unwrap();
                all.reverse();
                stream.write_all(&all).await.unwrap();
            });
        }
    });
    format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
}

fn any_port() -> Multiaddr {
    "/ip4/127.0.0.1/tcp/0".parse().unwrap()
}

/// Sends, ends the sending, and reads what comes.
async fn ask(place: &str, text: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(place).await.unwrap();
    stream.write_all(text).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_and_none_is_lost() {
    let (here, there) = pair().await;
    let target = program().await;
    there.serve("/x/back", &target, false).await.unwrap();
    here.forward("/x/back", &any_port(), there.local_peer(), vec![])
        .await
        .unwrap();
    let place = socket(&here.tunnels()[0]);
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..300_u32 {
        let place = place.clone();
        asking.spawn(async move {
            // The answer comes after the end of what was sent.
            let text = number.to_be_bytes().repeat(1000);
            let mut answer = ask(&place, &text).await;
            answer.reverse();
            assert!(
                answer == text,
                "connection {number}: {} bytes",
                answer.len()
            );
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
    while !here.tunnel_streams().is_empty() || !there.tunnel_streams().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_is_told_first() {
    let (here, there) = pair().await;
    let target = program().await;
    there.serve("/x/who", &target, true).await.unwrap();
    here.forward("/x/who", &any_port(), there.local_peer(), vec![])
        .await
        .unwrap();
    let mut answer = ask(&socket(&here.tunnels()[0]), b"hello").await;
    answer.reverse();
    let told = format!("{}\nhello", here.local_peer());
    assert_eq!(String::from_utf8(answer).unwrap(), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_and_their_connections_are_closed() {
    let (here, there) = pair().await;
    let target = program().await;
    let serving = there.serve("/x/a", &target, false).await.unwrap();
    assert!(matches!(
        there.serve("/x/a", &target, false).await,
        Err(Error::TunnelExists)
    ));
    let forwarding = here
        .forward("/x/a", &any_port(), there.local_peer(), vec![])
        .await
        .unwrap();
    let place = socket(&here.tunnels()[0]);
    let mut open = TcpStream::connect(&place).await.unwrap();
    open.write_all(b"x").await.unwrap();
    while there.tunnel_streams().is_empty() || here.tunnel_streams().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let listed = here.tunnel_streams();
    assert_eq!(listed[0].origin, {
        let own = open.local_addr().unwrap();
        format!("/ip4/127.0.0.1/tcp/{}", own.port())
    });
    assert_eq!(there.close_tunnels(|tunnel| tunnel.protocol == "/x/a"), 1);
    serving.closed().await;
    assert_eq!(there.tunnel_streams().len(), 1, "it goes on");
    here.end_tunnel_streams(Some(listed[0].id));
    let mut rest = Vec::new();
    let _ = open.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    // Nobody serves the protocol: the connection ends at once.
    assert!(ask(&place, b"").await.is_empty());
    forwarding.close();
    forwarding.closed().await;
    assert!(here.tunnels().is_empty());
    while TcpStream::connect(&place).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while !there.tunnel_streams().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
