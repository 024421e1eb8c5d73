//! Peers that are reached though nobody says where they are.

use std::time::Duration;

use basalt_network::{Error as Failed, Multiaddr, PeerId, Reachability};
use basalt_routing::Events;

use crate::{Error, Node, Result};

/// How long others are asked where a peer is.
const LOOK: Duration = Duration::from_secs(10);

impl Node {
    /// Connects to a peer: at these addresses, at those that are known, or, where there are none, at
    /// those that routing finds.
    ///
    /// # Errors
    /// The peer is not found, or not reached.
    pub async fn connect(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<()> {
        let network = self.network().ok_or(Failed::Stopped)?;
        match network.connect(peer, addresses).await {
            Err(Failed::NoAddresses(_)) => {
                let found = self.find_addresses(peer).await?;
                Ok(network.connect(peer, found).await?)
            }
            done => Ok(done?),
        }
    }

    /// Asks others where a peer is.
    ///
    /// # Errors
    /// Nobody knows, or there is nobody to ask.
    pub async fn find_addresses(&self, peer: PeerId) -> Result<Vec<Multiaddr>> {
        let not_found = || Error::Routing(basalt_routing::Error::NotFound);
        let routing = self.routing().ok_or_else(not_found)?;
        let events = Events::default();
        let asked = tokio::time::timeout(LOOK, routing.find_peer(peer, &events)).await;
        match asked {
            Ok(Ok(found)) if !found.addresses.is_empty() => Ok(found.addresses),
            // Whatever the reason, that is what Kubo says.
            _ => Err(not_found()),
        }
    }

    /// Has routing know whether others can reach the node, now and when that changes.
    pub(crate) async fn follow_reachability(self) {
        let Some(network) = self.network() else {
            return;
        };
        let mut reach = network.watch_reachability();
        loop {
            let public = *reach.borrow_and_update() == Reachability::Public;
            if let Some(routing) = self.routing()
                && routing.reachable(public).await.is_err()
            {
                return;
            }
            tokio::select! {
                changed = reach.changed() => if changed.is_err() {
                    return;
                },
                () = self.closed() => return,
            }
        }
    }
}
