//! The server: listeners, limits, shutdown.

mod connection;
mod incoming;
mod linger;
mod unsent;

pub use incoming::{Duplex, Incoming};

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::reader::Input;
use crate::writer::Destination;
use crate::{Body, Headers, Responder};

/// One request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request {
    /// The method, as it came.
    pub method: String,
    /// The target as it came: path and query, or a whole URL from a client of a proxy.
    pub target: String,
    /// The header fields.
    pub headers: Headers,
    /// Who asks.
    pub peer: Peer,
    /// The body; read as it comes.
    pub body: Body,
    /// Cancelled when the client has gone, the server stops, or the request is answered. Work that
    /// was moved to other tasks must watch it.
    pub cancel: CancellationToken,
}

impl Request {
    /// The path as it came, still escaped.
    pub fn path(&self) -> &str {
        self.path_and_query()
            .split_once('?')
            .map_or(self.path_and_query(), |(path, _)| path)
    }

    /// The query as it came, without the question mark; empty without one.
    pub fn query(&self) -> &str {
        self.path_and_query()
            .split_once('?')
            .map_or("", |(_, query)| query)
    }

    fn path_and_query(&self) -> &str {
        if self.target.starts_with('/') {
            return &self.target;
        }
        match self.target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => &self.target,
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A TCP peer.
    Tcp(SocketAddr),
    /// A process on this machine.
    Unix,
    /// Somebody who came some other way.
    Other,
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. The answer may begin before the body of the request is read. When the
    /// client goes away, `request.cancel` is cancelled and, half a second later, this future is
    /// dropped.
    fn handle(&self, request: Request, responder: Responder) -> impl Future<Output = ()> + Send;
}

/// Where the server listens.
#[derive(Debug)]
pub enum Listener {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A unix socket.
    Unix(UnixListener),
    /// Connections that somebody else accepts.
    Other(Incoming),
}

/// Limits of the server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Connections at the same time, over all listeners; more wait in the system's queue.
    pub max_connections: usize,
    /// How long a client may take for the head of a request.
    pub head_timeout: Duration,
    /// How long a connection may stay without a request.
    pub idle_timeout: Duration,
    /// How long a client may take no bytes of an answer; `None` for as long as it likes.
    pub stall_timeout: Option<Duration>,
    /// How long running requests go on when the server stops.
    pub drain: Duration,
    /// Whether a connection is for more than one request.
    pub keep_alive: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(180),
            stall_timeout: None,
            drain: Duration::from_millis(500),
            keep_alive: true,
        }
    }
}

/// How long a handler has between the cancellation of its request and its end.
const GRACE: Duration = Duration::from_millis(500);

/// What every connection shares.
struct Server<H> {
    handler: H,
    options: Options,
    /// No new requests.
    stop: CancellationToken,
    /// No running requests either.
    kill: CancellationToken,
}

/// Serves until `stop` is cancelled and every request is answered or cut: those that run have
/// [`Options::drain`], then they are cancelled.
pub async fn serve<H: Handler>(
    listeners: Vec<Listener>,
    handler: H,
    options: Options,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(options.max_connections));
    let server = Arc::new(Server {
        handler,
        options,
        stop,
        kill: CancellationToken::new(),
    });
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, server.clone(), slots.clone()));
    }
    server.stop.cancelled().await;
    let kill = server.kill.clone();
    let drain = server.options.drain;
    let killer = async {
        tokio::time::sleep(drain).await;
        kill.cancel();
        tokio::time::sleep(2 * GRACE).await;
    };
    let ended = async { while accepting.join_next().await.is_some() {} };
    tokio::select! {
        () = ended => {}
        () = killer => {}
    }
}

async fn accept<H: Handler>(listener: Listener, server: Arc<Server<H>>, slots: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    loop {
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot,
            () = server.stop.cancelled() => break,
        };
        let Ok(slot) = slot else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = server.stop.cancelled() => break,
        };
        match accepted {
            Ok((input, destination, peer)) => {
                connections.spawn(one(input, destination, peer, server.clone(), slot));
            }
            Err(error) => {
                tracing::warn!(target: "basalt::rpc", %error, "cannot accept a connection");
                // Out of file descriptors, most likely: others must end first.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    // A socket that nobody accepts from must not keep its clients waiting.
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn one<H: Handler>(
    input: Input,
    destination: Destination,
    peer: Peer,
    server: Arc<Server<H>>,
    _slot: OwnedSemaphorePermit,
) {
    connection::Connection::new(input, destination, peer)
        .run(&server)
        .await;
}

impl Listener {
    async fn accept(&self) -> io::Result<(Input, Destination, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                unsent::bound(&stream);
                let (input, destination) = stream.into_split();
                Ok((Box::new(input), Box::new(destination), Peer::Tcp(peer)))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let (input, destination) = stream.into_split();
                Ok((Box::new(input), Box::new(destination), Peer::Unix))
            }
            Self::Other(incoming) => {
                let (input, destination) = tokio::io::split(incoming.next().await);
                Ok((Box::new(input), Box::new(destination), Peer::Other))
            }
        }
    }
}

#[cfg(test)]
mod tests;
