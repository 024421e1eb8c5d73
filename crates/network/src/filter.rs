//! Addresses that the node wants nothing to do with.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};

use crate::Range;
use crate::address::ip_of;

/// Ranges of addresses that are refused; cheap to clone, and changed while the node runs.
#[derive(Clone, Default)]
pub struct Filters(Arc<RwLock<Vec<Range>>>);

impl Filters {
    /// The ranges, in the order in which they were added.
    pub fn list(&self) -> Vec<Range> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Refuses the addresses of a range from now on. Connections stay.
    pub fn add(&self, range: Range) {
        let mut ranges = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !ranges.contains(&range) {
            ranges.push(range);
        }
    }

    /// Refuses them no more.
    pub fn remove(&self, range: &Range) {
        let mut ranges = self.0.write().unwrap_or_else(PoisonError::into_inner);
        ranges.retain(|have| have != range);
    }

    /// Refuses nothing any more.
    pub fn clear(&self) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Whether an address is refused.
    pub fn denies(&self, address: &Multiaddr) -> bool {
        let ranges = self.0.read().unwrap_or_else(PoisonError::into_inner);
        ip_of(address).is_some_and(|ip| ranges.iter().any(|range| range.contains(ip)))
    }
}

/// An address that the filters refuse.
#[derive(Debug, thiserror::Error)]
#[error("gater disallows connection to peer")]
struct Refused;

/// Refuses connections from and to filtered addresses.
pub(crate) struct Behaviour(pub(crate) Filters);

impl Behaviour {
    fn check(&self, address: &Multiaddr) -> Result<(), ConnectionDenied> {
        match self.0.denies(address) {
            true => Err(ConnectionDenied::new(Refused)),
            false => Ok(()),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    crate::plain::without_streams!();

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.check(remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check(remote)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        remote: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check(remote)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, _: FromSwarm) {}

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}
