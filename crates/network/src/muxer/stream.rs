use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::{AsyncRead, AsyncWrite};

use super::account::Account;

/// A stream, whose reads make room for more to come.
pub(crate) struct Stream {
    inner: yamux::Stream,
    account: Arc<Account>,
}

impl Stream {
    pub(super) fn new(inner: yamux::Stream, account: Arc<Account>) -> Self {
        Self { inner, account }
    }

    fn id(&self) -> u32 {
        self.inner.id().val()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.account.ended(self.id());
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.account.read(self.id(), count);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.account.poll_send(cx));
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, buffer))?;
        self.account.queued(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}
