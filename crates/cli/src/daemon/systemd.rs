//! What systemd and its like hand to a daemon: sockets that listen already, and a socket to say
//! that it is ready.

use std::os::fd::{FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use basalt_commands::{Error, Result};
use nix::fcntl::{F_SETFD, FdFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, SockaddrLike, SockaddrStorage, getsockname, getsockopt, sockopt,
};

use super::listen::Purpose;

/// The descriptor of the first socket.
const FIRST: i32 = 3;
/// More sockets than anybody passes.
const MOST: i32 = 1024;

/// A socket that listens.
pub(super) enum Passed {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

/// Tells the supervisor, where there is one, how the daemon is: `READY=1`, `STOPPING=1`.
pub(super) fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else {
        return;
    };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let sent = address.and_then(|address| {
        let socket = UnixDatagram::unbound()?;
        socket.send_to_addr(state.as_bytes(), &address)
    });
    if let Err(error) = sent {
        tracing::warn!(target: "basalt::daemon", %error, "cannot tell the supervisor {state}");
    }
}

/// The listening sockets that were passed under a name, as `LISTEN_PID`, `LISTEN_FDS` and
/// `LISTEN_FDNAMES` say. To be called once: the sockets belong to the caller.
pub(super) fn listeners(purpose: Purpose) -> Result<Vec<Passed>> {
    let name = purpose.passed_as();
    let text = |variable: &str| std::env::var(variable).unwrap_or_default();
    if text("LISTEN_PID").parse() != Ok(std::process::id()) {
        return Ok(Vec::new());
    }
    let count: i32 = text("LISTEN_FDS").parse().unwrap_or(0);
    let names = text("LISTEN_FDNAMES");
    let names: Vec<&str> = names.split(':').collect();
    (0..count.clamp(0, MOST))
        .filter(|at| names.get(usize::try_from(*at).unwrap_or(usize::MAX)) == Some(&name))
        .map(|at| take(FIRST + at, purpose))
        .collect()
}

fn take(number: i32, purpose: Purpose) -> Result<Passed> {
    let whence = purpose.whence();
    let failed = |what: String| Error::new(format!("{whence}: socket activation failed: {what}"));
    // SAFETY: the supervisor has passed the descriptor to this process (`LISTEN_PID` is ours), this
    // is the only place that takes it, and it does so once.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl(&fd, F_SETFD(FdFlag::FD_CLOEXEC))
        .map_err(|e| failed(format!("descriptor {number}: {}", e.desc())))?;
    let listens = getsockopt(&fd, sockopt::AcceptConn).unwrap_or(false);
    if !listens {
        return Err(failed(format!("descriptor {number} does not listen")));
    }
    let address: SockaddrStorage = getsockname(std::os::fd::AsRawFd::as_raw_fd(&fd))
        .map_err(|e| failed(format!("descriptor {number}: {}", e.desc())))?;
    match address.family() {
        Some(AddressFamily::Inet | AddressFamily::Inet6) => {
            let listener = std::net::TcpListener::from(fd);
            listener.set_nonblocking(true)?;
            Ok(Passed::Tcp(listener))
        }
        Some(AddressFamily::Unix) => {
            let listener = std::os::unix::net::UnixListener::from(fd);
            listener.set_nonblocking(true)?;
            Ok(Passed::Unix(listener))
        }
        _ => Err(failed(format!(
            "descriptor {number} is no socket of TCP and no unix socket"
        ))),
    }
}
