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

/// News of a search for peers that have a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// It is said to have the block, and is being connected to.
    Named(PeerId),
    /// One that was named is connected.
    Connected(PeerId),
    /// One that was named cannot be reached.
    Unreached(PeerId),
}

/// A way to find peers that have a block: a DHT, an index, a list.
pub trait Providers: Send + Sync + 'static {
    /// Peers that are said to have the block, and what came of connecting to them; at most `max` peers.
    fn find(&self, cid: Cid, max: usize) -> BoxStream<'static, Provider>;
}

/// Knows of no providers.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProviders;

impl Providers for NoProviders {
    fn find(&self, _: Cid, _: usize) -> BoxStream<'static, Provider> {
        stream::empty().boxed()
    }
}
