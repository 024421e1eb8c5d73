//! Bitswap on the wire: each connection's streams, joined to a [`Link`](basalt_bitswap::Link).

mod frames;
mod handler;
mod upgrade;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::task::{Context, Poll};

use basalt_bitswap::{PeerTraits, Port};
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use crate::Options;
use crate::address::{ip_of, is_relayed};
use handler::Handler;

/// The protocols' names.
pub(crate) fn protocols() -> impl Iterator<Item = String> {
    let all = basalt_bitswap::message::Version::ALL;
    all.into_iter().map(|version| version.name().to_owned())
}

/// Joins the swarm's connections to Bitswap. Messages do not go through the swarm's task.
pub(crate) struct Behaviour {
    port: Option<Port>,
    /// Peers that the node is always connected to.
    peered: BTreeSet<PeerId>,
}

impl Behaviour {
    /// Without a port Bitswap is not spoken.
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            port: options.bitswap.clone(),
            peered: options.peering.iter().map(|(peer, _)| *peer).collect(),
        }
    }

    /// From now on the node is always connected to the peer, or is not any more.
    pub(crate) fn keep(&mut self, peer: PeerId, kept: bool) {
        match kept {
            true => self.peered.insert(peer),
            false => self.peered.remove(&peer),
        };
        if let Some(port) = &self.port {
            port.peered(peer, kept);
        }
    }

    fn handler(&self, peer: PeerId, address: &Multiaddr, relayed: bool) -> Handler {
        let port = self.port.as_ref();
        // A relay lends its connections for finding a way, not for data.
        let link = port.filter(|_| !relayed).map(|port| {
            let traits = PeerTraits {
                local: is_local(address),
                peered: self.peered.contains(&peer),
            };
            port.connected(peer, traits)
        });
        Handler::new(link)
    }
}

/// Whether a peer at this address is in the local network.
fn is_local(address: &Multiaddr) -> bool {
    match ip_of(address) {
        Some(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Some(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        None => false,
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = std::convert::Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        // Of a connection that came through a relay, only its own end says so.
        Ok(self.handler(peer, remote, is_relayed(local)))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(peer, remote, is_relayed(remote)))
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
