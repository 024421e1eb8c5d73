//! Nodes among each other, on loopback.

#![allow(clippy::unwrap_used)]

mod bitswap;
mod connect;
mod crowd;
mod fetch;
mod filters;
mod keep;
mod private;
mod pubsub;
mod reach;
mod relay;
mod secure;
mod traffic;
mod tunnel;

use basalt_network::{Handle, Keypair, Multiaddr, Options, start};

/// A node that listens on TCP, QUIC and WebSocket.
async fn node() -> Handle {
    start(options(&[
        "/ip4/127.0.0.1/tcp/0",
        "/ip4/127.0.0.1/udp/0/quic-v1",
        "/ip4/127.0.0.1/tcp/0/ws",
    ]))
    .await
    .unwrap()
}

fn options(listen: &[&str]) -> Options {
    let mut options = Options::new(Keypair::generate_ed25519(), "test/1.0");
    options.listen = listen.iter().map(|a| a.parse().unwrap()).collect();
    options
}

/// The addresses of a node that contain `part`.
async fn at(node: &Handle, part: &str) -> Vec<Multiaddr> {
    let mut all = node.listen_addresses().await.unwrap();
    all.retain(|address| address.to_string().contains(part));
    assert!(!all.is_empty(), "{part}");
    all
}
