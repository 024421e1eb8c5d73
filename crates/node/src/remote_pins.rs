//! Pins that others keep: services of the Pinning Services API.

mod policy;

use std::time::Duration;

use basalt_block::Cid;
use basalt_network::{parse_address, peer_of, with_peer, without_peer};
use basalt_pinning::{Client, Draft, Endpoint};
use basalt_repo::Repo;
use basalt_repo::config::RemotePinningService;

use crate::{Error, Node, Result};

/// Nodes of a service that are connected to for one pin.
const DELEGATES: usize = 16;
/// How long connecting to one of them may take.
const CONNECT: Duration = Duration::from_secs(30);

/// The pinning service of this name, as the config file has it now.
///
/// # Errors
/// There is none, or its endpoint is no URL.
pub fn pinning_service(repo: &Repo, name: &str) -> Result<Option<Client>> {
    let services = repo.read_config()?.remote_pinning_services();
    let Some(service) = services.get(name) else {
        return Ok(None);
    };
    pinning_client(service).map(Some)
}

/// A client of a pinning service.
///
/// # Errors
/// Its endpoint is no URL.
pub fn pinning_client(service: &RemotePinningService) -> Result<Client> {
    let endpoint = Endpoint::parse(&service.endpoint)?;
    Ok(Client::new(endpoint, &service.key))
}

impl Node {
    /// What a service is asked to pin, with the addresses of this node if it has the root.
    ///
    /// # Errors
    /// The store fails.
    pub async fn remote_pin_draft(&self, cid: &Cid) -> Result<Draft> {
        let draft = Draft::new(cid);
        match self.blocks().store().has(cid).await? {
            true => Ok(draft.origins(self.origins().await)),
            false => Ok(draft),
        }
    }

    /// Where this node can be reached, with its ID.
    async fn origins(&self) -> Vec<String> {
        let Some(network) = self.network() else {
            return Vec::new();
        };
        let own = network.local_peer();
        let addresses = network.announced_addresses().await.unwrap_or_default();
        let addresses = addresses
            .into_iter()
            .map(|a| with_peer(&a, own).to_string());
        addresses.collect()
    }

    /// Connects to the nodes that a service names for fetching a pin, as far as they can be reached,
    /// and waits for none of them.
    ///
    /// # Errors
    /// An address has no peer.
    pub fn connect_delegates(&self, delegates: &[String]) -> Result<()> {
        for text in delegates.iter().take(DELEGATES) {
            let address = match parse_address(text) {
                Ok(address) => address,
                Err(error) => {
                    tracing::error!(target: "basalt::pinning", address = %text, %error, "a service named a delegate that is none");
                    continue;
                }
            };
            let peer = peer_of(&address).ok_or(Error::DelegateWithoutPeer)?;
            let Some(network) = self.network().cloned() else {
                continue;
            };
            tokio::spawn(async move {
                let connecting = network.connect(peer, vec![without_peer(&address)]);
                match tokio::time::timeout(CONNECT, connecting).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::info!(target: "basalt::pinning", %address, %error, "a delegate cannot be reached");
                    }
                    Err(_) => {
                        tracing::info!(target: "basalt::pinning", %address, "a delegate does not answer");
                    }
                }
            });
        }
        Ok(())
    }
}
