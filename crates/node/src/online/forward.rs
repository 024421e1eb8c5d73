//! Ports that the router forwards: `Swarm.DisableNatPortMap`.

use basalt_network::Forwarding;
use basalt_portmap::{Mapper, Mapping, Options, Protocol};

use crate::Node;

impl Node {
    /// Has the router forward the ports where the node listens in a private network, until the node is
    /// closed, and announces where that is.
    pub(super) fn start_forwarding(&self) {
        let node = self.clone();
        tokio::spawn(async move { node.forward().await });
    }

    async fn forward(&self) {
        let Some(network) = self.network() else {
            return;
        };
        let Ok(ports) = network.ports_to_forward().await else {
            return;
        };
        if ports.is_empty() {
            return;
        }
        let ports = ports.into_iter().map(|(udp, port)| (protocol(udp), port));
        let mapper = Mapper::start(Options::default(), ports.collect(), self.cancelled());
        let mut mapped = mapper.mapped();
        while mapped.changed().await.is_ok() {
            let now: Vec<Forwarding> = mapped.borrow_and_update().iter().map(of).collect();
            if network.forwarded(now).await.is_err() {
                return;
            }
        }
    }
}

fn protocol(udp: bool) -> Protocol {
    if udp { Protocol::Udp } else { Protocol::Tcp }
}

fn of(mapping: &Mapping) -> Forwarding {
    Forwarding {
        udp: mapping.protocol == Protocol::Udp,
        port: mapping.port,
        external: mapping.external,
    }
}
