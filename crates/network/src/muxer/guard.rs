use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

use super::account::Account;
use super::cut::{Cut, Head, Piece};

/// The connection under the multiplexer. Frames come one by one, each when there is room for it.
pub(super) struct Guard<C> {
    inner: C,
    account: Arc<Account>,
    came: Cut,
    left: Cut,
    /// The frame that comes.
    frame: Frame,
    waiting: Option<Waiting>,
    /// Runs while the other side takes nothing.
    deaf: Option<Pin<Box<Sleep>>>,
}

enum Frame {
    /// None, or only its head.
    None,
    /// Its body waits for room.
    Waits(Head),
    /// Its body comes.
    Comes(Head),
}

struct Waiting {
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<C> Guard<C> {
    pub(super) fn new(inner: C, account: Arc<Account>) -> Self {
        Self {
            inner,
            account,
            came: Cut::default(),
            left: Cut::default(),
            frame: Frame::None,
            waiting: None,
            deaf: None,
        }
    }

    /// Waits until there is room for the frame.
    fn poll_room(&mut self, body: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Before it is looked for, so that none that comes meanwhile is missed.
        self.account.wait(cx);
        if self.account.admit(body) {
            self.waiting = None;
            return Poll::Ready(Ok(()));
        }
        let patience = self.account.budget().patience;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            since: Instant::now(),
            timer: Box::pin(sleep(patience.look)),
        });
        while waiting.timer.as_mut().poll(cx).is_ready() {
            let unread = match self.account.held() {
                0 => waiting.since.elapsed(),
                _ => self.account.deaf_for().min(waiting.since.elapsed()),
            };
            if unread >= patience.stuck {
                return Poll::Ready(Err(crowded()));
            }
            self.account.budget().make_room();
            waiting.timer.as_mut().reset(Instant::now() + patience.look);
        }
        Poll::Pending
    }
}

fn crowded() -> io::Error {
    io::Error::other("more has come than is read")
}

impl<C: AsyncRead + Unpin> AsyncRead for Guard<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.account.is_condemned() {
            return Poll::Ready(Err(crowded()));
        }
        if let Frame::Waits(head) = this.frame {
            ready!(this.poll_room(head.body, cx))?;
            this.frame = Frame::Comes(head);
        }
        let most = buffer.len().min(this.came.room());
        let read = match Pin::new(&mut this.inner).poll_read(cx, &mut buffer[..most]) {
            Poll::Ready(read) => read?,
            Poll::Pending => {
                // Who ends the connection wakes it.
                this.account.wait(cx);
                return Poll::Pending;
            }
        };
        match this.came.pass(&buffer[..read]) {
            Piece::Part | Piece::Body(_, false) => {}
            Piece::Head(head) => {
                if head.opens {
                    this.account.opened_by_remote(head.id);
                }
                this.frame = match head.body {
                    0 => Frame::None,
                    _ => Frame::Waits(head),
                };
            }
            Piece::Body(_, true) => {
                if let Frame::Comes(head) = std::mem::replace(&mut this.frame, Frame::None) {
                    this.account.came(head.id, head.body);
                }
            }
        }
        Poll::Ready(Ok(read))
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Guard<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.account.is_condemned() {
            return Poll::Ready(Err(crowded()));
        }
        let written = match Pin::new(&mut this.inner).poll_write(cx, buffer) {
            Poll::Ready(written) => written?,
            Poll::Pending => {
                this.account.wait(cx);
                let deaf = this
                    .deaf
                    .get_or_insert_with(|| Box::pin(sleep(this.account.budget().patience.untaken)));
                ready!(deaf.as_mut().poll(cx));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        };
        this.deaf = None;
        let (mut rest, mut bodies) = (&buffer[..written], 0);
        while !rest.is_empty() {
            let count = rest.len().min(this.left.room());
            if let Piece::Body(count, _) = this.left.pass(&rest[..count]) {
                bodies += count;
            }
            rest = &rest[count..];
        }
        if bodies > 0 {
            this.account.sent(bodies);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}
