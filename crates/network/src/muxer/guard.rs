use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

use super::account::Account;
use super::cut::{Cut, HEAD, Parts, Piece};

/// The connection under the multiplexer. Frames come one by one, long ones in parts, each when there is room
/// for it.
pub(super) struct Guard<C> {
    inner: C,
    account: Arc<Account>,
    came: Cut,
    left: Cut,
    /// The stream of the frame that comes, and its parts that are still to come.
    parts: Option<(u32, Parts)>,
    /// The head of the part that comes, and how much of it was handed on.
    head: ([u8; HEAD], usize),
    /// The body of that part.
    body: Body,
    waiting: Option<Waiting>,
    /// Runs while the other side takes nothing.
    deaf: Option<Pin<Box<Sleep>>>,
}

enum Body {
    /// None, or all of it has come.
    None,
    /// So many bytes wait for room.
    Waits(usize),
    /// Of so many bytes some are to come.
    Comes { of: usize, left: usize },
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
            parts: None,
            head: ([0; HEAD], HEAD),
            body: Body::None,
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

impl<C: AsyncRead + Unpin> Guard<C> {
    fn poll_inner(&mut self, buffer: &mut [u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if read.is_pending() {
            // Who ends the connection wakes it.
            self.account.wait(cx);
        }
        read
    }

    /// Reads of the head of a frame what there is; none at the end of the connection.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; HEAD];
        let room = self.came.room();
        let read = ready!(self.poll_inner(&mut bytes[..room], cx))?;
        if let Piece::Head(head) = self.came.pass(&bytes[..read]) {
            if head.opens {
                self.account.opened_by_remote(head.id);
            }
            self.parts = Some((head.id, self.came.parts()));
            self.next_part();
        }
        Poll::Ready(Ok(read))
    }

    fn next_part(&mut self) {
        let next = self.parts.as_mut().and_then(|(_, parts)| parts.next());
        if let Some((head, body)) = next {
            self.head = (head, 0);
            if body > 0 {
                self.body = Body::Waits(body);
            }
        }
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
        loop {
            let (head, handed) = &mut this.head;
            if *handed < HEAD {
                let count = buffer.len().min(HEAD - *handed);
                buffer[..count].copy_from_slice(&head[*handed..*handed + count]);
                *handed += count;
                return Poll::Ready(Ok(count));
            }
            match this.body {
                Body::None if this.came.is_at_head() => {
                    if ready!(this.poll_head(cx))? == 0 {
                        return Poll::Ready(Ok(0));
                    }
                }
                Body::None => this.next_part(),
                Body::Waits(of) => {
                    ready!(this.poll_room(of, cx))?;
                    this.body = Body::Comes { of, left: of };
                }
                Body::Comes { of, left } => {
                    let most = buffer.len().min(left);
                    let read = ready!(this.poll_inner(&mut buffer[..most], cx))?;
                    this.came.pass(&buffer[..read]);
                    this.body = Body::Comes {
                        of,
                        left: left - read,
                    };
                    if left == read {
                        this.body = Body::None;
                        if let Some((id, _)) = this.parts {
                            this.account.came(id, of);
                        }
                    }
                    return Poll::Ready(Ok(read));
                }
            }
        }
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
            if let Piece::Body(count) = this.left.pass(&rest[..count]) {
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
