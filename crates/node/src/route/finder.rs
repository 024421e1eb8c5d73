//! Bitswap's way to peers that have a block.

use basalt_bitswap::Providers;
use basalt_block::Cid;
use basalt_network::PeerId;
use basalt_routing::{Events, PeerInfo};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use crate::Node;

/// Providers that are connected to side by side.
const DIALS: usize = 4;

pub(crate) struct Finder(pub(crate) Node);

impl Providers for Finder {
    /// Dropping the stream ends the search.
    fn find(&self, cid: Cid, max: usize) -> BoxStream<'static, PeerId> {
        let (Some(routing), Some(network)) = (self.0.routing(), self.0.network()) else {
            return stream::empty().boxed();
        };
        let (routing, network) = (routing.clone(), network.clone());
        let own = network.local_peer();
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
        let connected = providers.map(move |peer| {
            let network = network.clone();
            async move {
                let reached = network.connect(peer.id, peer.addresses).await;
                (peer.id != own && reached.is_ok()).then_some(peer.id)
            }
        });
        let connected = connected.buffer_unordered(DIALS);
        let searching = stream::once(search);
        stream::select(connected, searching)
            .filter_map(std::future::ready)
            .boxed()
    }
}
