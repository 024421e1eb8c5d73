//! The tunnels that are open, and the connections that they carry.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::StreamProtocol;
use tokio_util::sync::CancellationToken;

use crate::streams::Services;
use crate::{Error, Result};

/// Tunnels that may be open.
const TUNNELS: usize = 1024;

/// Who a tunnel takes connections from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From programs here, to a peer.
    Here,
    /// From peers, to a program here.
    There,
}

/// A tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelInfo {
    /// The protocol of its streams.
    pub protocol: String,
    /// Where it takes connections, as a multiaddr.
    pub listen: String,
    /// Where it carries them, as a multiaddr.
    pub target: String,
    /// Who it takes connections from.
    pub side: Side,
}

impl TunnelInfo {
    /// Of tunnels that are the same in this there is one only.
    fn key(&self) -> (Side, &str) {
        match self.side {
            Side::Here => (Side::Here, &self.listen),
            Side::There => (Side::There, &self.protocol),
        }
    }
}

/// A connection that a tunnel carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelStream {
    /// Counts up from 0.
    pub id: u64,
    /// The protocol of the stream.
    pub protocol: String,
    /// Who has connected.
    pub origin: String,
    /// What to.
    pub target: String,
}

/// What is open.
pub(crate) struct Registry {
    services: Services,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next_tunnel: u64,
    tunnels: BTreeMap<u64, (TunnelInfo, CancellationToken)>,
    next_stream: u64,
    streams: BTreeMap<u64, (TunnelStream, CancellationToken)>,
}

impl Registry {
    /// Nothing is open; what peers may open is added to `services`.
    pub(crate) fn new(services: Services) -> Arc<Self> {
        Arc::new(Self {
            services,
            open: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    /// Notes a tunnel; `closed` is cancelled when it is closed.
    pub(super) fn open(&self, info: TunnelInfo, closed: CancellationToken) -> Result<u64> {
        let mut open = self.lock();
        if open
            .tunnels
            .values()
            .any(|(other, _)| other.key() == info.key())
        {
            return Err(Error::TunnelExists);
        }
        if open.tunnels.len() >= TUNNELS {
            return Err(Error::TooManyTunnels(TUNNELS));
        }
        let id = open.next_tunnel;
        open.next_tunnel += 1;
        open.tunnels.insert(id, (info, closed));
        Ok(id)
    }

    pub(super) fn list(&self) -> Vec<TunnelInfo> {
        let open = self.lock();
        open.tunnels
            .values()
            .map(|(info, _)| info.clone())
            .collect()
    }

    pub(super) fn close(&self, which: impl Fn(u64, &TunnelInfo) -> bool) -> usize {
        let mut open = self.lock();
        let before = open.tunnels.len();
        open.tunnels.retain(|id, (info, closed)| {
            if !which(*id, info) {
                return true;
            }
            if info.side == Side::There
                && let Ok(protocol) = StreamProtocol::try_from_owned(info.protocol.clone())
            {
                self.services.remove(&protocol);
            }
            closed.cancel();
            false
        });
        before - open.tunnels.len()
    }

    /// Notes a connection until the entry is dropped.
    pub(super) fn begin(self: &Arc<Self>, mut stream: TunnelStream) -> Entry {
        let ended = CancellationToken::new();
        let mut open = self.lock();
        let id = open.next_stream;
        open.next_stream += 1;
        stream.id = id;
        open.streams.insert(id, (stream, ended.clone()));
        Entry {
            registry: self.clone(),
            id,
            ended,
        }
    }

    pub(super) fn streams(&self) -> Vec<TunnelStream> {
        let open = self.lock();
        open.streams
            .values()
            .map(|(stream, _)| stream.clone())
            .collect()
    }

    pub(super) fn end_streams(&self, id: Option<u64>) {
        for (stream, ended) in self.lock().streams.values() {
            if id.is_none_or(|id| id == stream.id) {
                ended.cancel();
            }
        }
    }
}

/// A connection while it is carried.
pub(super) struct Entry {
    registry: Arc<Registry>,
    id: u64,
    ended: CancellationToken,
}

impl Entry {
    /// Waits until somebody wants the connection ended.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.lock().streams.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(side: Side, protocol: &str, listen: &str) -> TunnelInfo {
        TunnelInfo {
            protocol: protocol.to_owned(),
            listen: listen.to_owned(),
            target: "/t".to_owned(),
            side,
        }
    }

    #[test]
    fn one_listener_for_an_address_and_one_for_a_protocol() {
        let registry = Registry::new(Services::default());
        let open = |info| registry.open(info, CancellationToken::new());
        open(info(Side::Here, "/x/a", "/1")).unwrap();
        open(info(Side::Here, "/x/a", "/2")).unwrap();
        open(info(Side::There, "/x/a", "/1")).unwrap();
        open(info(Side::There, "/x/b", "/1")).unwrap();
        for taken in [
            info(Side::Here, "/x/b", "/2"),
            info(Side::There, "/x/b", "/3"),
        ] {
            assert!(matches!(open(taken), Err(Error::TunnelExists)));
        }
        assert_eq!(registry.close(|_, info| info.protocol == "/x/a"), 3);
        assert_eq!(registry.list(), [info(Side::There, "/x/b", "/1")]);
        for number in 1..TUNNELS {
            open(info(Side::Here, "/x/c", &number.to_string())).unwrap();
        }
        let more = open(info(Side::Here, "/x/c", "more"));
        assert!(matches!(more, Err(Error::TooManyTunnels(TUNNELS))));
    }

    #[tokio::test]
    async fn connections_are_listed_until_they_end() {
        let registry = Registry::new(Services::default());
        let stream = TunnelStream {
            id: 0,
            protocol: "/x/a".to_owned(),
            origin: String::new(),
            target: String::new(),
        };
        let entries: Vec<Entry> = (0..3).map(|_| registry.begin(stream.clone())).collect();
        registry.end_streams(Some(1));
        entries[1].ended().await;
        assert!(!entries[0].ended.is_cancelled());
        registry.end_streams(None);
        entries[2].ended().await;
        assert_eq!(registry.streams().len(), 3);
        drop(entries);
        assert!(registry.streams().is_empty());
    }
}
