//! How much the system queues for a client that reads nothing.

use tokio::net::TcpStream;

/// What the system takes of an answer beyond what is on the wire already, in bytes. By itself it takes
/// megabytes for a client that reads nothing; what a thousand of those have is more than it gives to all
/// sockets, and then it resets others.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 256 << 10;

/// Bounds the queue of a socket. One without the bound is as good, but for what it may cost.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn bound(stream: &TcpStream) {
    let _ = nix::sys::socket::setsockopt(stream, option::NotSentLowat, &UNSENT);
}

/// Other systems look after themselves.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn bound(_stream: &TcpStream) {}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod option {
    use nix::libc::{self, IPPROTO_TCP, TCP_NOTSENT_LOWAT};
    use nix::{setsockopt_impl, sockopt_impl};

    sockopt_impl!(
        /// Of what is not sent yet, a socket takes no more than so many bytes.
        NotSentLowat,
        SetOnly,
        IPPROTO_TCP,
        TCP_NOTSENT_LOWAT,
        u32
    );
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_client_that_reads_nothing_costs_the_system_little() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fill = async |bounded: bool| {
            let client = TcpStream::connect(address).await.unwrap();
            let (server, _) = listener.accept().await.unwrap();
            if bounded {
                bound(&server);
            }
            let (mut taken, piece) = (0, vec![0; 64 << 10]);
            while let Ok(n) = server.try_write(&piece) {
                taken += n;
                tokio::task::yield_now().await;
            }
            (client, server, taken)
        };
        let (_client, _server, free) = fill(false).await;
        let (mut client, server, taken) = fill(true).await;
        assert!(taken < free && taken < (2 << 20), "{taken}, {free}");
        // What was taken comes.
        drop(server);
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes.len(), taken);
    }
}
