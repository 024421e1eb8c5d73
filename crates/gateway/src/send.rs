//! An answer on its way to the client, at the client's pace.

use std::time::Duration;

use basalt_http::{Headers, Responder};
use bytes::Bytes;
use tokio::time::timeout;

use crate::answer::{Answer, Body};
use crate::ask::Ask;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::pace::{PATIENCE, PIECE};
use crate::reading::Reading;
use crate::streaming::Streaming;

/// What every answer of a gateway is sent with.
pub(crate) struct Sending<'a> {
    /// The fields of every answer.
    pub(crate) common: &'a Headers,
    /// How long a piece may take to come.
    pub(crate) limit: Option<Duration>,
    pub(crate) metrics: &'a Metrics,
}

/// What was to come next.
enum Next {
    Piece(Bytes),
    End,
    /// It did not come: whoever reads the answer must see that it is not whole.
    Broken,
}

impl Sending<'_> {
    /// Sends an answer; false if it broke off.
    pub(crate) async fn send(
        &self,
        ask: &Ask,
        answer: Answer,
        mut responder: Responder,
    ) -> basalt_http::Result<bool> {
        let status = answer.status;
        let mut headers = self.fields(&answer);
        match answer.body {
            Body::Full(bytes) if !(bytes.is_empty() && ask.is_head()) => {
                responder.full(status, &headers, bytes)?;
                Ok(true)
            }
            Body::None if !(ask.is_head() || status == 304) => {
                responder.full(status, &headers, Bytes::new())?;
                Ok(true)
            }
            Body::Full(_) | Body::None => {
                responder.head(status, &headers)?;
                responder.finish(None)?;
                Ok(true)
            }
            Body::Length(length) => {
                headers.set("Content-Length", length.to_string());
                responder.head(status, &headers)?;
                responder.finish(None)?;
                Ok(true)
            }
            Body::Sized(reading) => {
                headers.set("Content-Length", reading.length.to_string());
                responder.head(status, &headers)?;
                self.sized(status, reading, responder).await
            }
            Body::Stream(mut body) => {
                let (start, whole) = self.short(&mut body).await;
                if whole {
                    responder.full(status, &headers, start.concat())?;
                    return Ok(true);
                }
                responder.head(status, &headers)?;
                for piece in start.into_iter().rev() {
                    body.put_back(Ok(piece));
                }
                self.stream(status, body, responder).await
            }
        }
    }

    /// The fields of an answer: what is said of it takes the place of what is said of all.
    fn fields(&self, answer: &Answer) -> Headers {
        let mut headers = self.common.clone();
        let mut last = "";
        for (name, value) in answer.headers.iter() {
            if name != last {
                headers.remove(name);
            }
            last = name;
            headers.append(name, value);
        }
        headers
    }

    /// Sends a body that can be read again where the client has no room for it.
    async fn sized(
        &self,
        status: u16,
        mut reading: Reading,
        mut responder: Responder,
    ) -> basalt_http::Result<bool> {
        let pace = reading.pace.clone();
        loop {
            let piece = match self.next(status, reading.next()).await {
                Next::Piece(piece) => piece,
                Next::End => return responder.finish(None).map(|()| true),
                Next::Broken => return cut(responder).await,
            };
            if pace.enter() {
                pace.put_down();
                let mut sent = timeout(PATIENCE, responder.send(piece)).await;
                // It waits on where nobody else wants its lane.
                while sent.is_err() && !pace.is_wanted() {
                    sent = timeout(PATIENCE, responder.space()).await;
                }
                match sent {
                    Ok(sent) => sent?,
                    Err(_) => {
                        pace.leave();
                        reading.rest(responder.withdraw() as u64);
                        responder.flush().await?;
                    }
                }
                continue;
            }
            let length = piece.len();
            let taken = responder.offer(piece).await?;
            pace.put_down();
            if taken < length {
                reading.rest((length - taken) as u64);
            } else if responder.is_clear() {
                pace.kept_up();
            }
            // A client that takes everything at once is read to without a stop.
            if timeout(PATIENCE / 4, responder.flush()).await.is_err() {
                if !reading.is_ended() {
                    reading.rest(0);
                }
                responder.flush().await?;
            }
        }
    }

    /// Sends a body in chunks. One that was queued is not taken back, but of those that come after it
    /// nothing is held for a client that has no room.
    async fn stream(
        &self,
        status: u16,
        mut body: Streaming,
        mut responder: Responder,
    ) -> basalt_http::Result<bool> {
        let pace = body.pace.clone();
        loop {
            let mut piece = match self.next(status, body.next()).await {
                Next::Piece(piece) => piece,
                Next::End => return responder.finish(None).map(|()| true),
                Next::Broken => return cut(responder).await,
            };
            while !piece.is_empty() {
                let part = piece.split_to(piece.len().min(PIECE));
                if pace.enter() {
                    let mut sent = timeout(PATIENCE, responder.send(part)).await;
                    while sent.is_err() && !pace.is_wanted() {
                        sent = timeout(PATIENCE, responder.space()).await;
                    }
                    if pace.is_wanted() {
                        sent = timeout(PATIENCE, responder.flush()).await;
                    }
                    if let Ok(sent) = sent {
                        sent?;
                        continue;
                    }
                    pace.leave();
                    responder.withdraw();
                } else {
                    responder.offer(part).await?;
                    if responder.is_clear() {
                        pace.kept_up();
                        continue;
                    }
                    pace.put_down();
                }
                body.rest(std::mem::take(&mut piece));
                responder.flush().await?;
            }
        }
    }

    async fn next(
        &self,
        status: u16,
        piece: impl Future<Output = Option<Result<Bytes, Error>>>,
    ) -> Next {
        match within(self.limit, piece).await {
            Some(Some(Ok(piece))) => Next::Piece(piece),
            Some(None) => Next::End,
            Some(Some(Err(error))) => {
                tracing::debug!(target: "basalt::gateway", %error, "an answer broke off");
                Next::Broken
            }
            None => {
                tracing::debug!(target: "basalt::gateway", "content did not come in time");
                self.metrics.timed_out(status, true);
                Next::Broken
            }
        }
    }

    /// The start of a body, and whether that is all of it: a short one is sent with its length, as
    /// Go's server does.
    async fn short(&self, body: &mut Streaming) -> (Vec<Bytes>, bool) {
        const SHORT: usize = 2048;
        let (mut start, mut length) = (Vec::new(), 0);
        while length <= SHORT {
            match within(self.limit, body.next()).await {
                Some(Some(Ok(piece))) => {
                    length += piece.len();
                    start.push(piece);
                }
                Some(None) => return (start, true),
                Some(Some(Err(error))) => {
                    body.put_back(Err(error));
                    break;
                }
                None => break,
            }
        }
        (start, false)
    }
}

/// Ends an answer in the middle: what there is of it is sent first, and then the connection closed.
async fn cut(mut responder: Responder) -> basalt_http::Result<bool> {
    responder.flush().await?;
    responder.abort();
    Ok(false)
}

async fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}
