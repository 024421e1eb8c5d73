use basalt_block::Cid;
use futures::{StreamExt, stream, stream::BoxStream};
use libp2p_identity::PeerId;

/// What the network knows of a peer that matters to whom wants are broadcast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeerTraits {
    /// It is on the local network.
    pub local: bool,
    /// The configuration names it in `Peering.Peers`.
    pub peered: bool,
}

/// A way to find peers that have a block: a DHT, an index, a list.
pub trait Providers: Send + Sync + 'static {
    /// Peers that are said to have the block, each connected to before it is given; at most `max`
    /// of them.
    fn find(&self, cid: Cid, max: usize) -> BoxStream<'static, PeerId>;
}

/// Knows of no providers.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProviders;

impl Providers for NoProviders {
    fn find(&self, _: Cid, _: usize) -> BoxStream<'static, PeerId> {
        stream::empty().boxed()
    }
}
