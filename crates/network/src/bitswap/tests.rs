use std::pin::Pin;
use std::sync::Arc;

use basalt_bitswap::message::{Entry, MAX_MESSAGE, Message, Version};
use basalt_bitswap::{Handle, Inlet, Link, Options, Service};
use basalt_block::{Block, Hasher, codec};
use basalt_blockstore::MemoryStore;
use futures::AsyncRead;
use futures::io::Cursor;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;

/// A service that is told what comes on one connection.
struct Listener {
    link: Link,
    handle: Handle,
    _end: DropGuard,
}

fn listener() -> Listener {
    let store = Arc::new(MemoryStore::default());
    let (service, handle, port) = Service::new(store, Options::default());
    let end = CancellationToken::new();
    tokio::spawn(service.run(end.clone()));
    let link = port.connected(PeerId::random(), PeerTraits::default());
    Listener {
        link,
        handle,
        _end: end.drop_guard(),
    }
}

impl Listener {
    fn inlet(&self) -> Inlet {
        self.link.inlet().clone()
    }

    /// Messages that arrived, of which so many are expected.
    async fn messages(&self, expected: u64) -> u64 {
        // Messages and questions come by different ways.
        for _ in 0..1000 {
            if self.handle.stat().await.unwrap().received.messages >= expected {
                break;
            }
            tokio::task::yield_now().await;
        }
        self.handle.stat().await.unwrap().received.messages
    }
}

fn message(size: usize) -> Message {
    let block = Block::hash(1, codec::RAW, Hasher::SHA2_256, vec![1; size].into()).unwrap();
    Message {
        wants: vec![Entry::cancel(*block.cid())],
        blocks: vec![(&block).into()],
        ..Message::default()
    }
}

/// Gives its bytes a few at a time.
struct Drops(Vec<u8>, usize, usize);

impl AsyncRead for Drops {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<std::io::Result<usize>> {
        let Self(bytes, at, drop) = &mut *self;
        let count = (*drop).min(buffer.len()).min(bytes.len() - *at);
        buffer[..count].copy_from_slice(&bytes[*at..*at + count]);
        *at += count;
        Poll::Ready(Ok(count))
    }
}

#[tokio::test]
async fn messages_are_read_however_they_are_cut() {
    let mut bytes = Vec::new();
    for size in [10, 0, 5000, 200, 70_000] {
        bytes.extend(message(size).encode(Version::V1_2).concat());
    }
    for drop in [1, 2, 3, 7, 1000, 1024, 100_000] {
        let listener = listener();
        let stream = Drops(bytes.clone(), 0, drop);
        frames::read(stream, listener.inlet()).await.unwrap();
        assert_eq!(listener.messages(5).await, 5, "{drop} bytes at a time");
    }
}

#[tokio::test]
async fn what_is_no_message_ends_its_stream() {
    let listener = listener();
    let good = message(10).encode(Version::V1_2).concat();
    let mut too_long = Vec::new();
    basalt_block::varint::write(MAX_MESSAGE as u64 + 1, &mut too_long);
    for (bad, reason) in [
        (too_long, "a message of 4194305 bytes"),
        (vec![0xff; 10], "makes no sense"),
        (vec![0x80], "unexpected end of file"),
        (good[..good.len() - 1].to_vec(), "unexpected end of file"),
        (vec![1, 0x0a], "malformed Bitswap message"),
    ] {
        let mut bytes = good.clone();
        bytes.extend(bad);
        let error = frames::read(Cursor::new(bytes), listener.inlet()).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(listener.messages(5).await, 5, "what came before is kept");
}

#[tokio::test]
async fn a_message_waits_for_room() {
    let listener = listener();
    let all = listener.inlet().room(MAX_MESSAGE).await.unwrap();
    let inlet = listener.inlet();
    let second = tokio::spawn(async move { inlet.room(MAX_MESSAGE).await.is_some() });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(
        !second.is_finished(),
        "there is room for little more than one"
    );
    drop(all);
    assert!(second.await.unwrap());
    assert!(listener.inlet().room(MAX_MESSAGE + 1).await.is_none());
}

#[tokio::test]
async fn what_is_written_is_read() {
    let (listener, sent) = (listener(), message(300_000));
    for version in Version::ALL {
        let (given_back, stream) = frames::write(Vec::new(), sent.clone(), version).await;
        assert_eq!(given_back, sent);
        let bytes = Cursor::new(stream.unwrap());
        frames::read(bytes, listener.inlet()).await.unwrap();
    }
    assert_eq!(listener.messages(4).await, 4);
    let stat = listener.handle.stat().await.unwrap();
    assert_eq!(stat.received.data, 1_200_000);
}

#[test]
fn who_is_near() {
    for (address, near) in [
        ("/ip4/127.0.0.1/tcp/1", true),
        ("/ip4/192.168.1.7/udp/1/quic-v1", true),
        ("/ip4/8.8.8.8/tcp/1", false),
        ("/ip6/::1/tcp/1", true),
        ("/ip6/fd00::1/tcp/1", true),
        ("/ip6/2001:db8::1/tcp/1", false),
        ("/dns4/example.com/tcp/1", false),
    ] {
        assert_eq!(is_local(&address.parse().unwrap()), near, "{address}");
    }
}

#[tokio::test]
async fn it_is_not_spoken_through_relays() {
    use libp2p::core::UpgradeInfo;
    use libp2p::swarm::ConnectionHandler;

    let store = Arc::new(MemoryStore::default());
    let (_service, _handle, port) = Service::new(store, Options::default());
    let mut options = crate::Options::new(libp2p::identity::Keypair::generate_ed25519(), "test");
    options.bitswap = Some(port);
    let mut behaviour = Behaviour::new(&options);
    let (id, peer) = (ConnectionId::new_unchecked(1), PeerId::random());
    let direct: Multiaddr = "/ip4/1.2.3.4/tcp/1".parse().unwrap();
    let relayed: Multiaddr = format!("{direct}/p2p/{peer}/p2p-circuit").parse().unwrap();
    // All that is known of the other end.
    let sender: Multiaddr = format!("/p2p/{peer}").parse().unwrap();
    for (local, remote, spoken) in [(&direct, &direct, true), (&relayed, &sender, false)] {
        let handler = behaviour.handle_established_inbound_connection(id, peer, local, remote);
        let protocol = handler.unwrap().listen_protocol();
        let names = protocol.upgrade().protocol_info().len();
        assert_eq!(names > 0, spoken, "{local}");
    }
}
