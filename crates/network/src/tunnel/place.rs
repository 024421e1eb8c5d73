//! The end of a tunnel that is on this machine: TCP, or a unix socket.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::{Error, Result};

/// What a multiaddr says.
enum Place {
    Tcp(SocketAddr),
    Named(String, u16),
    Unix(PathBuf),
}

impl Place {
    fn read(address: &Multiaddr) -> Result<Self> {
        let parts: Vec<Protocol<'_>> = address.iter().collect();
        Ok(match &parts[..] {
            [Protocol::Ip4(ip), Protocol::Tcp(port)] => Self::Tcp((*ip, *port).into()),
            [Protocol::Ip6(ip), Protocol::Tcp(port)] => Self::Tcp((*ip, *port).into()),
            [
                Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name),
                Protocol::Tcp(port),
            ] => Self::Named(name.to_string(), *port),
            [Protocol::Unix(path)] => {
                Self::Unix(format!("/{}", path.trim_start_matches('/')).into())
            }
            _ => return Err(Error::TunnelAddress(address.clone())),
        })
    }
}

/// Takes connections.
pub(super) enum Listener {
    Tcp(TcpListener),
    /// The file is removed in the end.
    Unix(UnixListener, SocketFile),
}

/// The file of a unix socket.
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    pub(super) async fn bind(address: &Multiaddr) -> Result<Self> {
        let failed = |place: String, error: io::Error| {
            Error::TunnelListen(format!("listen {place}: bind: {}", words(&error)))
        };
        match Place::read(address)? {
            Place::Tcp(socket) => match TcpListener::bind(socket).await {
                Ok(listener) => Ok(Self::Tcp(listener)),
                Err(error) => {
                    let version = if socket.is_ipv4() { 4 } else { 6 };
                    Err(failed(format!("tcp{version} {socket}"), error))
                }
            },
            Place::Unix(path) => match UnixListener::bind(&path) {
                Ok(listener) => Ok(Self::Unix(listener, SocketFile(path))),
                Err(error) => Err(failed(format!("unix {}", path.display()), error)),
            },
            Place::Named(..) => Err(Error::TunnelAddress(address.clone())),
        }
    }

    /// Where it listens, with the port that was found for port 0.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(tcp).unwrap_or_default(),
            Self::Unix(_, file) => format!("/unix{}", file.0.display()),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Connection> {
        match self {
            Self::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Connection {
                    io: Box::new(stream),
                    origin: tcp(from),
                })
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok(Connection {
                    io: Box::new(stream),
                    origin: "/unix".to_owned(),
                })
            }
        }
    }
}

/// A connection.
pub(super) struct Connection {
    io: Box<dyn Io>,
    origin: String,
}

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Connection {
    /// Connects to an address.
    pub(super) async fn open(address: &Multiaddr) -> Result<Self> {
        let broken = |error: io::Error| Error::Stream(format!("dial {address}: {}", words(&error)));
        let stream = match Place::read(address)? {
            Place::Tcp(socket) => TcpStream::connect(socket).await,
            Place::Named(name, port) => TcpStream::connect((name, port)).await,
            Place::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(broken)?;
                return Ok(Self {
                    io: Box::new(stream),
                    origin: String::new(),
                });
            }
        };
        let stream = stream.map_err(broken)?;
        stream.set_nodelay(true).map_err(broken)?;
        Ok(Self {
            io: Box::new(stream),
            origin: String::new(),
        })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.io.write_all(bytes).await;
        written.map_err(|error| Error::Stream(error.to_string()))
    }

    /// Where it comes from, if it came.
    pub(super) fn origin(&self) -> String {
        self.origin.clone()
    }

    pub(super) fn io(&mut self) -> &mut dyn Io {
        &mut *self.io
    }
}

fn tcp(socket: SocketAddr) -> String {
    let version = if socket.is_ipv4() { 4 } else { 6 };
    format!("/ip{version}/{}/tcp/{}", socket.ip(), socket.port())
}

/// The system's words, in lower case and without the number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places() {
        let listener = Listener::bind(&"/ip4/127.0.0.1/tcp/0".parse().unwrap())
            .await
            .unwrap();
        let address = listener.address();
        assert!(address.starts_with("/ip4/127.0.0.1/tcp/") && !address.ends_with("/0"));
        let taken = Listener::bind(&address.parse().unwrap())
            .await
            .err()
            .unwrap();
        assert!(
            taken
                .to_string()
                .ends_with(": bind: address already in use"),
            "{taken}"
        );
        for none in ["/ip4/127.0.0.1/udp/1", "/ip4/127.0.0.1", "/dns4/a/tcp/1"] {
            let error = Listener::bind(&none.parse().unwrap()).await.err().unwrap();
            assert!(matches!(error, Error::TunnelAddress(_)), "{none}");
        }
    }
}
