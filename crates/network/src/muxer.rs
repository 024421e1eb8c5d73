//! Yamux with an end to what may wait: bytes that came and nobody has read, and bytes that are to be sent
//! and the other side does not take.
//!
//! Yamux gives each stream a window of 256 KiB, so that a peer with hundreds of streams may send 128 MiB
//! before anybody reads a byte, or many times that in frames of one byte. So each connection has an
//! [`Account`] of what it holds, and all have one [`Budget`]: a [`Guard`] between the multiplexer and the
//! connection takes no more frames in when there is no room, and ends the connection if nothing is read for
//! long. What is to be sent waits in its streams' owners, not in the multiplexer.

mod account;
mod budget;
mod cut;
mod guard;
mod stream;

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::UpgradeInfo;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use yamux::{Connection, DEFAULT_CREDIT, Mode};

use account::Account;
pub(crate) use budget::Budget;
use guard::Guard;
use stream::Stream;

/// Streams of others that wait to be taken before more are refused.
const WAITING: usize = 256;
/// By how much the windows of a connection's streams may grow, together, for those who read fast.
const GROWTH: usize = 16 << 20;

/// Yamux, as both sides agree on it.
#[derive(Clone)]
pub(crate) struct Yamux {
    budget: Arc<Budget>,
    config: yamux::Config,
}

impl Yamux {
    /// So many streams on each connection, and one budget for all connections.
    pub(crate) fn new(budget: Arc<Budget>, streams: usize) -> Self {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(streams);
        config.set_max_connection_receive_window(Some(streams * DEFAULT_CREDIT as usize + GROWTH));
        Self { budget, config }
    }

    fn muxer<C: AsyncRead + AsyncWrite + Unpin>(self, socket: C, mode: Mode) -> Muxer<C> {
        let remote_is_odd = matches!(mode, Mode::Server);
        let account = Account::open(self.budget, remote_is_odd);
        let guard = Guard::new(socket, account.clone());
        Muxer {
            connection: Connection::new(guard, self.config, mode),
            account,
            inbound: VecDeque::new(),
            waker: None,
        }
    }
}

impl UpgradeInfo for Yamux {
    type Info = &'static str;
    type InfoIter = std::iter::Once<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        std::iter::once("/yamux/1.0.0")
    }
}

impl<C> InboundConnectionUpgrade<C> for Yamux
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Muxer<C>>>;

    fn upgrade_inbound(self, socket: C, _: Self::Info) -> Self::Future {
        ready(Ok(self.muxer(socket, Mode::Server)))
    }
}

impl<C> OutboundConnectionUpgrade<C> for Yamux
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Muxer<C>>>;

    fn upgrade_outbound(self, socket: C, _: Self::Info) -> Self::Future {
        ready(Ok(self.muxer(socket, Mode::Client)))
    }
}

/// A connection that carries streams.
pub(crate) struct Muxer<C> {
    connection: Connection<Guard<C>>,
    account: Arc<Account>,
    /// Came while nobody asked for streams: the connection moves on only when it is asked for one.
    inbound: VecDeque<Stream>,
    waker: Option<Waker>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        self.connection.poll_next_inbound(cx).map(|next| {
            let stream = next
                .unwrap_or(Err(yamux::ConnectionError::Closed))
                .map_err(into_io)?;
            Ok(Stream::new(stream, self.account.clone()))
        })
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = Stream;
    type Error = io::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Stream, io::Error>> {
        if let Some(stream) = self.inbound.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        let next = self.poll_next(cx);
        if next.is_pending() {
            self.waker = Some(cx.waker().clone());
        }
        next
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Stream, io::Error>> {
        let account = self.account.clone();
        self.connection.poll_new_outbound(cx).map(|opened| {
            let stream = opened.map_err(into_io)?;
            account.opened(stream.id().val());
            Ok(Stream::new(stream, account))
        })
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.connection.poll_close(cx).map_err(into_io)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, io::Error>> {
        let stream = match self.poll_next(cx) {
            Poll::Ready(next) => next?,
            Poll::Pending => return Poll::Pending,
        };
        // One too many is dropped, which resets it.
        if self.inbound.len() < WAITING {
            self.inbound.push_back(stream);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
        // There may be more, but others shall have their turn first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn into_io(error: yamux::ConnectionError) -> io::Error {
    match error {
        yamux::ConnectionError::Io(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests;
