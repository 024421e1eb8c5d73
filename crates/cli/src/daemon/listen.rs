//! Multiaddrs to listen on.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use basalt_commands::{Error, Result};
use basalt_rpc::http::Listener;
use multiaddr::{Multiaddr, Protocol};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// A socket that is listened on.
pub(crate) struct Bound {
    pub(crate) listener: Listener,
    /// Where it really is, as a multiaddr.
    pub(crate) address: String,
    /// The port, for TCP.
    pub(crate) port: Option<u16>,
}

/// Listens on a multiaddr of TCP or of a unix socket.
pub(crate) async fn bind(address: &str) -> Result<Bound> {
    let fail = |why: String| {
        Error::new(format!(
            "serveHTTPApi: manet.Listen({address}) failed: {why}"
        ))
    };
    let parsed: Multiaddr = address.parse().map_err(|e| {
        Error::new(format!(
            "serveHTTPApi: invalid API address: {address:?} (err: {e})"
        ))
    })?;
    let parts: Vec<Protocol<'_>> = parsed.iter().collect();
    match parts.as_slice() {
        [Protocol::Unix(path)] => {
            let listener = bind_unix(&unix_path(path))
                .await
                .map_err(|e| fail(format!("listen unix {path}: bind: {e}")))?;
            Ok(Bound {
                listener: Listener::Unix(listener),
                address: address.to_owned(),
                port: None,
            })
        }
        [host, Protocol::Tcp(port), ..] => {
            let (network, socket) = socket(host, *port).await.map_err(&fail)?;
            let listener = TcpListener::bind(socket)
                .await
                .map_err(|e| fail(format!("listen {network} {socket}: bind: {}", reason(&e))))?;
            let local = listener.local_addr()?;
            let kind = if local.is_ipv4() { "ip4" } else { "ip6" };
            let address = format!("/{kind}/{}/tcp/{}", local.ip(), local.port());
            Ok(Bound {
                listener: Listener::Tcp(listener),
                address,
                port: Some(local.port()),
            })
        }
        _ => Err(fail(
            "only /ip4, /ip6, /dns with /tcp, and /unix are listened on".to_owned(),
        )),
    }
}

/// The file of a `/unix` address.
pub(crate) fn unix_path(path: &str) -> PathBuf {
    Path::new("/").join(path.trim_start_matches('/'))
}

async fn socket(host: &Protocol<'_>, port: u16) -> Result<(&'static str, SocketAddr), String> {
    let ip: IpAddr = match host {
        Protocol::Ip4(ip) => (*ip).into(),
        Protocol::Ip6(ip) => (*ip).into(),
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => {
            let mut found = tokio::net::lookup_host((name.as_ref(), port))
                .await
                .map_err(|e| e.to_string())?;
            found
                .next()
                .ok_or_else(|| format!("no address for {name}"))?
                .ip()
        }
        other => return Err(format!("cannot listen on {other}")),
    };
    Ok((
        if ip.is_ipv4() { "tcp4" } else { "tcp6" },
        SocketAddr::new(ip, port),
    ))
}

/// Binds a unix socket, over one that a killed daemon left and that nobody answers on.
async fn bind_unix(path: &Path) -> std::io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => {
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

fn reason(e: &std::io::Error) -> String {
    match e.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None => e.to_string(),
    }
}
