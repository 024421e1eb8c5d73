//! Bitswap's way to peers that have a block.

use std::collections::HashSet;
use std::future::ready;

use basalt_bitswap::{Provider, Providers};
use basalt_block::Cid;
use basalt_network::PeerId;
use basalt_repo::{Config, parse_peer_id};
use basalt_retrieval::is_http;
use basalt_routing::{Events, PeerInfo};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use crate::Node;

/// Providers that are connected to side by side.
const DIALS: usize = 4;

pub(crate) struct Finder {
    pub(crate) node: Node,
    /// Peers that are not asked, whatever they have: `Routing.IgnoreProviders`.
    pub(crate) ignored: HashSet<PeerId>,
}

impl Finder {
    /// The config's check names what is no peer ID.
    pub(crate) fn new(node: Node, config: &Config) -> Self {
        let ignored = config.strings("Routing.IgnoreProviders");
        let ignored = ignored.iter().filter_map(|id| parse_peer_id(id).ok());
        Self {
            node,
            ignored: ignored.collect(),
        }
    }
}

impl Node {
    /// Has Bitswap ask a provider: over HTTP if one of its addresses is that of a gateway, else over a
    /// connection.
    async fn reach_provider(&self, peer: PeerInfo) -> bool {
        let http = peer.addresses.iter().filter(|a| is_http(a));
        let http: Vec<_> = http.cloned().collect();
        if !http.is_empty()
            && let Some(retrieval) = self.retrieval()
        {
            match retrieval.connect(peer.id, &http).await {
                Ok(()) => return true,
                Err(error) => {
                    let peer = peer.id;
                    tracing::debug!(target: "basalt::retrieval", %peer, %error, "not asked over HTTP");
                }
            }
        }
        let others = peer.addresses.into_iter().filter(|a| !is_http(a));
        match self.network() {
            Some(network) => network.connect(peer.id, others.collect()).await.is_ok(),
            None => false,
        }
    }
}

impl Providers for Finder {
    /// Dropping the stream ends the search.
    fn find(&self, cid: Cid, max: usize) -> BoxStream<'static, Provider> {
        let (Some(routing), Some(network)) = (self.node.routing(), self.node.network()) else {
            return stream::empty().boxed();
        };
        let (routing, node) = (routing.clone(), self.node.clone());
        let own = network.local_peer();
        let ignored = self.ignored.clone();
        let (out, mut found) = mpsc::channel::<PeerInfo>(DIALS);
        let search = async move {
            let events = Events::default();
            let most = if max == usize::MAX { 0 } else { max };
            let key = cid.hash().to_bytes();
            let searched = routing.find_providers(&key, most, &events, out).await;
            if let Err(error) = searched {
                tracing::debug!(target: "basalt::routing", %cid, %error, "no providers were found");
            }
            None
        };
        let providers = stream::poll_fn(move |cx| found.poll_recv(cx));
        let others =
            providers.filter(move |peer| ready(peer.id != own && !ignored.contains(&peer.id)));
        let connected = others.map(move |peer| {
            let node = node.clone();
            let named = Provider::Named(peer.id);
            let reached = async move {
                let id = peer.id;
                match node.reach_provider(peer).await {
                    true => Provider::Connected(id),
                    false => Provider::Unreached(id),
                }
            };
            let news = stream::iter([named]).chain(stream::once(reached));
            news.map(Some).boxed()
        });
        let connected = connected.flatten_unordered(DIALS);
        let searching = stream::once(search);
        stream::select(connected, searching)
            .filter_map(ready)
            .boxed()
    }
}
