//! Everything that the node does with its peers, as one behaviour.

use libp2p::swarm::NetworkBehaviour;
use libp2p::{identify, ping};

use crate::{Options, book};

/// One field for each protocol. A new one is added here, made in [`Behaviour::new`], and its events are
/// handled in `Service::on_behaviour`.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) book: book::Behaviour,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
}

impl Behaviour {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            book: book::Behaviour::default(),
            identify: crate::identify::behaviour(options),
            ping: ping::Behaviour::default(),
        }
    }
}
