//! Streams that peers open, for protocols that are spoken elsewhere.

use std::sync::Arc;

use futures::FutureExt;
use libp2p::{PeerId, Stream, StreamProtocol};
use tokio::sync::mpsc;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};

use crate::{Error, Handle, Result};

/// Streams that may wait to be taken; more wait with the limits of streams.
const WAITING: usize = 16;

/// A stream that a peer has opened.
pub struct IncomingStream {
    /// The peer.
    pub peer: PeerId,
    /// What is said on it.
    pub stream: Compat<Stream>,
}

impl Handle {
    /// Gives every stream of a protocol that a peer opens, from now on, until the network stops.
    ///
    /// # Errors
    /// The protocol is served already, or its name is none.
    pub fn accept(&self, protocol: &str) -> Result<mpsc::Receiver<IncomingStream>> {
        let protocol = StreamProtocol::try_from_owned(protocol.to_owned())
            .map_err(|_| Error::TunnelProtocol(protocol.to_owned()))?;
        let services = self.tunnels.services();
        if services.protocols().contains(&protocol) {
            return Err(Error::TunnelExists);
        }
        let (taken, streams) = mpsc::channel(WAITING);
        let serve = Arc::new(move |peer, stream: Stream| {
            let taken = taken.clone();
            async move {
                let stream = stream.compat();
                // Who takes them has gone; the stream ends with this.
                let _ = taken.send(IncomingStream { peer, stream }).await;
            }
            .boxed()
        });
        services.add(protocol, WAITING, serve);
        Ok(streams)
    }
}
