//! The reading side of a connection.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

use crate::Headers;
use crate::framing::{Framing, Step};
use crate::{Error, Result};

/// Where bytes come from: a TCP or unix socket, or anything else.
pub(crate) type Input = Box<dyn AsyncRead + Send + Unpin>;

/// What is read at once while no body flows; it lies on the stack, so idle connections hold no
/// buffer.
const SMALL_READ: usize = 8 << 10;
/// The least and the most that is read of a body at once.
const BODY_READ: std::ops::RangeInclusive<usize> = 16 << 10..=64 << 10;
/// How much of later requests is taken in while one is being answered.
const MAX_PIPELINED: usize = 16 << 10;
/// How much of an unread body is read to keep the connection.
pub(crate) const MAX_SKIPPED: usize = 256 << 10;
/// How much of a body that nobody wants is read to see whether its client is there.
const MAX_UNWANTED: usize = 256 << 10;

/// The reading side, shared by the connection's task and the body that it has handed out. Only one
/// of them reads at a time: the task until a head is complete and after a body has ended.
#[derive(Clone)]
pub(crate) struct SharedReader(Arc<Mutex<Reader>>);

impl SharedReader {
    pub(crate) fn new(input: Input) -> Self {
        Self(Arc::new(Mutex::new(Reader {
            input: Some(input),
            buf: BytesMut::new(),
            framing: Framing::Done,
            serial: 0,
            watcher: None,
            unwanted: None,
            read_size: *BODY_READ.start(),
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Reader> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was read and what is expected.
pub(crate) struct Reader {
    input: Option<Input>,
    /// Bytes that have come and belong to nobody yet.
    pub(crate) buf: BytesMut,
    framing: Framing,
    /// Counts messages, so that a body which outlives its request reads nothing of the next.
    serial: u64,
    /// Told when the body has ended.
    watcher: Option<Waker>,
    /// Set when nobody will read the body: how much of it may still be thrown away.
    unwanted: Option<usize>,
    read_size: usize,
}

/// A piece of a body, or its end.
pub(crate) enum Piece {
    Data(Bytes),
    End(Option<Headers>),
}

impl Reader {
    /// A body begins; gives the number that reads it.
    pub(crate) fn begin(&mut self, framing: Framing) -> u64 {
        self.serial += 1;
        self.framing = framing;
        self.unwanted = None;
        self.read_size = *BODY_READ.start();
        self.serial
    }

    /// Nobody will read body number `serial`.
    pub(crate) fn abandon(&mut self, serial: u64) {
        if serial == self.serial && !self.framing.is_done() {
            self.unwanted = Some(MAX_UNWANTED);
            if let Some(waker) = self.watcher.take() {
                waker.wake();
            }
        }
    }

    /// Whether nobody will read the body, and more of it is to come than is passed over.
    pub(crate) fn leaves_much(&self) -> bool {
        let limit = MAX_SKIPPED as u64;
        self.unwanted.is_some() && matches!(self.framing, Framing::Length(left) if left > limit)
    }

    /// The message is over: bodies that are still around read nothing more.
    pub(crate) fn revoke(&mut self) {
        self.serial += 1;
    }

    /// Gives the input up.
    pub(crate) fn close(&mut self) {
        self.revoke();
        self.input = None;
        self.buf = BytesMut::new();
    }

    /// Whether the present body is read to its end.
    pub(crate) fn body_done(&self) -> bool {
        self.framing.is_done()
    }

    /// Whether the body is read and nothing came after it.
    pub(crate) fn all_read(&self) -> bool {
        self.framing.is_done() && self.buf.is_empty()
    }

    /// Reads more into the buffer; 0 at the end of the input. Holds no memory while it waits.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(input) = &mut self.input else {
            return Poll::Ready(Ok(0));
        };
        if self.buf.is_empty() && self.buf.capacity() > SMALL_READ {
            self.buf = BytesMut::new();
        }
        let mut space = [MaybeUninit::uninit(); SMALL_READ];
        let mut read = ReadBuf::uninit(&mut space);
        ready!(Pin::new(input).poll_read(cx, &mut read))?;
        self.buf.extend_from_slice(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }

    fn poll_fill_body(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(input) = &mut self.input else {
            return Poll::Ready(Ok(0));
        };
        if self.buf.capacity() - self.buf.len() < self.read_size / 4 {
            self.buf.reserve(self.read_size);
        }
        let space = self.buf.capacity() - self.buf.len();
        let read = ready!(tokio_util::io::poll_read_buf(
            Pin::new(input),
            cx,
            &mut self.buf
        ))?;
        if read >= space {
            self.read_size = (self.read_size * 2).min(*BODY_READ.end());
        }
        Poll::Ready(Ok(read))
    }

    /// The next piece of body number `serial`.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>, serial: u64) -> Poll<Result<Piece>> {
        if serial != self.serial {
            return Poll::Ready(Err(Error::Closed));
        }
        loop {
            match self.framing.step(&mut self.buf)? {
                Step::Data(data) => return Poll::Ready(Ok(Piece::Data(data))),
                Step::End(trailers) => {
                    if self.buf.is_empty() {
                        self.buf = BytesMut::new();
                    }
                    if let Some(waker) = self.watcher.take() {
                        waker.wake();
                    }
                    return Poll::Ready(Ok(Piece::End(trailers)));
                }
                Step::More => {
                    if ready!(self.poll_fill_body(cx))? == 0 {
                        self.framing.closed()?;
                    }
                }
            }
        }
    }

    /// Takes what has come of the body and nobody wants; whether that was all of it.
    pub(crate) fn skip_buffered(&mut self) -> bool {
        loop {
            match self.framing.step(&mut self.buf) {
                Ok(Step::Data(_)) => {}
                Ok(Step::End(_)) => return true,
                Ok(Step::More) | Err(_) => return false,
            }
        }
    }

    /// Resolves when the peer has closed its side or the connection broke, as far as that can be
    /// seen: while somebody reads the body it is for them to find out, and a client which sends
    /// further requests ahead is alive.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.framing.is_done() {
            let Some(left) = self.unwanted.filter(|&left| left > 0) else {
                self.watcher = Some(cx.waker().clone());
                return Poll::Pending;
            };
            let before = self.buf.len();
            if self.skip_buffered() {
                break;
            }
            self.unwanted = Some(left.saturating_sub(before - self.buf.len()));
            match ready!(self.poll_fill(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        while self.buf.len() < MAX_PIPELINED {
            match ready!(self.poll_fill(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        Poll::Pending
    }
}
