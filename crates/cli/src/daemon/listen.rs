//! Where the daemon listens.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use basalt_commands::{Error, Result};
use basalt_http::Listener;
use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::systemd::Passed;
use crate::address::{self, Address, Host};

/// What a listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Api,
    Gateway,
}

impl Purpose {
    /// Where errors say that they come from.
    pub(super) fn whence(self) -> &'static str {
        match self {
            Self::Api => "serveHTTPApi",
            Self::Gateway => "serveHTTPGateway",
        }
    }

    /// The name under which supervisors pass sockets.
    pub(super) fn passed_as(self) -> &'static str {
        match self {
            Self::Api => "io.ipfs.api",
            Self::Gateway => "io.ipfs.gateway",
        }
    }

    fn address(self) -> &'static str {
        match self {
            Self::Api => "API address",
            Self::Gateway => "gateway address",
        }
    }
}

/// A socket that is listened on.
pub(super) struct Bound {
    pub(super) listener: Listener,
    /// Where it really is, as a multiaddr.
    pub(super) address: String,
    /// The same for TCP.
    pub(super) socket: Option<SocketAddr>,
}

impl Bound {
    /// The address for the `api` file: one that can be connected to.
    pub(super) fn reachable(&self) -> String {
        match self.socket {
            Some(socket) if socket.ip().is_unspecified() => multiaddr(local(socket)),
            _ => self.address.clone(),
        }
    }

    /// The same as a socket, where it is one of TCP.
    pub(super) fn reachable_socket(&self) -> Option<SocketAddr> {
        let socket = self.socket?;
        Some(match socket.ip().is_unspecified() {
            true => local(socket),
            false => socket,
        })
    }

    /// Where a browser finds the WebUI.
    pub(super) fn webui(&self) -> Option<String> {
        let socket = self.reachable_socket()?;
        Some(format!("http://{socket}/webui"))
    }

    fn tcp(listener: TcpListener) -> io::Result<Self> {
        let socket = listener.local_addr()?;
        Ok(Self {
            listener: Listener::Tcp(listener),
            address: multiaddr(socket),
            socket: Some(socket),
        })
    }

    /// A socket that was passed to the process.
    pub(super) fn passed(passed: Passed) -> Result<Self> {
        Ok(match passed {
            Passed::Tcp(listener) => Self::tcp(TcpListener::from_std(listener)?)?,
            Passed::Unix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new("/"));
                let address = format!("/unix{}", path.display());
                Self {
                    listener: Listener::Unix(UnixListener::from_std(listener)?),
                    address,
                    socket: None,
                }
            }
        })
    }
}

fn local(socket: SocketAddr) -> SocketAddr {
    let ip: IpAddr = if socket.is_ipv4() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        Ipv6Addr::LOCALHOST.into()
    };
    SocketAddr::new(ip, socket.port())
}

fn multiaddr(socket: SocketAddr) -> String {
    let kind = if socket.is_ipv4() { "ip4" } else { "ip6" };
    format!("/{kind}/{}/tcp/{}", socket.ip(), socket.port())
}

/// Listens on a multiaddr of TCP or of a unix socket.
pub(super) async fn bind(text: &str, purpose: Purpose) -> Result<Bound> {
    let whence = purpose.whence();
    let fail = |why: String| Error::new(format!("{whence}: manet.Listen({text}) failed: {why}"));
    let parsed = address::parse(text).map_err(|e| {
        Error::new(format!(
            "{whence}: invalid {}: {} (err: {e})",
            purpose.address(),
            basalt::repo::go_quote(text)
        ))
    })?;
    match parsed {
        Address::Unix(path) => {
            let listener = bind_unix(&path).await.map_err(|e| {
                let path = path.display();
                fail(format!("listen unix {path}: bind: {}", reason(&e)))
            })?;
            Ok(Bound {
                listener: Listener::Unix(listener),
                address: text.to_owned(),
                socket: None,
            })
        }
        Address::Tcp(host, port) => {
            let (network, socket) = socket(&host, port).await.map_err(&fail)?;
            let listener = TcpListener::bind(socket)
                .await
                .map_err(|e| fail(format!("listen {network} {socket}: bind: {}", reason(&e))))?;
            Ok(Bound::tcp(listener)?)
        }
        Address::Tls(..) => Err(fail(
            "TLS is not spoken here: put a proxy in front".to_owned(),
        )),
        Address::Other => Err(fail(format!(
            "{text} is no address of TCP and no unix socket"
        ))),
    }
}

async fn socket(host: &Host, port: u16) -> Result<(&'static str, SocketAddr), String> {
    let ip: IpAddr = match host {
        Host::V4(ip) => (*ip).into(),
        Host::V6(ip) => (*ip).into(),
        Host::Name(name) => {
            let mut found = tokio::net::lookup_host((name.as_str(), port))
                .await
                .map_err(|_| format!("lookup {name}: no such host"))?;
            found
                .next()
                .ok_or_else(|| format!("lookup {name}: no such host"))?
                .ip()
        }
    };
    let network = if ip.is_ipv4() { "tcp4" } else { "tcp6" };
    Ok((network, SocketAddr::new(ip, port)))
}

/// Binds a unix socket, over one that a killed daemon left and that nobody answers on.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => {
            let is_socket =
                std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
            if !is_socket || UnixStream::connect(path).await.is_ok() {
                return Err(e);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

fn reason(e: &io::Error) -> String {
    match e.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None => e.to_string(),
    }
}
