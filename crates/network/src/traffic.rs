//! What goes over the connections: bytes, streams and their protocols.
//!
//! The library tells nobody the protocol of a stream, so it is read from the negotiation that begins
//! every stream: what the side that was asked answers with is what is spoken.

mod meter;
mod muxer;
mod sniff;
mod stream;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::{Multiaddr, PeerId};

use crate::limits::most;
pub use meter::Bandwidth;
pub(crate) use meter::Meter;
pub(crate) use muxer::Metered;

/// Peers and protocols whose bytes are counted, apart from those with open streams.
const COUNTED: usize = 1024;

/// Streams of one connection, and those that one peer may open. A Kubo that is asked for many small
/// blocks opens hundreds at a time.
pub(crate) const STREAMS: usize = 512;
/// Streams that others may open, all together; a stream costs some kilobytes.
const ALL_STREAMS: usize = 4096;
/// So many a peer may open whatever the others have.
const FEW_STREAMS: usize = 8;

/// The traffic of a node; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Traffic(Arc<Inner>);

#[derive(Default)]
struct Inner {
    total: Meter,
    next: AtomicU64,
    limits: Mutex<Limits>,
    inbound: AtomicUsize,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    peers: HashMap<PeerId, Arc<OfPeer>>,
    protocols: HashMap<Arc<str>, Arc<Meter>>,
    connections: HashMap<u64, Arc<Connection>>,
}

/// What is counted for one peer, over all its connections.
#[derive(Default)]
struct OfPeer {
    meter: Meter,
    /// Streams that it has opened.
    inbound: AtomicUsize,
}

/// How many streams others may open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// All of them together.
    pub(crate) streams: usize,
    /// One peer, over all its connections.
    pub(crate) peer_streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: ALL_STREAMS,
            peer_streams: STREAMS,
        }
    }
}

/// A connection and its open streams.
pub(crate) struct Connection {
    id: u64,
    peer: PeerId,
    address: Multiaddr,
    of_peer: Arc<OfPeer>,
    streams: Mutex<HashMap<u64, Open>>,
}

/// An open stream.
#[derive(Clone)]
struct Open {
    inbound: bool,
    protocol: Option<Arc<str>>,
}

/// How many streams are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamCount {
    /// Opened by others.
    pub inbound: usize,
    /// Opened by this node.
    pub outbound: usize,
}

impl StreamCount {
    fn count(&mut self, inbound: bool) {
        *match inbound {
            true => &mut self.inbound,
            false => &mut self.outbound,
        } += 1;
    }
}

impl Traffic {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over the limits of streams.
    pub(crate) fn set_limits(&self, from: &crate::Limits) {
        let mut limits = Limits::default();
        if let Some(streams) = most(from.system.streams_inbound) {
            limits.streams = streams.min(limits.streams);
        }
        if let Some(streams) = most(from.peer.streams_inbound) {
            limits.peer_streams = streams.min(limits.peer_streams);
        }
        *self.0.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    fn limits(&self) -> Limits {
        *self.0.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All bytes.
    pub(crate) fn total(&self) -> Bandwidth {
        self.0.total.read()
    }

    /// The bytes to and from a peer.
    pub(crate) fn peer(&self, peer: &PeerId) -> Bandwidth {
        let of_peer = self.tables().peers.get(peer).cloned();
        of_peer.map(|of| of.meter.read()).unwrap_or_default()
    }

    /// The bytes of a protocol.
    pub(crate) fn protocol(&self, name: &str) -> Bandwidth {
        let meter = self.tables().protocols.get(name).cloned();
        meter.map(|meter| meter.read()).unwrap_or_default()
    }

    /// The protocols of the open streams to `peer` at `address`.
    pub(crate) fn streams(&self, peer: &PeerId, address: &Multiaddr) -> Vec<String> {
        let found = self.tables().connections.values().find_map(|connection| {
            let same = connection.peer == *peer && connection.address == *address;
            same.then(|| connection.clone())
        });
        let Some(connection) = found else {
            return Vec::new();
        };
        let streams = connection.streams();
        let named = streams.values().map(|open| open.protocol.as_deref());
        named
            .map(|name| name.unwrap_or_default().to_owned())
            .collect()
    }

    /// How many streams are open, all of them and by protocol.
    pub(crate) fn count(&self) -> (StreamCount, HashMap<String, StreamCount>) {
        let connections: Vec<_> = self.tables().connections.values().cloned().collect();
        let (mut all, mut by_protocol) = (StreamCount::default(), HashMap::new());
        for connection in connections {
            for open in connection.streams().values() {
                all.count(open.inbound);
                if let Some(name) = &open.protocol {
                    let count: &mut StreamCount = by_protocol.entry(name.to_string()).or_default();
                    count.count(open.inbound);
                }
            }
        }
        (all, by_protocol)
    }

    /// How many streams are open to each peer.
    pub(crate) fn count_by_peer(&self) -> HashMap<PeerId, StreamCount> {
        let connections: Vec<_> = self.tables().connections.values().cloned().collect();
        let mut all: HashMap<PeerId, StreamCount> = HashMap::new();
        for connection in connections {
            let count = all.entry(connection.peer).or_default();
            for open in connection.streams().values() {
                count.count(open.inbound);
            }
        }
        all
    }

    /// A connection has begun.
    pub(crate) fn connection(&self, peer: PeerId, address: Multiaddr) -> Arc<Connection> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut tables = self.tables();
        let connection = Arc::new(Connection {
            id,
            peer,
            address,
            of_peer: tables.peers.entry(peer).or_default().clone(),
            streams: Mutex::default(),
        });
        tables.connections.insert(id, connection.clone());
        connection
    }

    fn connection_ended(&self, connection: &Connection) {
        let mut tables = self.tables();
        tables.connections.remove(&connection.id);
        if tables.peers.len() > COUNTED {
            // The connection that has ended still holds its own.
            let ended = |of: &Arc<OfPeer>| usize::from(Arc::ptr_eq(of, &connection.of_peer));
            let in_use = |of: &Arc<OfPeer>| Arc::strong_count(of) > 1 + ended(of);
            tables.peers.retain(|_, of| in_use(of));
        }
    }

    /// A stream has begun, unless there are too many.
    fn stream(&self, connection: &Arc<Connection>, inbound: bool) -> Option<u64> {
        if inbound {
            let limits = self.limits();
            let of_peer = &connection.of_peer.inbound;
            let has = of_peer.load(Ordering::Relaxed);
            let crowded = self.0.inbound.load(Ordering::Relaxed) >= limits.streams;
            if has >= limits.peer_streams || (crowded && has >= FEW_STREAMS) {
                return None;
            }
            of_peer.fetch_add(1, Ordering::Relaxed);
            self.0.inbound.fetch_add(1, Ordering::Relaxed);
        }
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let protocol = None;
        connection.streams().insert(id, Open { inbound, protocol });
        Some(id)
    }

    fn stream_ended(&self, connection: &Connection, id: u64) {
        let ended = connection.streams().remove(&id);
        if ended.is_some_and(|open| open.inbound) {
            connection.of_peer.inbound.fetch_sub(1, Ordering::Relaxed);
            self.0.inbound.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The protocol of a stream is known now.
    fn named(&self, connection: &Connection, id: u64, name: &str) -> Arc<Meter> {
        let mut tables = self.tables();
        let known = tables.protocols.get_key_value(name);
        let (name, meter) = match known {
            Some((name, meter)) => (name.clone(), meter.clone()),
            None => {
                let (name, meter) = (Arc::<str>::from(name), Arc::<Meter>::default());
                if tables.protocols.len() < COUNTED {
                    tables.protocols.insert(name.clone(), meter.clone());
                }
                (name, meter)
            }
        };
        drop(tables);
        if let Some(open) = connection.streams().get_mut(&id) {
            open.protocol = Some(name);
        }
        meter
    }
}

impl Connection {
    fn streams(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_opens_so_many_streams_and_no_more() {
        let (traffic, peer) = (Traffic::default(), PeerId::random());
        let place: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let first = traffic.connection(peer, place.clone());
        let second = traffic.connection(peer, place.clone());
        let mut open = Vec::new();
        for _ in 0..1000 {
            open.extend(traffic.stream(&first, true));
            open.extend(traffic.stream(&second, true));
        }
        assert_eq!(open.len(), STREAMS);
        // The node itself may still open some, and others may.
        assert!(traffic.stream(&first, false).is_some());
        let other = traffic.connection(PeerId::random(), place);
        assert!(traffic.stream(&other, true).is_some());
        for id in open {
            traffic.stream_ended(&first, id);
            traffic.stream_ended(&second, id);
        }
        assert!(traffic.stream(&first, true).is_some());
        assert_eq!(traffic.count().0.inbound, 2);
    }

    #[test]
    fn many_that_open_many_streams_leave_some_to_others() {
        let traffic = Traffic::default();
        let place: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let mut all = 0;
        let mut last = 0;
        for _ in 0..100 {
            let connection = traffic.connection(PeerId::random(), place.clone());
            let streams = (0..STREAMS).filter_map(|_| traffic.stream(&connection, true));
            last = streams.count();
            all += last;
        }
        assert_eq!(last, FEW_STREAMS);
        assert!(all <= ALL_STREAMS + 100 * FEW_STREAMS);
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let traffic = Traffic::default();
        let place: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        for _ in 0..5 * COUNTED {
            let connection = traffic.connection(PeerId::random(), place.clone());
            traffic.connection_ended(&connection);
        }
        assert!(traffic.tables().peers.len() <= COUNTED + 1);
        assert!(traffic.tables().connections.is_empty());
    }
}
