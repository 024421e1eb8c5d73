use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};

use super::stream::Counted;
use super::{Connection, Traffic};

/// A connection whose streams are counted.
pub(crate) struct Metered<M> {
    inner: M,
    traffic: Traffic,
    connection: Arc<Connection>,
}

impl<M> Metered<M> {
    pub(crate) fn new(inner: M, traffic: Traffic, connection: Arc<Connection>) -> Self {
        Self {
            inner,
            traffic,
            connection,
        }
    }
}

impl<M> Drop for Metered<M> {
    fn drop(&mut self) {
        self.traffic.connection_ended(&self.connection);
    }
}

impl<M> StreamMuxer for Metered<M>
where
    M: StreamMuxer + Unpin,
    M::Substream: Unpin,
{
    type Substream = Counted<M::Substream>;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        loop {
            let stream = ready!(Pin::new(&mut self.inner).poll_inbound(cx))?;
            // One too many is dropped, which resets it.
            if let Some(id) = self.traffic.stream(&self.connection, true) {
                let (traffic, connection) = (self.traffic.clone(), self.connection.clone());
                return Poll::Ready(Ok(Counted::new(stream, traffic, connection, id, true)));
            }
        }
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let stream = ready!(Pin::new(&mut self.inner).poll_outbound(cx))?;
        let id = self
            .traffic
            .stream(&self.connection, false)
            .unwrap_or_default();
        let (traffic, connection) = (self.traffic.clone(), self.connection.clone());
        Poll::Ready(Ok(Counted::new(stream, traffic, connection, id, false)))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}
