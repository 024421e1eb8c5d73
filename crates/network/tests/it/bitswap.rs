use std::sync::Arc;

use basalt_bitswap::{Options as Bitswap, Service};
use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::{Blockstore, MemoryStore};
use basalt_exchange::BlockService;
use basalt_network::{Handle, start};
use futures::TryStreamExt;
use tokio_util::sync::CancellationToken;

use crate::{at, options};

struct Node {
    network: Handle,
    blocks: BlockService,
    bitswap: basalt_bitswap::Handle,
}

async fn node() -> Node {
    let store: Arc<dyn Blockstore> = Arc::new(MemoryStore::default());
    let (service, bitswap, port) = Service::new(store.clone(), Bitswap::default());
    tokio::spawn(service.run(CancellationToken::new()));
    let listen = [
        "/ip4/127.0.0.1/tcp/0",
        "/ip4/127.0.0.1/tcp/0/ws",
        "/ip4/127.0.0.1/udp/0/quic-v1",
    ];
    let mut options = options(&listen);
    options.bitswap = Some(port);
    Node {
        network: start(options).await.unwrap(),
        blocks: BlockService::new(store, Arc::new(bitswap.clone())),
        bitswap,
    }
}

fn blocks(seed: u8, count: u32, size: usize) -> Vec<Block> {
    (0..count)
        .map(|i| {
            let mut data = vec![seed; size];
            data[..4].copy_from_slice(&i.to_le_bytes());
            Block::hash(1, codec::RAW, Hasher::SHA2_256, data.into()).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn blocks_go_over_every_transport_and_both_ways() {
    let a = node().await;
    for (seed, kind) in ["/quic-v1", "/ws", "/tcp"].into_iter().enumerate() {
        let b = node().await;
        let mut addresses = at(&a.network, kind).await;
        if kind == "/tcp" {
            addresses.retain(|address| !address.to_string().contains("/ws"));
        }
        let peer = a.network.local_peer();
        b.network.connect(peer, addresses).await.unwrap();
        for (n, (from, to)) in [(&a, &b), (&b, &a)].into_iter().enumerate() {
            let seed = u8::try_from(seed * 2 + n).unwrap();
            let mut all = blocks(seed, 300, 500);
            all.extend(blocks(seed, 8, 2 << 20));
            from.blocks.put_many(all.clone()).await.unwrap();
            let cids: Vec<Cid> = all.iter().map(|b| *b.cid()).collect();
            let session = to.blocks.session();
            let got: Vec<Block> = session.stream(cids).try_collect().await.unwrap();
            assert_eq!(got.len(), all.len(), "{kind}");
        }
        let stat = b.bitswap.stat().await.unwrap();
        assert_eq!((stat.received.blocks, stat.blocks_sent), (308, 308));
        assert_eq!(stat.received.duplicate_blocks, 0);
        b.network.stop().await;
    }
    a.network.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_good_by_another() {
    let (a, b) = (node().await, node().await);
    let all = blocks(9, 200, 100_000);
    a.blocks.put_many(all.clone()).await.unwrap();
    let addresses = at(&a.network, "/quic-v1").await;
    let peer = a.network.local_peer();
    b.network.connect(peer, addresses.clone()).await.unwrap();
    let cids: Vec<Cid> = all.iter().map(|b| *b.cid()).collect();
    let session = b.blocks.session();
    let mut stream = session.stream(cids);
    let mut got = 0;
    while stream.try_next().await.unwrap().is_some() {
        got += 1;
        if got == 20 {
            b.network.disconnect(peer, None).await.unwrap();
            b.network.connect(peer, addresses.clone()).await.unwrap();
        }
    }
    assert_eq!(got, 200);
}

/// A peer that is just starting takes no streams, and says a little later that it speaks Bitswap.
#[tokio::test]
async fn a_peer_that_was_not_ready_is_asked_when_it_is() {
    let (a, b) = (node().await, crate::node().await);
    let (peer, to) = (b.local_peer(), at(&b, "/quic-v1").await);
    a.network.connect(peer, to).await.unwrap();
    let cid = *blocks(3, 1, 10)[0].cid();
    let session = a.blocks.session();
    let _fetch = tokio::spawn(async move {
        let mut found = session.stream(vec![cid]);
        found.try_next().await.is_ok()
    });
    // Should it take longer until the stream is refused, it is asked for the first time below.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let mut streams = b.accept("/ipfs/bitswap/1.2.0").unwrap();
    // Whatever happens on the connection has it look at what it speaks.
    let mut pings = b.pings(a.network.local_peer()).await.unwrap();
    pings.ping().await.unwrap();
    let came = streams.recv().await.unwrap();
    assert_eq!(came.peer, a.network.local_peer());
}
