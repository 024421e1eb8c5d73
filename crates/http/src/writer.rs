//! The writing side of a connection: a queue that the connection's task empties.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::Headers;
use crate::{Error, Result};

/// Where bytes go: a TCP or unix socket, or anything else.
pub(crate) type Destination = Box<dyn AsyncWrite + Send + Unpin>;

/// Whoever sends waits while so much is queued.
const HIGH_WATER: usize = 256 << 10;
/// Shorter pieces are copied together, longer ones are written from where they are.
const COPIED: usize = 4 << 10;
/// Pieces in one system call.
const SLICES: usize = 32;
/// What is kept for a client that takes no more, of data that can be read again.
pub(crate) const KEPT: usize = 64 << 10;

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// No body: `HEAD`, 204, 304.
    NoBody,
    /// So many bytes are left to be sent.
    Length(u64),
    /// By a last chunk, and trailers.
    Chunked,
    /// By closing the connection.
    Close,
}

/// The writing side, shared by the connection's task and the responder.
#[derive(Clone)]
pub(crate) struct SharedWriter(Arc<Mutex<Writer>>);

impl SharedWriter {
    pub(crate) fn new(destination: Destination) -> Self {
        Self(Arc::new(Mutex::new(Writer {
            destination: Some(destination),
            queue: VecDeque::new(),
            tail: BytesMut::new(),
            queued: 0,
            sent: 0,
            state: State::Waiting,
            ending: Ending::NoBody,
            close: false,
            continued: false,
            polling: false,
            drainer: None,
            blocked: None,
            body_at: 0,
            lent: false,
            returned: None,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Writer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the response stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Its head is to come.
    Waiting,
    /// Its body is to come.
    Begun,
    /// All of it is queued.
    Complete,
    /// It was given up: the connection must not look complete.
    Aborted,
}

/// What is queued for the peer.
pub(crate) struct Writer {
    destination: Option<Destination>,
    /// Full pieces, before `tail`.
    queue: VecDeque<Bytes>,
    /// Small pieces copied together.
    tail: BytesMut,
    queued: usize,
    /// Bytes the system has taken, in all.
    sent: u64,
    pub(crate) state: State,
    ending: Ending,
    /// Whether the connection ends after this response.
    pub(crate) close: bool,
    /// Whether the client was told to go on.
    continued: bool,
    /// Whether the task that drains is at it, and will look at the queue before it sleeps.
    polling: bool,
    drainer: Option<Waker>,
    /// Who waits until less than so many bytes are queued.
    blocked: Option<(usize, Waker)>,
    /// What had been sent and queued before the body began.
    body_at: u64,
    /// Whether nothing of the queue is to be held when the client takes no more: the end of the body is
    /// taken back, or copied.
    lent: bool,
    /// Bytes that were taken back.
    returned: Option<usize>,
}

impl Writer {
    /// Makes ready for the next response.
    pub(crate) fn reset(&mut self) {
        self.state = State::Waiting;
        self.close = false;
        self.continued = false;
    }

    /// The connection broke, or is given up.
    pub(crate) fn fail(&mut self) {
        self.destination = None;
        self.queue.clear();
        self.tail = BytesMut::new();
        self.queued = 0;
        self.lent = false;
        self.wake_blocked();
    }

    /// Whether nothing can be sent any more.
    pub(crate) fn failed(&self) -> bool {
        self.destination.is_none()
    }

    /// Tells a client which waits for it to send the body.
    pub(crate) fn go_on(&mut self) {
        if self.state == State::Waiting && !self.continued {
            self.continued = true;
            self.copy(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.changed();
        }
    }

    /// Whether the client was told to send its body.
    pub(crate) fn went_on(&self) -> bool {
        self.continued
    }

    /// Bytes the system has taken, in all.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Queues bytes that are no part of a response.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.copy(bytes);
    }

    /// Queues a head, which `write` appends to the buffer it is given.
    pub(crate) fn begin(&mut self, ending: Ending, write: impl FnOnce(&mut BytesMut)) {
        let before = self.tail.len();
        write(&mut self.tail);
        self.queued += self.tail.len() - before;
        self.body_at = self.sent + self.queued as u64;
        self.ending = ending;
        self.state = State::Begun;
        self.changed();
    }

    /// Queues a piece of the body.
    pub(crate) fn data(&mut self, data: Bytes) -> Result<()> {
        self.open()?;
        if data.is_empty() {
            return Ok(());
        }
        match &mut self.ending {
            Ending::NoBody => return Ok(()),
            Ending::Close => self.piece(data),
            Ending::Length(left) => {
                *left = left
                    .checked_sub(data.len() as u64)
                    .ok_or(Error::WrongLength)?;
                self.piece(data);
            }
            Ending::Chunked => {
                let mut line = [0; 18];
                let mut rest = &mut line[..];
                write!(rest, "{:x}\r\n", data.len())?;
                let unused = rest.len();
                self.copy(&line[..line.len() - unused]);
                self.piece(data);
                self.copy(b"\r\n");
            }
        }
        self.changed();
        Ok(())
    }

    /// Queues a piece, the end of which is given back if the client does not take it now: see
    /// [`Writer::poll_returned`].
    pub(crate) fn lend(&mut self, data: Bytes) -> Result<()> {
        self.data(data)?;
        self.returned = None;
        self.lent = true;
        Ok(())
    }

    /// Whether nothing is queued.
    pub(crate) fn is_clear(&self) -> bool {
        self.queued == 0
    }

    /// Whether a piece of the body may be cut anywhere. Part of a chunk would be no chunk.
    fn is_divisible(&self) -> bool {
        self.state == State::Begun && matches!(self.ending, Ending::Length(_) | Ending::Close)
    }

    /// Ready when what was lent is written as far as the client takes it: how many bytes of its end
    /// were not, and are not kept either.
    pub(crate) fn poll_returned(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        if self.failed() {
            return Poll::Ready(Err(Error::Closed));
        }
        if let Some(returned) = self.returned.take() {
            return Poll::Ready(Ok(returned));
        }
        if self.queued == 0 {
            self.lent = false;
            return Poll::Ready(Ok(0));
        }
        self.blocked = Some((1, cx.waker().clone()));
        Poll::Pending
    }

    /// Keeps a copy of what comes next in the queue, and of the rest nothing: how many bytes of the
    /// body that were.
    pub(crate) fn take_back(&mut self) -> usize {
        self.lent = false;
        let end = self.sent + self.queued as u64;
        let body = (end - self.body_at.max(self.sent)) as usize;
        let back = match self.is_divisible() {
            true => body.min(self.queued.saturating_sub(KEPT)),
            false => 0,
        };
        let keep = self.queued - back;
        let mut kept = BytesMut::with_capacity(keep);
        for piece in self.queue.iter().map(|p| &p[..]).chain([&self.tail[..]]) {
            let space = keep - kept.len();
            kept.extend_from_slice(&piece[..piece.len().min(space)]);
        }
        self.queue.clear();
        self.tail = kept;
        self.queued = keep;
        if let Ending::Length(left) = &mut self.ending {
            *left += back as u64;
        }
        back
    }

    /// Queues the end of the body. Trailers go out whether the client asked for them or not:
    /// Go's does not ask, and reads them.
    pub(crate) fn finish(&mut self, trailers: Option<&Headers>) -> Result<()> {
        self.open()?;
        match self.ending {
            Ending::Length(left) if left > 0 => {
                self.abort();
                return Err(Error::WrongLength);
            }
            Ending::Chunked => {
                self.copy(b"0\r\n");
                let before = self.tail.len();
                if let Some(trailers) = trailers {
                    trailers.write(&mut self.tail);
                }
                self.queued += self.tail.len() - before;
                self.copy(b"\r\n");
            }
            _ => {}
        }
        self.state = State::Complete;
        self.changed();
        Ok(())
    }

    /// Gives the response up, unless it is complete.
    pub(crate) fn abort(&mut self) {
        if self.state != State::Complete {
            self.state = State::Aborted;
            self.changed();
        }
    }

    fn open(&self) -> Result<()> {
        match self.state {
            _ if self.failed() => Err(Error::Closed),
            State::Begun => Ok(()),
            State::Waiting => Err(Error::State("no head was sent")),
            State::Complete | State::Aborted => Err(Error::Closed),
        }
    }

    fn copy(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.queued += bytes.len();
    }

    fn piece(&mut self, data: Bytes) {
        if data.len() <= COPIED {
            return self.copy(&data);
        }
        self.queued += data.len();
        if !self.tail.is_empty() {
            self.queue.push_back(self.tail.split().freeze());
        }
        self.queue.push_back(data);
    }

    fn changed(&mut self) {
        if !self.polling
            && let Some(waker) = &self.drainer
        {
            waker.wake_by_ref();
        }
    }

    fn wake_blocked(&mut self) {
        if let Some((_, waker)) = self.blocked.take() {
            waker.wake();
        }
    }

    /// The draining task begins to poll the work that fills the queue.
    pub(crate) fn enter(&mut self, cx: &Context<'_>) {
        self.polling = true;
        match &self.drainer {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            _ => self.drainer = Some(cx.waker().clone()),
        }
    }

    /// Writes what can be written now; ready when nothing is left. Ends the time since
    /// [`Writer::enter`].
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.polling = false;
        let result = self.poll_write(cx);
        match &result {
            Poll::Ready(Err(_)) => self.fail(),
            Poll::Pending if self.lent => {
                self.returned = Some(self.take_back());
                self.wake_blocked();
            }
            _ if self
                .blocked
                .as_ref()
                .is_some_and(|(below, _)| self.queued < *below) =>
            {
                self.wake_blocked();
            }
            _ => {}
        }
        result
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.queued > 0 {
            let Some(destination) = &mut self.destination else {
                break;
            };
            let written = if self.queue.is_empty() {
                ready!(Pin::new(destination).poll_write(cx, &self.tail))?
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let mut count = 0;
                let tail = Some(&self.tail[..]).filter(|_| self.queue.len() < SLICES);
                for (slice, piece) in slices
                    .iter_mut()
                    .zip(self.queue.iter().map(|p| &p[..]).chain(tail))
                {
                    *slice = IoSlice::new(piece);
                    count += 1;
                }
                ready!(Pin::new(destination).poll_write_vectored(cx, &slices[..count]))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        if self.tail.is_empty() {
            // Nothing is kept for a connection that sends nothing.
            self.tail = BytesMut::new();
        }
        match &mut self.destination {
            Some(destination) => Pin::new(destination).poll_flush(cx),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn advance(&mut self, mut written: usize) {
        self.queued -= written;
        self.sent += written as u64;
        while let Some(front) = self.queue.front_mut() {
            if written < front.len() {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.queue.pop_front();
        }
        self.tail.advance(written);
    }

    /// Closes the writing side.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.destination {
            Some(destination) => Pin::new(destination).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Ready when less than `below` bytes are queued.
    pub(crate) fn poll_below(&mut self, cx: &mut Context<'_>, below: usize) -> Poll<Result<()>> {
        if self.failed() {
            return Poll::Ready(Err(Error::Closed));
        }
        if self.queued < below {
            return Poll::Ready(Ok(()));
        }
        self.blocked = Some((below, cx.waker().clone()));
        Poll::Pending
    }

    /// Ready when there is space to send more.
    pub(crate) fn poll_space(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_below(cx, HIGH_WATER)
    }
}
