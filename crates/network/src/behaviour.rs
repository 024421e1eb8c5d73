//! Everything that the node does with its peers, as one behaviour.

use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{autonat, mdns, relay};

use crate::filter::Filters;
use crate::traffic::Traffic;
use crate::{
    AutoNat, Options, Result, bitswap, book, bootstrap, filter, identify, limits, observed,
    peering, ping, probe, probed, pubsub, streams, trim,
};

/// One field for each protocol. A new one is added here, made in [`Behaviour::new`], and its events are
/// handled in `Service::on_behaviour`.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) filter: filter::Behaviour,
    pub(crate) limits: limits::Behaviour,
    pub(crate) book: book::Behaviour,
    pub(crate) identify: observed::Behaviour,
    pub(crate) streams: streams::Behaviour,
    pub(crate) peering: peering::Behaviour,
    pub(crate) bootstrap: bootstrap::Behaviour,
    pub(crate) trim: trim::Behaviour,
    pub(crate) bitswap: bitswap::Behaviour,
    pub(crate) pubsub: Toggle<pubsub::Behaviour>,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
    pub(crate) relay: Toggle<relay::Behaviour>,
    pub(crate) relayed: Toggle<relay::client::Behaviour>,
    pub(crate) autonat: autonat::v1::Behaviour,
    pub(crate) probe: Toggle<probe::Behaviour>,
    pub(crate) probed: Toggle<probed::Behaviour>,
}

/// What is shared between the behaviours and the rest.
pub(crate) struct Shared<'a> {
    pub(crate) filters: &'a Filters,
    pub(crate) traffic: &'a Traffic,
    /// The part of relaying that belongs to the transport.
    pub(crate) relayed: Option<relay::client::Behaviour>,
}

impl Behaviour {
    pub(crate) fn new(options: &Options, shared: Shared<'_>) -> Result<Self> {
        let local = options.key.public().to_peer_id();
        let streams = streams::Behaviour::default();
        ping::serve(streams.services());
        let mut trim = trim::Behaviour::new(options.marks, shared.traffic.clone());
        let mut peering = peering::Behaviour::default();
        for (peer, addresses) in &options.peering {
            peering.add(*peer, addresses.clone(), false);
            trim.protect(*peer, peering::NAME);
        }
        let nat = options.auto_nat;
        let relay = options.relay_service.filter(|_| options.transports.relay);
        let mdns = options
            .local_discovery
            .then(|| discovery(options))
            .flatten();
        Ok(Self {
            filter: filter::Behaviour(shared.filters.clone()),
            limits: limits::Behaviour::new(
                options.limits.as_ref(),
                options.marks.map(|marks| 2 * marks.crowd()),
            ),
            book: book::Behaviour::new(shared.filters.clone()),
            identify: observed::Behaviour::new(identify::behaviour(options)),
            streams,
            peering,
            bootstrap: bootstrap::Behaviour::new(options.bootstrap.clone(), options.backup.clone()),
            bitswap: bitswap::Behaviour::new(options),
            pubsub: pubsub::behaviour(options)?,
            trim,
            mdns: mdns.into(),
            relay: relay.map(|relay| relay.behaviour(local)).into(),
            relayed: shared.relayed.into(),
            autonat: autonat::v1::Behaviour::new(local, dial_back(nat)),
            probe: nat.version_two.then(Default::default).into(),
            probed: (nat.version_two && nat.serve).then(Default::default).into(),
        })
    }
}

/// How others are dialled back that want to know whether they can be reached.
fn dial_back(nat: AutoNat) -> autonat::v1::Config {
    let serve = |most: usize| if nat.serve { most } else { 0 };
    autonat::v1::Config {
        throttle_clients_global_max: serve(nat.global),
        throttle_clients_peer_max: serve(nat.peer),
        throttle_clients_period: nat.interval,
        ..autonat::v1::Config::default()
    }
}

/// Looks for peers in the local network; where that does not work, the rest does.
fn discovery(options: &Options) -> Option<mdns::tokio::Behaviour> {
    let local = options.key.public().to_peer_id();
    match mdns::tokio::Behaviour::new(mdns::Config::default(), local) {
        Ok(behaviour) => Some(behaviour),
        Err(error) => {
            tracing::error!(target: "basalt::network", %error, "peers in the local network are not looked for");
            None
        }
    }
}
