//! A node that fetches: Bitswap over a store in memory, whose only way to peers is HTTP.

use std::sync::{Arc, OnceLock};

use basalt_bitswap::{Options, PeerId, Provider, Providers, Service};
use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::MemoryStore;
use basalt_exchange::BlockService;
use basalt_retrieval::{Retrieval, ServerReport};
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};
use multiaddr::Multiaddr;
use tokio_util::sync::CancellationToken;

/// Who is said to have everything.
pub(crate) type Providing = Vec<(PeerId, Vec<Multiaddr>)>;

struct Known {
    retrieval: Arc<OnceLock<Retrieval>>,
    providing: Providing,
}

impl Providers for Known {
    fn find(&self, _: Cid, _: usize) -> BoxStream<'static, Provider> {
        let retrieval = self.retrieval.get().unwrap().clone();
        stream::iter(self.providing.clone())
            .map(move |(peer, addresses)| {
                let retrieval = retrieval.clone();
                async move {
                    retrieval
                        .connect(peer, &addresses)
                        .await
                        .ok()
                        .map(|()| Provider::Connected(peer))
                }
            })
            .buffer_unordered(4)
            .filter_map(std::future::ready)
            .boxed()
    }
}

pub(crate) struct Node {
    pub(crate) blocks: BlockService,
    pub(crate) retrieval: Retrieval,
    stop: CancellationToken,
}

impl Node {
    pub(crate) fn new(providing: Providing, options: basalt_retrieval::Options) -> Self {
        let slot: Arc<OnceLock<Retrieval>> = Arc::default();
        let known = Known {
            retrieval: slot.clone(),
            providing,
        };
        let bitswap = Options {
            providers: Arc::new(known),
            ..Options::default()
        };
        let store = Arc::new(MemoryStore::default());
        let (service, handle, port) = Service::new(store.clone(), bitswap);
        let stop = CancellationToken::new();
        let retrieval = Retrieval::new(options, port, stop.clone());
        assert!(slot.set(retrieval.clone()).is_ok());
        tokio::spawn(service.run(stop.clone()));
        Self {
            blocks: BlockService::new(store, Arc::new(handle)),
            retrieval,
            stop,
        }
    }

    /// Fetches blocks and checks that they are what they should be.
    pub(crate) async fn fetch(&self, wanted: &[Block]) {
        let cids = wanted.iter().map(|block| *block.cid()).collect();
        let mut came: Vec<Block> = self.blocks.stream(cids).try_collect().await.unwrap();
        let mut wanted = wanted.to_vec();
        came.sort_by_key(|block| *block.cid());
        wanted.sort_by_key(|block| *block.cid());
        assert!(came == wanted, "{} of {}", came.len(), wanted.len());
    }

    /// What is known of the server at an address.
    pub(crate) fn server(&self, address: &Multiaddr) -> ServerReport {
        let url = basalt_retrieval::Server::of(address).unwrap().to_string();
        let servers = self.retrieval.report().servers;
        servers.into_iter().find(|s| s.url == url).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// So many blocks of about `len` bytes.
pub(crate) fn blocks(count: u32, len: usize) -> Vec<Block> {
    let block = |n: u32| {
        let mut data = n.to_be_bytes().repeat(len / 4 + 1);
        data.truncate(len.max(4));
        Block::hash(1, codec::RAW, Hasher::SHA2_256, data.into()).unwrap()
    };
    (0..count).map(block).collect()
}
