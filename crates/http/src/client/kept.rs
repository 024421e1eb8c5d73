//! A connection that stays: small requests without a body, one after the other.

use std::future::poll_fn;

use bytes::{Bytes, BytesMut};

use super::{Client, read_head, write_head};
use crate::framing::Framing;
use crate::reader::{Piece, SharedReader};
use crate::writer::{Ending, SharedWriter};
use crate::{Error, Headers, Result};

/// A connection for many requests, made by [`Client::keep`].
pub struct Kept {
    client: Client,
    reader: SharedReader,
    writer: SharedWriter,
    /// Whether the server will answer once more, as far as it has said.
    open: bool,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// Makes a connection that can be asked many things.
    pub async fn keep(&self) -> Result<Kept> {
        let (input, destination) = self.connected().await?;
        Ok(Kept {
            client: self.clone(),
            reader: SharedReader::new(input),
            writer: SharedWriter::new(destination),
            open: true,
        })
    }
}

impl Kept {
    /// Whether another request may be sent. A server may still close a connection that it was silent
    /// about, which is [`Error::UnexpectedEof`] or [`Error::Io`] of the next request.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Sends a request and reads the whole answer, whose body may have `limit` bytes. `heard` is called
    /// whenever some of it has come. When the future is dropped before it is done, the connection is
    /// of no more use.
    ///
    /// # Errors
    /// The connection broke, or the answer is not HTTP or too long.
    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &Headers,
        limit: usize,
        heard: impl Fn(),
    ) -> Result<Answer> {
        if !std::mem::take(&mut self.open) {
            return Err(Error::Closed);
        }
        let fields = self.client.fields(headers, Ending::NoBody);
        {
            let mut writer = self.writer.lock();
            writer.reset();
            writer.begin(Ending::NoBody, |out| {
                write_head(out, method, path, &fields);
            });
            writer.finish(None)?;
        }
        poll_fn(|cx| self.writer.lock().poll_drain(cx)).await?;
        let head = read_head(&self.reader).await?;
        heard();
        let framing = match head.status {
            _ if method == "HEAD" => Framing::Done,
            204 | 304 => Framing::Done,
            _ => Framing::of(&head.headers, true)?.unwrap_or(Framing::UntilClose),
        };
        let stays = !matches!(framing, Framing::UntilClose) && !closes(&head.headers);
        let serial = self.reader.lock().begin(framing);
        let mut body = BytesMut::new();
        loop {
            let piece = poll_fn(|cx| self.reader.lock().poll_piece(cx, serial)).await?;
            let Piece::Data(data) = piece else { break };
            heard();
            if body.len() + data.len() > limit {
                return Err(Error::TooLarge {
                    what: "body",
                    limit,
                });
            }
            body.extend_from_slice(&data);
        }
        // What comes unasked would be taken for the answer to the next request.
        self.open = stays && self.reader.lock().all_read();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.freeze(),
        })
    }
}

/// Whether the server ends the connection after this answer.
fn closes(headers: &Headers) -> bool {
    let close = |part: &[u8]| part.trim_ascii().eq_ignore_ascii_case(b"close");
    headers
        .all("Connection")
        .any(|value| value.split(|byte| *byte == b',').any(close))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Serves one connection: each of `answers` for a request, then closes. Gives the address.
    async fn server(answers: Vec<&'static str>) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for answer in answers {
                let mut read = Vec::new();
                while !read.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut read).await.unwrap() == 0 {
                        return;
                    }
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Client::new(Target::Tcp(address))
    }

    async fn ask(kept: &mut Kept, method: &str) -> Result<Answer> {
        kept.ask(method, "/", &Headers::new(), 10, || {}).await
    }

    #[tokio::test]
    async fn requests_follow_one_another() {
        let client = server(vec![
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nend",
        ])
        .await;
        let mut kept = client.keep().await.unwrap();
        assert_eq!(ask(&mut kept, "GET").await.unwrap().body, "hello");
        let head = ask(&mut kept, "HEAD").await.unwrap();
        assert_eq!((head.status, head.body.len()), (200, 0));
        let none = ask(&mut kept, "GET").await.unwrap();
        assert_eq!((none.status, &none.body[..]), (404, &b"no"[..]));
        assert!(kept.is_open());
        assert_eq!(ask(&mut kept, "GET").await.unwrap().body, "end");
        assert!(!kept.is_open());
        assert!(matches!(ask(&mut kept, "GET").await, Err(Error::Closed)));
    }

    #[tokio::test]
    async fn answers_that_are_too_long_or_cut_end_the_connection() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n0123",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n01",
            "HTTP/1.1 20",
            "SSH-2.0-x\r\n\r\n",
        ] {
            let client = server(vec![answer]).await;
            let mut kept = client.keep().await.unwrap();
            assert!(ask(&mut kept, "GET").await.is_err(), "{answer}");
            assert!(!kept.is_open());
        }
        // What nobody asked for is nobody's answer.
        let client = server(vec![
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n",
        ])
        .await;
        let mut kept = client.keep().await.unwrap();
        assert_eq!(ask(&mut kept, "GET").await.unwrap().body, "x");
        assert!(!kept.is_open());
    }
}
