//! One port for TCP and WebSocket: who connects says by the first bytes which of them is meant.
//!
//! [`faces`] makes two transports of TCP of one. Where both are told to listen at the same address, the
//! first, plain one does, and gives the connections that begin as those of HTTP or TLS do to the other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::StreamExt;
use futures::future::{BoxFuture, Ready, ready};
use futures::stream::FuturesUnordered;
use libp2p::Multiaddr;
use libp2p::core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent};
use libp2p::multiaddr::Protocol;
use libp2p::tcp;
use tokio::time::timeout;

type Tcp = tcp::tokio::Transport;
type Stream = <Tcp as Transport>::Output;
type Event = TransportEvent<Ready<io::Result<Stream>>, io::Error>;

/// Connections whose first bytes have not come, at most; more wait in the system's queue.
const UNSORTED: usize = 256;
/// How long the first bytes may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events that wait for the other face; what is more is refused.
const WAITING: usize = 256;
/// How long the other end may take to answer a dial, as in Kubo: so two nodes that dial each other through
/// routers give up, and begin again, together.
const ANSWER: Duration = Duration::from_secs(5);
/// How many bytes tell.
const TELLING: usize = 3;

/// The addresses of TCP among those to listen on that are asked for with WebSocket too.
pub(crate) fn shared(listen: &[Multiaddr]) -> HashSet<Multiaddr> {
    let with_port = |address: &Multiaddr| {
        let mut parts = address.iter().skip(1);
        let port = parts.next();
        let rest: Vec<_> = parts.collect();
        let port = matches!(port, Some(Protocol::Tcp(port)) if port != 0);
        port.then(|| {
            (
                address.iter().take(2).collect::<Multiaddr>(),
                rest.is_empty(),
            )
        })
    };
    let found: Vec<_> = listen.iter().filter_map(with_port).collect();
    let plain = found.iter().filter(|(_, plain)| *plain);
    let both = plain.filter(|(address, _)| found.contains(&(address.clone(), false)));
    both.map(|(address, _)| address.clone()).collect()
}

/// Two faces of TCP: the plain one, and the one under WebSocket.
pub(crate) fn faces(make: impl Fn() -> Tcp, shared: HashSet<Multiaddr>) -> (Plain, Web) {
    let ports = Arc::new(Mutex::new(Ports {
        shared,
        ..Ports::default()
    }));
    let plain = Plain {
        tcp: make(),
        ports: ports.clone(),
        sorting: FuturesUnordered::new(),
    };
    (plain, Web { tcp: make(), ports })
}

/// What the faces share.
#[derive(Default)]
struct Ports {
    shared: HashSet<Multiaddr>,
    /// The listeners of the plain face at shared addresses.
    plain: HashMap<ListenerId, Multiaddr>,
    /// Those of the other.
    web: HashMap<Multiaddr, ListenerId>,
    /// Where the plain listeners are, for one that comes later.
    addresses: HashMap<Multiaddr, HashSet<Multiaddr>>,
    events: VecDeque<Event>,
    waker: Option<Waker>,
}

impl Ports {
    fn tell(&mut self, event: Event) {
        self.events.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

fn locked(ports: &Mutex<Ports>) -> MutexGuard<'_, Ports> {
    ports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection whose first bytes have come.
struct Sorted {
    listener: ListenerId,
    local: Multiaddr,
    remote: Multiaddr,
    /// The connection, and whether it is one of WebSocket; none where it broke or said nothing.
    stream: io::Result<(Stream, bool)>,
}

/// Waits for the first bytes of a connection.
async fn sort(stream: Ready<io::Result<Stream>>) -> io::Result<(Stream, bool)> {
    let stream = stream.await?;
    let mut first = [0; TELLING];
    let read = async {
        loop {
            let length = stream.0.peek(&mut first).await?;
            // The end, or enough; with less, more is waited for, which wakes at once if it is there.
            if length == 0 || length == TELLING {
                return io::Result::Ok(length);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match timeout(PATIENCE, read).await {
        Ok(Ok(TELLING)) => Ok((stream, is_web(first))),
        Ok(Ok(_)) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Whether a connection begins as one of HTTP, or of TLS with HTTP in it.
fn is_web(first: [u8; TELLING]) -> bool {
    &first == b"GET" || (first[0] == 0x16 && first[1] == 3 && first[2] <= 3)
}

/// The face that is TCP and nothing else.
pub(crate) struct Plain {
    tcp: Tcp,
    ports: Arc<Mutex<Ports>>,
    sorting: FuturesUnordered<BoxFuture<'static, Sorted>>,
}

impl Plain {
    /// Passes on what happened to a listener, to both who listen there.
    fn on_event(&mut self, event: Event) -> Option<Event> {
        let mut guard = locked(&self.ports);
        let ports = &mut *guard;
        let at = match &event {
            TransportEvent::NewAddress { listener_id, .. }
            | TransportEvent::AddressExpired { listener_id, .. }
            | TransportEvent::Incoming { listener_id, .. }
            | TransportEvent::ListenerClosed { listener_id, .. }
            | TransportEvent::ListenerError { listener_id, .. } => ports.plain.get(listener_id),
        };
        let Some(at) = at.cloned() else {
            return Some(event);
        };
        let web = ports.web.get(&at).copied();
        match event {
            TransportEvent::NewAddress {
                listener_id,
                listen_addr,
            } => {
                let known = ports.addresses.entry(at).or_default();
                known.insert(listen_addr.clone());
                if let Some(listener_id) = web {
                    ports.tell(TransportEvent::NewAddress {
                        listener_id,
                        listen_addr: listen_addr.clone(),
                    });
                }
                Some(TransportEvent::NewAddress {
                    listener_id,
                    listen_addr,
                })
            }
            TransportEvent::AddressExpired {
                listener_id,
                listen_addr,
            } => {
                if let Some(known) = ports.addresses.get_mut(&at) {
                    known.remove(&listen_addr);
                }
                if let Some(listener_id) = web {
                    ports.tell(TransportEvent::AddressExpired {
                        listener_id,
                        listen_addr: listen_addr.clone(),
                    });
                }
                Some(TransportEvent::AddressExpired {
                    listener_id,
                    listen_addr,
                })
            }
            TransportEvent::Incoming {
                listener_id,
                upgrade,
                local_addr,
                send_back_addr,
            } if web.is_some() => {
                self.sorting.push(Box::pin(async move {
                    Sorted {
                        listener: listener_id,
                        local: local_addr,
                        remote: send_back_addr,
                        stream: sort(upgrade).await,
                    }
                }));
                None
            }
            TransportEvent::ListenerClosed {
                listener_id,
                reason,
            } => {
                ports.plain.remove(&listener_id);
                ports.addresses.remove(&at);
                if let Some(listener_id) = ports.web.remove(&at) {
                    ports.tell(TransportEvent::ListenerClosed {
                        listener_id,
                        reason: Ok(()),
                    });
                }
                Some(TransportEvent::ListenerClosed {
                    listener_id,
                    reason,
                })
            }
            event => Some(event),
        }
    }

    /// Gives a connection to whom it is for.
    fn on_sorted(&mut self, sorted: Sorted) -> Option<Event> {
        let Sorted {
            listener,
            local,
            remote,
            stream,
        } = sorted;
        let (stream, web) = match stream {
            Ok(sorted) => sorted,
            Err(error) => {
                tracing::debug!(target: "basalt::network", %error, %remote, "a connection said nothing");
                return None;
            }
        };
        let incoming = |listener_id| TransportEvent::Incoming {
            listener_id,
            upgrade: ready(Ok(stream)),
            local_addr: local,
            send_back_addr: remote,
        };
        if !web {
            return Some(incoming(listener));
        }
        let mut ports = locked(&self.ports);
        let web = *ports.web.get(ports.plain.get(&listener)?)?;
        // A face that does not keep up gets no more.
        if ports.events.len() < WAITING {
            ports.tell(incoming(web));
        }
        None
    }
}

impl Transport for Plain {
    type Output = Stream;
    type Error = io::Error;
    type ListenerUpgrade = Ready<io::Result<Stream>>;
    type Dial = <Tcp as Transport>::Dial;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        let listening = self.tcp.listen_on(id, address.clone());
        let mut ports = locked(&self.ports);
        if listening.is_ok() && ports.shared.contains(&address) {
            ports.plain.insert(id, address);
        } else if ports.shared.remove(&address)
            && let Some(listener_id) = ports.web.remove(&address)
        {
            // The other face waits for nothing.
            ports.tell(TransportEvent::ListenerClosed {
                listener_id,
                reason: Err(io::ErrorKind::AddrInUse.into()),
            });
        }
        listening
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.tcp.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<io::Error>> {
        let dial = self.tcp.dial(address, options)?;
        Ok(Box::pin(async move {
            let dialled = timeout(ANSWER, dial).await;
            dialled.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        }))
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            if let Poll::Ready(Some(sorted)) = self.sorting.poll_next_unpin(cx) {
                if let Some(event) = self.on_sorted(sorted) {
                    return Poll::Ready(event);
                }
                continue;
            }
            if self.sorting.len() >= UNSORTED {
                return Poll::Pending;
            }
            match Pin::new(&mut self.tcp).poll(cx) {
                Poll::Ready(event) => {
                    if let Some(event) = self.on_event(event) {
                        return Poll::Ready(event);
                    }
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// The face under WebSocket.
pub(crate) struct Web {
    tcp: Tcp,
    ports: Arc<Mutex<Ports>>,
}

impl Transport for Web {
    type Output = Stream;
    type Error = io::Error;
    type ListenerUpgrade = Ready<io::Result<Stream>>;
    type Dial = <Tcp as Transport>::Dial;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        let mut ports = locked(&self.ports);
        if !ports.shared.contains(&address) {
            drop(ports);
            return self.tcp.listen_on(id, address);
        }
        if ports.web.contains_key(&address) {
            return Err(TransportError::Other(io::ErrorKind::AddrInUse.into()));
        }
        ports.web.insert(address.clone(), id);
        let known = ports.addresses.get(&address).cloned();
        for listen_addr in known.into_iter().flatten() {
            ports.tell(TransportEvent::NewAddress {
                listener_id: id,
                listen_addr,
            });
        }
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let mut ports = locked(&self.ports);
        let at = ports.web.iter().find(|(_, web)| **web == id);
        let Some(at) = at.map(|(at, _)| at.clone()) else {
            drop(ports);
            return self.tcp.remove_listener(id);
        };
        ports.web.remove(&at);
        ports.tell(TransportEvent::ListenerClosed {
            listener_id: id,
            reason: Ok(()),
        });
        true
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<io::Error>> {
        self.tcp.dial(address, options)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Event> {
        {
            let mut ports = locked(&self.ports);
            if let Some(event) = ports.events.pop_front() {
                return Poll::Ready(event);
            }
            ports.waker = Some(cx.waker().clone());
        }
        Pin::new(&mut self.tcp).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_ports_are_found() {
        let list = |all: &[&str]| all.iter().map(|a| a.parse().unwrap()).collect::<Vec<_>>();
        let found = shared(&list(&[
            "/ip4/0.0.0.0/tcp/4001",
            "/ip4/0.0.0.0/tcp/4001/ws",
            "/ip6/::/tcp/4001",
            "/ip4/127.0.0.1/tcp/4001/ws",
            "/ip4/127.0.0.1/tcp/0",
            "/ip4/127.0.0.1/tcp/0/ws",
            "/ip4/0.0.0.0/udp/4001/quic-v1",
        ]));
        assert_eq!(found, ["/ip4/0.0.0.0/tcp/4001".parse().unwrap()].into());
        assert!(is_web(*b"GET") && is_web([0x16, 3, 1]));
        assert!(!is_web(*b"\x13/m") && !is_web(*b"PUT") && !is_web([0x16, 3, 9]));
    }
}
