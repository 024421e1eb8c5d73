//! Everything that the node does with its peers, as one behaviour.

use libp2p::identify;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;

use crate::filter::Filters;
use crate::traffic::Traffic;
use crate::{
    Options, Result, bitswap, book, bootstrap, filter, limits, peering, ping, pubsub, streams, trim,
};

/// One field for each protocol. A new one is added here, made in [`Behaviour::new`], and its events are
/// handled in `Service::on_behaviour`.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) filter: filter::Behaviour,
    pub(crate) limits: limits::Behaviour,
    pub(crate) book: book::Behaviour,
    pub(crate) identify: identify::Behaviour,
    pub(crate) streams: streams::Behaviour,
    pub(crate) peering: peering::Behaviour,
    pub(crate) bootstrap: bootstrap::Behaviour,
    pub(crate) trim: trim::Behaviour,
    pub(crate) bitswap: bitswap::Behaviour,
    pub(crate) pubsub: Toggle<pubsub::Behaviour>,
}

impl Behaviour {
    pub(crate) fn new(options: &Options, filters: Filters, traffic: &Traffic) -> Result<Self> {
        let streams = streams::Behaviour::default();
        ping::serve(streams.services());
        let mut trim = trim::Behaviour::new(options.marks, traffic.clone());
        let mut peering = peering::Behaviour::default();
        for (peer, addresses) in &options.peering {
            peering.add(*peer, addresses.clone(), false);
            trim.protect(*peer, peering::NAME);
        }
        Ok(Self {
            filter: filter::Behaviour(filters.clone()),
            limits: limits::Behaviour::new(options.limits.as_ref()),
            book: book::Behaviour::new(filters),
            identify: crate::identify::behaviour(options),
            streams,
            peering,
            trim,
            bootstrap: bootstrap::Behaviour::new(options.bootstrap.clone()),
            bitswap: bitswap::Behaviour::new(options),
            pubsub: pubsub::behaviour(options)?,
        })
    }
}
