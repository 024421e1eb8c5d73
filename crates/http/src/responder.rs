use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};

use crate::reader::SharedReader;
use crate::writer::{Ending, SharedWriter, State};
use crate::{Error, Result};
use crate::{Headers, date, reason};

/// Where the answer to one request is written.
///
/// Pieces are collected while the handler is busy and written as soon as it waits for something, so
/// nobody needs to flush for the sake of a prompt answer. Dropping an answer that is not finished
/// cuts the connection, and the client sees that it is not whole.
pub struct Responder {
    writer: SharedWriter,
    reader: SharedReader,
    asked: Asked,
    tally: Arc<Tally>,
}

/// What has become of an answer, for those who count answers.
#[derive(Debug, Default)]
pub struct Tally {
    status: AtomicU16,
    sent: AtomicU64,
}

impl Tally {
    /// The status; `None` before there is one.
    pub fn status(&self) -> Option<u16> {
        match self.status.load(Ordering::Relaxed) {
            0 => None,
            status => Some(status),
        }
    }

    /// Bytes of the body so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// What the request says about its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// Whether the client speaks HTTP/1.1.
    pub(crate) one_one: bool,
    /// Whether the method is `HEAD`.
    pub(crate) head: bool,
    /// Whether the connection may serve another request.
    pub(crate) keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends its body.
    pub(crate) expects: bool,
}

impl Responder {
    pub(crate) fn new(writer: SharedWriter, reader: SharedReader, asked: Asked) -> Self {
        Self {
            writer,
            reader,
            asked,
            tally: Arc::default(),
        }
    }

    /// Tells what has become of the answer, also after its end.
    pub fn tally(&self) -> Arc<Tally> {
        self.tally.clone()
    }

    /// Begins an answer that is sent in pieces: with the `Content-Length` that `headers` have,
    /// otherwise in chunks (HTTP/1.0: until the connection is closed). `Date`, `Connection` and
    /// `Transfer-Encoding` are added.
    pub fn head(&mut self, status: u16, headers: &Headers) -> Result<()> {
        let length = match headers.get("Content-Length") {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| Error::Malformed("Content-Length"))?,
            ),
            None => None,
        };
        self.begin(status, headers, length)
    }

    /// Sends a piece of the body. Waits while the client is slower; the piece is queued all the
    /// same if that wait is given up.
    pub async fn send(&mut self, data: impl Into<Bytes>) -> Result<()> {
        let data = data.into();
        self.count(data.len());
        self.writer.lock().data(data)?;
        poll_fn(|cx| self.writer.lock().poll_space(cx)).await
    }

    /// Sends as much of `data` as the client takes at once, and of the rest a copy of at most 64 KiB:
    /// nothing of `data` is held when this is done. Gives how many of its bytes that were; the
    /// others can be sent again, best after [`Responder::flush`]. A chunk cannot be cut: where the
    /// answer has no length, all of the rest is copied.
    pub async fn offer(&mut self, data: Bytes) -> Result<usize> {
        let length = data.len();
        self.writer.lock().lend(data)?;
        let returned = poll_fn(|cx| self.writer.lock().poll_returned(cx)).await?;
        let taken = length - returned.min(length);
        self.count(taken);
        Ok(taken)
    }

    /// Whether the system has taken everything that was sent.
    pub fn is_clear(&self) -> bool {
        self.writer.lock().is_clear()
    }

    /// Takes back what the client has not taken, all but 64 KiB: how many bytes of the body that
    /// were. They can be sent again. Without a length nothing is taken back. What stays is copied, so
    /// that nothing is held of what was sent.
    pub fn withdraw(&mut self) -> usize {
        let back = self.writer.lock().take_back();
        self.tally.sent.fetch_sub(back as u64, Ordering::Relaxed);
        back
    }

    /// Waits until the system has taken everything that was sent.
    pub async fn flush(&mut self) -> Result<()> {
        poll_fn(|cx| self.writer.lock().poll_below(cx, 1)).await
    }

    /// Waits until there is room for more, as [`Responder::send`] does.
    pub async fn space(&mut self) -> Result<()> {
        poll_fn(|cx| self.writer.lock().poll_space(cx)).await
    }

    /// Ends the answer. Trailers should be announced in a `Trailer` field; they are left out where
    /// the body is not chunked.
    pub fn finish(self, trailers: Option<&Headers>) -> Result<()> {
        self.writer.lock().finish(trailers)
    }

    /// Sends a whole answer, with its `Content-Length`.
    pub fn full(mut self, status: u16, headers: &Headers, body: impl Into<Bytes>) -> Result<()> {
        let body = body.into();
        // Nobody will read the rest of the request: a short one that is here costs nothing, for
        // another the client is told that the connection ends.
        let comes = !self.asked.expects || self.writer.lock().went_on();
        if comes && !self.reader.lock().skip_buffered() {
            self.asked.keep_alive = false;
        }
        self.begin(status, headers, Some(body.len() as u64))?;
        self.count(body.len());
        let mut writer = self.writer.lock();
        writer.data(body)?;
        writer.finish(None)
    }

    /// Cuts the connection, so that the client sees an answer that is not whole.
    pub fn abort(self) {}

    /// Whether the head has been sent.
    pub fn has_begun(&self) -> bool {
        self.writer.lock().state != State::Waiting
    }

    fn count(&self, bytes: usize) {
        self.tally.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn begin(&mut self, status: u16, headers: &Headers, length: Option<u64>) -> Result<()> {
        self.tally.status.store(status, Ordering::Relaxed);
        let bodiless = matches!(status, 100..200 | 204 | 304);
        let ending = match length {
            _ if bodiless || self.asked.head => Ending::NoBody,
            Some(length) => Ending::Length(length),
            None if self.asked.one_one => Ending::Chunked,
            None => Ending::Close,
        };
        let mut writer = self.writer.lock();
        if writer.failed() {
            return Err(Error::Closed);
        }
        if writer.state != State::Waiting {
            return Err(Error::State("the head was sent already"));
        }
        // A client that waits for `100 Continue` may send its body or not: it cannot be told where
        // its next request begins.
        let reader = self.reader.lock();
        let unasked = self.asked.expects && !reader.body_done() && !writer.went_on();
        // The client had better know, before it sends its next request in vain.
        let left = reader.leaves_much();
        drop(reader);
        let close = !self.asked.keep_alive
            || ending == Ending::Close
            || unasked
            || left
            || headers.has_token("Connection", "close");
        writer.close = close;
        let one_zero = !self.asked.one_one;
        writer.begin(ending, |out| {
            out.reserve(512);
            status_line(out, status);
            let own = ["Connection", "Content-Length", "Transfer-Encoding", "Date"];
            // Sorted as Go's server writes them: scripts compare whole heads.
            let mut fields: Vec<_> = headers.iter().filter(|(n, _)| !own.contains(n)).collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                line(out, name, value);
            }
            line(out, "Date", &date::now());
            match ending {
                Ending::Chunked => line(out, "Transfer-Encoding", b"chunked"),
                _ if bodiless && status != 304 => {}
                _ => {
                    if let Some(length) = length {
                        line(out, "Content-Length", length.to_string().as_bytes());
                    }
                }
            }
            if close {
                line(out, "Connection", b"close");
            } else if one_zero {
                line(out, "Connection", b"keep-alive");
            }
            out.extend_from_slice(b"\r\n");
        });
        Ok(())
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.writer.lock().abort();
    }
}

/// An answer to bytes that are no request, after which the connection is closed.
pub(crate) fn refusal(status: u16) -> Bytes {
    let mut out = BytesMut::new();
    status_line(&mut out, status);
    let body = format!("{status} {}", reason(status));
    line(&mut out, "Content-Type", b"text/plain; charset=utf-8");
    line(
        &mut out,
        "Content-Length",
        body.len().to_string().as_bytes(),
    );
    line(&mut out, "Connection", b"close");
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.as_bytes());
    out.freeze()
}

fn status_line(out: &mut BytesMut, status: u16) {
    let status = status.clamp(100, 999);
    let digits = [status / 100, status / 10 % 10, status % 10].map(|d| b'0' + d as u8);
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&digits);
    out.extend_from_slice(b" ");
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn line(out: &mut BytesMut, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
