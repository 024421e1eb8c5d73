use std::future::poll_fn;
use std::sync::Arc;

use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::MemoryStore;
use basalt_exchange::{Announced, BlockService, Exchange};
use futures::TryStreamExt;

use super::*;
use crate::PeerTraits;
use crate::message::{Message, Version};

struct Node {
    id: PeerId,
    store: Arc<MemoryStore>,
    blocks: BlockService,
    handle: Handle,
    port: Port,
    stop: CancellationToken,
}

impl Node {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let (service, handle, port) = Service::new(store.clone(), Options::default());
        let stop = CancellationToken::new();
        tokio::spawn(service.run(stop.clone()));
        Self {
            id: PeerId::random(),
            blocks: BlockService::new(
                Arc::new(Announced::new(store.clone(), Arc::new(handle.clone()))),
                Arc::new(handle.clone()),
            ),
            store,
            handle,
            port,
            stop,
        }
    }

    async fn put(&self, blocks: &[Block]) {
        self.blocks.put_many(blocks.to_vec()).await.unwrap();
    }
}

/// Connects two nodes, until the token is cancelled.
fn connect(a: &Node, b: &Node) -> CancellationToken {
    let local = PeerTraits {
        local: true,
        ..PeerTraits::default()
    };
    let (a, b) = (a.port.connected(b.id, local), b.port.connected(a.id, local));
    let end = CancellationToken::new();
    let cut = end.clone();
    tokio::spawn(async move {
        let (mut a, mut b) = (a, b);
        a.opened(Version::V1_2);
        b.opened(Version::V1_2);
        loop {
            tokio::select! {
                () = cut.cancelled() => return,
                message = poll_fn(|cx| a.poll_outgoing(cx)) => carry(message, &a, &b).await,
                message = poll_fn(|cx| b.poll_outgoing(cx)) => carry(message, &b, &a).await,
            }
        }
    });
    end
}

async fn carry(message: Option<Outgoing>, from: &Link, to: &Link) {
    let Some(Outgoing { message }) = message else {
        return std::future::pending().await;
    };
    let bytes = message.encode(Version::V1_2).concat();
    let (_, at) = basalt_block::varint::read(&bytes).unwrap();
    let room = to.inlet().room(bytes.len() - at).await.unwrap();
    let message = Message::decode(&bytes::Bytes::from(bytes).slice(at..)).unwrap();
    to.inlet().deliver(message, room).await;
    from.sent();
}

fn blocks(count: u32, size: usize) -> Vec<Block> {
    (0..count)
        .map(|i| {
            let mut data = vec![1; size];
            data[..4].copy_from_slice(&i.to_le_bytes());
            Block::hash(1, codec::RAW, Hasher::SHA2_256, data.into()).unwrap()
        })
        .collect()
}

fn cids(blocks: &[Block]) -> Vec<Cid> {
    blocks.iter().map(|b| *b.cid()).collect()
}

#[tokio::test]
async fn blocks_go_from_node_to_node() {
    let (a, b) = (Node::new(), Node::new());
    let all = blocks(1500, 20_000);
    a.put(&all).await;
    connect(&a, &b);
    let session = b.blocks.session();
    let got: Vec<Block> = session.stream(cids(&all)).try_collect().await.unwrap();
    assert_eq!(got.len(), 1500);
    assert_eq!(b.store.get_many(&cids(&all)).await.unwrap().len(), 1500);
    let (sent, received) = (
        a.handle.stat().await.unwrap(),
        b.handle.stat().await.unwrap(),
    );
    assert_eq!((sent.blocks_sent, sent.data_sent), (1500, 30_000_000));
    assert_eq!(received.received.blocks, 1500);
    assert_eq!(received.received.duplicate_blocks, 0);
    assert!(received.wantlist.is_empty());
    let receipt = a.handle.receipt(b.id).await.unwrap();
    assert_eq!((receipt.sent, receipt.exchanged), (30_000_000, 1500));
    let receipt = b.handle.receipt(a.id).await.unwrap();
    assert_eq!((receipt.received, receipt.exchanged), (30_000_000, 1500));
}

#[tokio::test]
async fn what_comes_later_is_waited_for_wherever_it_comes() {
    let (a, b) = (Node::new(), Node::new());
    connect(&a, &b);
    let all = blocks(3, 100);
    let want = |i: usize| {
        let (service, cid) = (b.blocks.clone(), *all[i].cid());
        tokio::spawn(async move { service.get(&cid).await })
    };
    let (first, second, third) = (want(0), want(1), want(2));
    while a.handle.wantlist_of(b.id).await.unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(b.handle.wantlist().await.unwrap().len(), 3);
    // Not all that is written goes through the block service.
    a.blocks.store().put_many(all[..1].to_vec()).await.unwrap();
    assert_eq!(first.await.unwrap().unwrap(), all[0]);
    b.put(&all[1..2]).await;
    assert_eq!(second.await.unwrap().unwrap(), all[1]);
    // Nobody waits any more: the peer is told so.
    third.abort();
    while !a.handle.wantlist_of(b.id).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(b.handle.wantlist().await.unwrap().is_empty());
    assert!(a.handle.stat().await.unwrap().partners.is_empty());
}

#[tokio::test]
async fn half_here_and_half_there_and_a_connection_that_breaks() {
    let (a, b, c) = (Node::new(), Node::new(), Node::new());
    let all = blocks(400, 10_000);
    a.put(&all[..200]).await;
    b.put(&all[200..]).await;
    connect(&a, &c);
    let once = connect(&b, &c);
    let again = connect(&b, &c);
    let session = c.blocks.session();
    let mut stream = session.stream(cids(&all));
    let mut got = 0;
    while let Some(_block) = stream.try_next().await.unwrap() {
        got += 1;
        if got == 10 {
            once.cancel();
        }
    }
    assert_eq!(got, 400);
    drop(again);
}

#[tokio::test]
async fn a_stopped_service_answers_nobody_and_holds_nobody() {
    let node = Node::new();
    let b = blocks(1, 10);
    let waiting = tokio::spawn({
        let (service, cid) = (node.blocks.clone(), *b[0].cid());
        async move { service.get(&cid).await }
    });
    while node.handle.wantlist().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    node.stop.cancel();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.missing(), Some(b[0].cid()));
    assert!(node.handle.stat().await.is_none());
    node.put(&b).await;
    assert!(node.handle.is_online());
}
