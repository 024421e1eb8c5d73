//! Connections that do not come from a socket.

use std::fmt;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, mpsc};

/// A connection of any kind.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Connections that somebody else accepts, such as streams of peers.
pub struct Incoming(Mutex<mpsc::Receiver<Box<dyn Duplex>>>);

impl Incoming {
    /// Serves what comes out of a channel.
    pub fn new(connections: mpsc::Receiver<Box<dyn Duplex>>) -> Self {
        Self(Mutex::new(connections))
    }

    /// The next one; there is none any more when the channel is closed.
    pub(super) async fn next(&self) -> Box<dyn Duplex> {
        match self.0.lock().await.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Incoming")
    }
}
