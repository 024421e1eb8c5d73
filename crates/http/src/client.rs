//! The client: one request a connection, the answer read while the request is still being sent.

use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::AbortHandle;

use crate::framing::Framing;
use crate::head::{self, MAX_HEAD, ResponseHead};
use crate::reader::{Input, SharedReader};
use crate::writer::{Destination, Ending, SharedWriter};
use crate::{Body, Headers};
use crate::{Error, Result};

mod kept;
mod proxy;
mod secure;

pub use kept::{Answer, Kept};
use proxy::{Proxy, proxy_for, tunnel};
pub use secure::Trust;

/// How long a connection may take to be made.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `host:port`; a name is looked up.
    Tcp(String),
    /// `host:port`, over TLS: the certificate must be the host's.
    Tls(String),
    /// The path of a unix socket.
    Unix(PathBuf),
}

/// Sends requests to one server.
#[derive(Debug, Clone)]
pub struct Client {
    target: Target,
    headers: Headers,
    trust: Option<Trust>,
    /// The server's name, where it is not that of the target.
    name: Option<String>,
    proxy: Way,
}

/// How a server is reached.
#[derive(Debug, Clone, Default)]
enum Way {
    /// Without a proxy.
    #[default]
    Direct,
    /// Through the one that the environment names, if it names one.
    Environment,
    #[cfg(test)]
    Through(Proxy),
}

/// The body of a request.
pub enum Upload {
    /// None.
    Empty,
    /// Bytes, sent with their length.
    Whole(Bytes),
    /// A stream, sent in chunks as it comes. An error of it cuts the request and is what reading the
    /// response gives.
    Stream(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

/// An answer, whose body is read as it comes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body and, after it, its trailers. Dropping it ends the connection.
    pub body: Body,
}

impl Client {
    /// A client of the server at `target`.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            headers: Headers::new(),
            trust: None,
            proxy: Way::Direct,
            name: None,
        }
    }

    /// Goes through a proxy where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say so: for servers that may
    /// be anywhere.
    pub fn proxied(mut self) -> Self {
        self.proxy = Way::Environment;
        self
    }

    /// Whose certificates are trusted, in place of what the system trusts.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// The name that the server is asked under and that its certificate must have, in place of the
    /// target's host.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Adds a field to every request, such as `Authorization` or `User-Agent`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sends a request and gives the answer as soon as its head has come, while the upload may go
    /// on. `path` is the path and query, escaped.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &Headers,
        upload: Upload,
    ) -> Result<Response> {
        let failed = |source| Error::Connect {
            target: self.target.to_string(),
            source,
        };
        let proxy = self.proxy().map_err(failed)?;
        let connected = tokio::time::timeout(CONNECT_TIME, self.connect(proxy.as_ref())).await;
        let (input, destination) = connected
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(failed)?;
        let (Some(proxy), Target::Tcp(address)) = (proxy, &self.target) else {
            return self
                .exchange(input, destination, method, path, headers, upload)
                .await;
        };
        // A proxy for plain HTTP is told the whole URL.
        let mut headers = headers.clone();
        if let Some(secret) = &proxy.secret {
            headers.append("Proxy-Authorization", secret);
        }
        let path = format!("http://{address}{path}");
        self.exchange(input, destination, method, &path, &headers, upload)
            .await
    }

    fn proxy(&self) -> io::Result<Option<Proxy>> {
        match &self.proxy {
            Way::Direct => Ok(None),
            Way::Environment => proxy_for(&self.target),
            #[cfg(test)]
            Way::Through(proxy) => Ok(Some(proxy.clone())),
        }
    }

    /// As [`Client::send`], over a connection that is there already.
    pub async fn send_over(
        &self,
        connection: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        method: &str,
        path: &str,
        headers: &Headers,
        upload: Upload,
    ) -> Result<Response> {
        let (input, destination) = tokio::io::split(connection);
        self.exchange(
            Box::new(input),
            Box::new(destination),
            method,
            path,
            headers,
            upload,
        )
        .await
    }

    async fn exchange(
        &self,
        input: Input,
        destination: Destination,
        method: &str,
        path: &str,
        headers: &Headers,
        upload: Upload,
    ) -> Result<Response> {
        let writer = SharedWriter::new(destination);
        self.begin(&writer, method, path, headers, &upload);
        let upload = Uploading::start(writer, upload);
        let reader = SharedReader::new(input);
        let head = match read_head(&reader).await {
            Ok(head) => head,
            Err(error) => return Err(upload.take_error().map_or(error, Error::Upload)),
        };
        // A server that was sent half a body can only guess why.
        if let Some(error) = upload.take_error() {
            return Err(Error::Upload(error));
        }
        let framing = match head.status {
            _ if method == "HEAD" => Framing::Done,
            204 | 304 => Framing::Done,
            _ => Framing::of(&head.headers, true)?.unwrap_or(Framing::UntilClose),
        };
        let serial = reader.lock().begin(framing);
        let body = Body::of_response(reader, serial, upload);
        Ok(Response {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    /// Makes a connection and closes it, to find out whether somebody listens.
    pub async fn connect_only(&self) -> Result<()> {
        self.connected().await.map(|_| ())
    }

    /// A new connection, through a proxy where there is one.
    async fn connected(&self) -> Result<(Input, Destination)> {
        let failed = |source| Error::Connect {
            target: self.target.to_string(),
            source,
        };
        let proxy = self.proxy().map_err(failed)?;
        let connected = tokio::time::timeout(CONNECT_TIME, self.connect(proxy.as_ref())).await;
        connected
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(failed)
    }

    async fn connect(&self, proxy: Option<&Proxy>) -> io::Result<(Input, Destination)> {
        if let Some(proxy) = proxy {
            return self.connect_through(proxy).await;
        }
        match &self.target {
            Target::Tcp(address) => {
                let stream = TcpStream::connect(address.as_str()).await?;
                stream.set_nodelay(true)?;
                let (input, destination) = stream.into_split();
                Ok((Box::new(input), Box::new(destination)))
            }
            Target::Tls(address) => {
                let trust = self.trusted().await?;
                let stream = TcpStream::connect(address.as_str()).await?;
                stream.set_nodelay(true)?;
                let host = self.name.as_deref();
                let host = host.unwrap_or_else(|| secure::host(address));
                let stream = trust.connect(host, stream).await?;
                let (input, destination) = tokio::io::split(stream);
                Ok((Box::new(input), Box::new(destination)))
            }
            Target::Unix(path) => {
                let (input, destination) = UnixStream::connect(path).await?.into_split();
                Ok((Box::new(input), Box::new(destination)))
            }
        }
    }

    async fn trusted(&self) -> io::Result<Trust> {
        match &self.trust {
            Some(trust) => Ok(trust.clone()),
            None => Trust::system().await,
        }
    }

    async fn connect_through(&self, proxy: &Proxy) -> io::Result<(Input, Destination)> {
        let (Target::Tcp(at) | Target::Tls(at)) = &proxy.target else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let stream = TcpStream::connect(at.as_str()).await?;
        stream.set_nodelay(true)?;
        let mut stream: Box<dyn proxy::Stream> = match &proxy.target {
            Target::Tls(_) => {
                let trust = Trust::system().await?;
                Box::new(trust.connect(secure::host(at), stream).await?)
            }
            _ => Box::new(stream),
        };
        if let Target::Tls(address) = &self.target {
            let inside = tunnel(stream, address, proxy).await?;
            let trust = self.trusted().await?;
            let host = self.name.as_deref();
            let host = host.unwrap_or_else(|| secure::host(address));
            stream = Box::new(trust.connect(host, inside).await?);
        }
        let (input, destination) = tokio::io::split(stream);
        Ok((Box::new(input), Box::new(destination)))
    }

    fn begin(
        &self,
        writer: &SharedWriter,
        method: &str,
        path: &str,
        headers: &Headers,
        upload: &Upload,
    ) {
        let ending = match upload {
            Upload::Empty => Ending::Length(0),
            Upload::Whole(bytes) => Ending::Length(bytes.len() as u64),
            Upload::Stream(_) => Ending::Chunked,
        };
        let fields = self.fields(headers, ending);
        writer.lock().begin(ending, |out: &mut BytesMut| {
            write_head(out, method, path, &fields);
        });
    }

    /// The fields of a request but for those that say what becomes of the connection.
    fn fields(&self, headers: &Headers, ending: Ending) -> Headers {
        let host = match (&self.name, &self.target) {
            (Some(name), _) => name,
            (None, Target::Tcp(address)) => address.strip_suffix(":80").unwrap_or(address),
            (None, Target::Tls(address)) => address.strip_suffix(":443").unwrap_or(address),
            (None, Target::Unix(_)) => "localhost",
        };
        let mut fields = Headers::from_iter([("Host", host)]);
        for (name, value) in self.headers.iter().chain(headers.iter()) {
            if !matches!(
                name,
                "Host" | "Content-Length" | "Transfer-Encoding" | "Connection"
            ) {
                fields.append(name, value);
            }
        }
        match ending {
            Ending::NoBody => return fields,
            Ending::Length(length) => fields.append("Content-Length", length.to_string()),
            _ => fields.append("Transfer-Encoding", "chunked"),
        }
        fields.append("Connection", "close");
        fields
    }
}

fn write_head(out: &mut BytesMut, method: &str, path: &str, fields: &Headers) {
    // A line break in either would forge a field or a request.
    for part in [method.as_bytes(), b" ", path.as_bytes()] {
        out.extend(part.iter().filter(|b| !b.is_ascii_control()));
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    fields.write(out);
    out.extend_from_slice(b"\r\n");
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) | Self::Tls(address) => f.write_str(address),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

async fn read_head(reader: &SharedReader) -> Result<ResponseHead> {
    let mut seen = 0;
    loop {
        {
            let mut reader = reader.lock();
            // What a server wrote behind the end of its last answer, if that was too much.
            let empty = reader.buf.iter().take_while(|b| b"\r\n".contains(b));
            let empty = empty.count();
            reader.buf.advance(empty);
            if let Some(length) = head::end(&reader.buf, seen) {
                if length > MAX_HEAD {
                    return Err(Error::TooLarge {
                        what: "head",
                        limit: MAX_HEAD,
                    });
                }
                let head = head::response(&mut reader.buf, length)?;
                // 100 Continue and its like come before the answer.
                if !(100..200).contains(&head.status) {
                    return Ok(head);
                }
                seen = 0;
                continue;
            }
            if reader.buf.len() > MAX_HEAD {
                return Err(Error::TooLarge {
                    what: "head",
                    limit: MAX_HEAD,
                });
            }
            seen = reader.buf.len();
        }
        if poll_fn(|cx| reader.lock().poll_fill(cx)).await? == 0 {
            return Err(Error::UnexpectedEof);
        }
    }
}

/// A request that is being sent by a task of its own. Dropping it ends that.
pub(crate) struct Uploading {
    failed: Arc<Mutex<Option<io::Error>>>,
    task: AbortHandle,
}

impl Uploading {
    fn start(writer: SharedWriter, upload: Upload) -> Self {
        let failed = Arc::new(Mutex::new(None));
        let slot = failed.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = run(&writer, upload).await {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                writer.lock().fail();
            }
        });
        Self {
            failed,
            task: task.abort_handle(),
        }
    }

    /// What ended the upload too early, if something of our own did.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends a body. Only errors of the body itself are errors: a server that stops reading says why in
/// its answer.
async fn run(writer: &SharedWriter, upload: Upload) -> io::Result<()> {
    let mut stream = match upload {
        Upload::Stream(stream) => Some(stream),
        Upload::Whole(bytes) => {
            let _ = writer.lock().data(bytes);
            None
        }
        Upload::Empty => None,
    };
    if stream.is_none() {
        let _ = writer.lock().finish(None);
    }
    poll_fn(|cx| {
        loop {
            let mut open = writer.lock();
            if open.failed() {
                return Poll::Ready(Ok(()));
            }
            open.enter(cx);
            let space = open.poll_space(cx).is_ready();
            drop(open);
            let next = match &mut stream {
                Some(stream) if space => stream.as_mut().poll_next(cx),
                Some(_) => Poll::Pending,
                None => {
                    return writer.lock().poll_drain(cx).map(|_| Ok(()));
                }
            };
            let mut open = writer.lock();
            match next {
                Poll::Ready(Some(Ok(bytes))) => {
                    let _ = open.data(bytes);
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => {
                    let _ = open.finish(None);
                    stream = None;
                }
                Poll::Pending => {
                    let _ = open.poll_drain(cx);
                    // What was written may have made space for the next piece.
                    if !open.failed() && (space || open.poll_space(cx).is_pending()) {
                        return Poll::Pending;
                    }
                }
            }
        }
    })
    .await?;
    // The server may close when it sees our end: the connection stays open both ways until the
    // answer is read.
    std::future::pending().await
}

#[cfg(test)]
mod tests;
