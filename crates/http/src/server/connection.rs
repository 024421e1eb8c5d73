//! One connection: head, handler, answer, and again.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::head::{self, MAX_HEAD, RequestHead};
use crate::reader::{Input, SharedReader};
use crate::responder::{Asked, refusal};
use crate::server::{GRACE, Handler, Peer, Request, Server, linger};
use crate::writer::{Destination, SharedWriter, State};
use crate::{Body, Responder};
use crate::{Error, Result};

/// A connection that is being served. However its task ends, both sides are closed with it.
pub(super) struct Connection {
    reader: SharedReader,
    writer: SharedWriter,
    peer: Peer,
}

/// What follows a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Request,
    /// Close, after everything was sent.
    Close,
    /// Close at once: the answer is not whole, or nobody is there.
    Cut,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.lock().close();
        self.writer.lock().fail();
    }
}

impl Connection {
    pub(super) fn new(input: Input, destination: Destination, peer: Peer) -> Self {
        Self {
            reader: SharedReader::new(input),
            writer: SharedWriter::new(destination),
            peer,
        }
    }

    /// Serves requests until one side has had enough.
    pub(super) async fn run<H: Handler>(self, server: &Server<H>) {
        loop {
            let head = tokio::select! {
                biased;
                head = self.head(server) => head,
                () = server.stop.cancelled() => return,
            };
            let next = match head {
                Ok(Some(head)) => self.answer(head, server).await,
                Ok(None) => return,
                Err(error) => {
                    if let Some(status) = status_of(&error) {
                        let _ = self.refuse(status).await;
                        linger::close(&self.reader, &self.writer).await;
                    }
                    return;
                }
            };
            match next {
                Next::Request => {}
                Next::Cut => return,
                Next::Close => return linger::close(&self.reader, &self.writer).await,
            }
        }
    }

    /// The next head; `None` when the client has no more.
    async fn head<H>(&self, server: &Server<H>) -> Result<Option<RequestHead>> {
        let mut seen = 0;
        let mut deadline = Instant::now() + server.options.idle_timeout;
        let mut begun = false;
        loop {
            {
                let mut reader = self.reader.lock();
                // Some clients send an empty line after a body.
                while seen == 0 && reader.buf.starts_with(b"\r\n") {
                    let _ = reader.buf.split_to(2);
                }
                if let Some(length) = head::end(&reader.buf, seen) {
                    if length > MAX_HEAD {
                        return Err(Error::TooLarge {
                            what: "head",
                            limit: MAX_HEAD,
                        });
                    }
                    return head::request(&mut reader.buf, length).map(Some);
                }
                if reader.buf.len() > MAX_HEAD {
                    return Err(Error::TooLarge {
                        what: "head",
                        limit: MAX_HEAD,
                    });
                }
                seen = reader.buf.len();
                if seen > 0 && !begun {
                    begun = true;
                    deadline = Instant::now() + server.options.head_timeout;
                }
            }
            let fill = poll_fn(|cx| self.reader.lock().poll_fill(cx));
            match tokio::time::timeout_at(deadline, fill).await {
                Ok(Ok(0)) if begun => return Err(Error::UnexpectedEof),
                Ok(Ok(0)) | Err(_) => return Ok(None),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(error.into()),
            }
        }
    }

    async fn answer<H: Handler>(&self, head: RequestHead, server: &Server<H>) -> Next {
        let expectation = head.headers.get("Expect").filter(|_| head.one_one);
        let expects = match expectation {
            Some(what) if !what.eq_ignore_ascii_case("100-continue") => {
                let _ = self.refuse(417).await;
                return Next::Close;
            }
            Some(_) => !head.framing.is_done(),
            None => false,
        };
        let keep_alive = match head.one_one {
            true => !head.headers.has_token("Connection", "close"),
            false => head.headers.has_token("Connection", "keep-alive"),
        };
        let asked = Asked {
            one_one: head.one_one,
            head: head.method == "HEAD",
            keep_alive: keep_alive && server.options.keep_alive && !server.stop.is_cancelled(),
            expects,
        };
        let body = if head.framing.is_done() {
            self.reader.lock().begin(head.framing);
            Body::empty()
        } else {
            let serial = self.reader.lock().begin(head.framing);
            Body::of_request(
                self.reader.clone(),
                serial,
                expects.then(|| self.writer.clone()),
            )
        };
        self.writer.lock().reset();
        let cancel = server.kill.child_token();
        let _ended = cancel.clone().drop_guard();
        let request = Request {
            method: head.method,
            target: head.target,
            headers: head.headers,
            peer: self.peer.clone(),
            body,
            cancel: cancel.clone(),
        };
        let responder = Responder::new(self.writer.clone(), self.reader.clone(), asked);
        let next = self
            .work(server, server.handler.handle(request, responder), cancel)
            .await;
        self.reader.lock().revoke();
        if next != Next::Request {
            return next;
        }
        let unasked = expects && !self.writer.lock().went_on() && !self.reader.lock().body_done();
        if unasked || server.stop.is_cancelled() || !linger::skip_body(&self.reader).await {
            return Next::Close;
        }
        Next::Request
    }

    /// Runs the handler, and beside it writes what it has queued and watches the client.
    async fn work<H: Handler>(
        &self,
        server: &Server<H>,
        handling: impl Future<Output = ()> + Send,
        cancel: CancellationToken,
    ) -> Next {
        let mut handling = Some(Box::pin(handling));
        let mut given_up: Option<Pin<Box<Sleep>>> = None;
        let mut stall = Stall::new(server.options.stall_timeout);
        let mut killed = std::pin::pin!(server.kill.cancelled());
        poll_fn(|cx| {
            self.writer.lock().enter(cx);
            if let Some(running) = &mut handling
                && running.as_mut().poll(cx).is_ready()
            {
                handling = None;
            }
            let mut writer = self.writer.lock();
            let drained = writer.poll_drain(cx).is_ready();
            if handling.is_none() && drained {
                match writer.state {
                    State::Complete if writer.failed() => return Poll::Ready(Next::Cut),
                    State::Complete if writer.close => return Poll::Ready(Next::Close),
                    State::Complete => return Poll::Ready(Next::Request),
                    State::Aborted => return Poll::Ready(Next::Cut),
                    // The responder was moved to another task.
                    State::Waiting | State::Begun => {}
                }
            }
            let failed = writer.failed() || stall.poll(cx, drained, writer.sent()).is_ready();
            drop(writer);
            if given_up.is_none()
                && (failed
                    || killed.as_mut().poll(cx).is_ready()
                    || self.reader.lock().poll_gone(cx).is_ready())
            {
                cancel.cancel();
                given_up = Some(Box::pin(sleep_until(Instant::now() + GRACE)));
            }
            match &mut given_up {
                Some(_) if handling.is_none() && failed => Poll::Ready(Next::Cut),
                Some(grace) => grace.as_mut().poll(cx).map(|()| Next::Cut),
                None => Poll::Pending,
            }
        })
        .await
    }

    async fn refuse(&self, status: u16) -> std::io::Result<()> {
        let mut text = Some(refusal(status));
        poll_fn(|cx| {
            let mut writer = self.writer.lock();
            writer.enter(cx);
            if let Some(text) = text.take() {
                writer.raw(&text);
            }
            writer.poll_drain(cx)
        })
        .await
    }
}

/// Notices a client that takes nothing.
struct Stall {
    limit: Option<std::time::Duration>,
    sent: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    fn new(limit: Option<std::time::Duration>) -> Self {
        Self {
            limit,
            sent: 0,
            timer: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, drained: bool, sent: u64) -> Poll<()> {
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        if drained {
            self.timer = None;
            return Poll::Pending;
        }
        let deadline = Instant::now() + limit;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sent != self.sent {
            self.sent = sent;
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }
}

/// What a client is told that sent no request; `None` if it would not hear it.
fn status_of(error: &Error) -> Option<u16> {
    match error {
        Error::Malformed(_) => Some(400),
        Error::TooLarge { .. } => Some(431),
        Error::Unsupported("HTTP version") => Some(505),
        Error::Unsupported(_) => Some(501),
        _ => None,
    }
}
