use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::{AsyncRead, AsyncWrite};

use super::sniff::Sniff;
use super::{Connection, Meter, Traffic};

/// A stream whose bytes are counted.
pub(crate) struct Counted<S> {
    inner: S,
    traffic: Traffic,
    connection: Arc<Connection>,
    id: u64,
    inbound: bool,
    sniff: Sniff,
    protocol: Option<Arc<Meter>>,
}

impl<S> Counted<S> {
    pub(super) fn new(
        inner: S,
        traffic: Traffic,
        connection: Arc<Connection>,
        id: u64,
        inbound: bool,
    ) -> Self {
        Self {
            inner,
            traffic,
            connection,
            id,
            inbound,
            sniff: Sniff::default(),
            protocol: None,
        }
    }

    fn received(&mut self, bytes: &[u8]) {
        self.traffic.0.total.receive(bytes.len());
        self.connection.of_peer.meter.receive(bytes.len());
        if let Some(meter) = &self.protocol {
            meter.receive(bytes.len());
        } else if !self.inbound {
            self.learn(bytes);
        }
    }

    fn sent(&mut self, count: usize) {
        self.traffic.0.total.send(count);
        self.connection.of_peer.meter.send(count);
        if let Some(meter) = &self.protocol {
            meter.send(count);
        }
    }

    /// Whether what is sent tells the protocol.
    fn learns_from_sent(&self) -> bool {
        self.inbound && !self.sniff.is_done()
    }

    fn learn(&mut self, bytes: &[u8]) {
        if self.sniff.is_done() {
            return;
        }
        if let Some(name) = self.sniff.feed(bytes) {
            self.protocol = Some(self.traffic.named(&self.connection, self.id, &name));
        }
    }
}

impl<S> Drop for Counted<S> {
    fn drop(&mut self) {
        self.traffic.stream_ended(&self.connection, self.id);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        self.received(&buf[..read]);
        Poll::Ready(Ok(read))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.sent(written);
        if self.learns_from_sent() {
            self.learn(&buf[..written]);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.learns_from_sent() {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write(cx, first.map_or(&[], |buf| buf));
        }
        let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, bufs))?;
        self.sent(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}
