//! Whether others can reach this node, as far as they have told.

use std::collections::BTreeMap;
use std::fmt;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::watch;

use crate::peers::Direction;
use crate::service::Service;

/// Addresses of which it is remembered whether they were reached.
const ADDRESSES: usize = 64;

/// Whether others can open connections to this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reachability {
    /// Nobody has told yet.
    #[default]
    Unknown,
    /// Anybody can.
    Public,
    /// Only through a relay.
    Private,
}

impl fmt::Display for Reachability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "Unknown",
            Self::Public => "Public",
            Self::Private => "Private",
        })
    }
}

/// Which addresses of the node were reached.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Reach {
    /// Over all.
    pub overall: Reachability,
    /// Reached by others.
    pub reachable: Vec<Multiaddr>,
    /// Not reached.
    pub unreachable: Vec<Multiaddr>,
    /// Announced, and not tried yet.
    pub unknown: Vec<Multiaddr>,
}

/// What was found out so far.
#[derive(Debug, Default)]
pub(crate) struct Found {
    forced: Option<Reachability>,
    overall: watch::Sender<Reachability>,
    tested: BTreeMap<Multiaddr, bool>,
}

impl Found {
    pub(crate) fn new(forced: Option<Reachability>) -> Self {
        Self {
            forced,
            overall: watch::Sender::new(forced.unwrap_or_default()),
            ..Self::default()
        }
    }

    pub(crate) fn overall(&self) -> Reachability {
        *self.overall.borrow()
    }

    /// What those say who dialled back.
    pub(crate) fn set(&mut self, overall: Reachability) {
        let overall = self.forced.unwrap_or(overall);
        self.overall
            .send_if_modified(|now| std::mem::replace(now, overall) != overall);
    }

    /// Tells when it changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Reachability> {
        self.overall.subscribe()
    }

    /// What came of a test of one address.
    pub(crate) fn tested(&mut self, address: Multiaddr, reached: bool) {
        if self.tested.len() >= ADDRESSES && !self.tested.contains_key(&address) {
            self.tested.pop_first();
        }
        self.tested.insert(address, reached);
    }

    pub(crate) fn is_tested(&self, address: &Multiaddr) -> bool {
        self.tested.contains_key(address)
    }

    pub(crate) fn report(&self) -> Reach {
        let those = |wanted: bool| {
            let all = self
                .tested
                .iter()
                .filter(move |(_, reached)| **reached == wanted);
            all.map(|(address, _)| address.clone()).collect()
        };
        Reach {
            overall: self.overall(),
            reachable: those(true),
            unreachable: those(false),
            unknown: Vec::new(),
        }
    }
}
impl Service {
    /// A peer was dialled back, and has been told. The connection has served its purpose; while it stays, a
    /// relay among such peers may ask on it to let somebody in, and be refused: the library lets others in
    /// on the connection alone that it has made the reservation on.
    pub(crate) fn dialled_back(&mut self, peer: &PeerId) {
        let of_peer = || self.open().filter(|open| open.peer == *peer);
        let (back, others): (Vec<_>, Vec<_>) = of_peer()
            .partition(|open| open.direction == Direction::Outbound && !open.from_listener);
        let back: Vec<_> = back.into_iter().map(|open| open.id).collect();
        if others.is_empty() {
            return;
        }
        for id in back {
            self.swarm.close_connection(id);
        }
    }
}
