use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

use crate::Headers;
use crate::client::Uploading;
use crate::reader::{Piece, SharedReader};
use crate::writer::SharedWriter;
use crate::{Error, Result};

/// A body as it comes: of a request at the server, of a response at the client.
///
/// Bytes are read when they are asked for, so a slow reader slows the sender down. A body may be
/// moved to another task, but it ends (with [`Error::Closed`]) when its request has been answered.
pub struct Body {
    source: Source,
    trailers: Option<Headers>,
    /// What [`AsyncRead`] has not given out yet.
    rest: Bytes,
}

enum Source {
    Ended,
    Whole(Bytes),
    Connection {
        reader: SharedReader,
        serial: u64,
        expecting: Option<SharedWriter>,
        upload: Option<Uploading>,
    },
}

impl Body {
    /// A body without bytes.
    pub fn empty() -> Self {
        Self::new(Source::Ended)
    }

    /// A body that is already there.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::new(Source::Whole(bytes.into()))
    }

    /// The body of a request. `expecting` is where a client is told to go on that waits for it.
    pub(crate) fn of_request(
        reader: SharedReader,
        serial: u64,
        expecting: Option<SharedWriter>,
    ) -> Self {
        Self::new(Source::Connection {
            reader,
            serial,
            expecting,
            upload: None,
        })
    }

    /// The body of a response, whose request may still be on its way.
    pub(crate) fn of_response(reader: SharedReader, serial: u64, upload: Uploading) -> Self {
        Self::new(Source::Connection {
            reader,
            serial,
            expecting: None,
            upload: Some(upload),
        })
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            trailers: None,
            rest: Bytes::new(),
        }
    }

    /// The next bytes, never empty; `None` at the end. Safe to drop before it resolves.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// [`Body::chunk`] for those who poll.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        if self.rest.has_remaining() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
        }
        let piece = match &mut self.source {
            Source::Ended => return Poll::Ready(Ok(None)),
            Source::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.source = Source::Ended;
                return Poll::Ready(Ok(Some(bytes).filter(|b| !b.is_empty())));
            }
            Source::Connection {
                reader,
                serial,
                expecting,
                upload,
            } => {
                if let Some(writer) = expecting.take() {
                    writer.lock().go_on();
                }
                let piece = ready!(reader.lock().poll_piece(cx, *serial));
                // A failed upload is the cause, the broken response its effect.
                match (&piece, upload.as_ref().and_then(Uploading::take_error)) {
                    (Ok(Piece::Data(_)), _) | (_, None) => piece,
                    (_, Some(error)) => Err(Error::Upload(error)),
                }
            }
        };
        Poll::Ready(match piece {
            Ok(Piece::Data(data)) => Ok(Some(data)),
            Ok(Piece::End(trailers)) => {
                self.trailers = trailers;
                self.source = Source::Ended;
                Ok(None)
            }
            Err(error) => Err(error),
        })
    }

    /// The fields after the body; there only once [`Body::chunk`] has given `None`.
    pub fn trailers(&self) -> Option<&Headers> {
        self.trailers.as_ref()
    }

    /// Whether nothing is to come any more.
    pub fn is_ended(&self) -> bool {
        self.rest.is_empty()
            && match &self.source {
                Source::Ended => true,
                Source::Whole(bytes) => bytes.is_empty(),
                Source::Connection { .. } => false,
            }
    }

    /// Reads everything that is left, at most `limit` bytes.
    pub async fn all(&mut self, limit: usize) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if all.len() + chunk.len() > limit {
                return Err(Error::TooLarge {
                    what: "body",
                    limit,
                });
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Source::Connection { reader, serial, .. } = &self.source {
            reader.lock().abandon(*serial);
        }
    }
}

impl AsyncRead for Body {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut chunk) = ready!(self.poll_chunk(cx)).map_err(io::Error::from)? else {
            return Poll::Ready(Ok(()));
        };
        let length = chunk.len().min(out.remaining());
        out.put_slice(&chunk[..length]);
        chunk.advance(length);
        self.rest = chunk;
        Poll::Ready(Ok(()))
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn a_whole_body() {
        let mut body = Body::whole("hello");
        assert!(!body.is_ended());
        let mut two = [0; 2];
        body.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"he");
        assert_eq!(body.chunk().await.unwrap().unwrap(), "llo");
        assert!(body.chunk().await.unwrap().is_none());
        assert!(body.is_ended() && Body::empty().is_ended() && Body::whole("").is_ended());
        assert!(matches!(
            Body::whole("hello").all(4).await,
            Err(Error::TooLarge { .. })
        ));
    }
}
