//! Servers that are asked over HTTP.

use basalt_block::{Cid, Multihash, codec};
use basalt_delegated::{Client, Endpoint, Filters};
use basalt_network::PeerId;
use basalt_repo::Config;
use basalt_routing::PeerInfo;
use bytes::Bytes;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;

/// URLs that stand in for `Routing.DelegatedRouters`, with commas or spaces between them.
const VARIABLE: &str = "IPFS_HTTP_ROUTERS";
/// The ways to get blocks that are asked for, where they are not the usual ones.
const PROTOCOLS: &str = "IPFS_HTTP_ROUTERS_FILTER_PROTOCOLS";

/// A variable of the environment that lists something, unless it is empty.
fn listed(variable: &str) -> Option<Vec<String>> {
    let text = std::env::var(variable).ok()?;
    let items = text.split([',', ' ']).filter(|item| !item.is_empty());
    Some(items.map(str::to_owned).collect::<Vec<_>>()).filter(|items| !items.is_empty())
}

/// What providers are wanted for: Bitswap, and HTTP where blocks are got by it.
pub(super) fn filters(config: &Config) -> Filters {
    let usual = || vec!["unknown".to_owned(), "transport-bitswap".to_owned()];
    let mut protocols = listed(PROTOCOLS).unwrap_or_else(usual);
    if config.flag("HTTPRetrieval.Enabled") != Some(false) {
        protocols.push("transport-ipfs-gateway-http".to_owned());
    }
    Filters::new("", &protocols.join(","))
}

/// `Routing.DelegatedRouters` and `Ipns.DelegatedPublishers`.
#[derive(Debug, Default)]
pub(super) struct Delegated {
    routers: Vec<Client>,
    publishers: Vec<Client>,
}

impl Delegated {
    pub(super) fn of(config: &Config, agent: &str) -> Self {
        let filters = filters(config);
        let clients = |urls: Vec<String>| {
            let mut clients = Vec::new();
            for url in urls {
                match Endpoint::parse(&url) {
                    Ok(endpoint) => {
                        let client = Client::new(endpoint, agent);
                        clients.push(client.filter(filters.clone()));
                    }
                    Err(error) => {
                        tracing::error!(target: "basalt::routing", %error, "a delegated router is passed over");
                    }
                }
            }
            clients
        };
        Self {
            routers: clients(routers(config, std::env::var(VARIABLE).ok().as_deref())),
            publishers: clients(config.delegated_publishers_resolved()),
        }
    }

    /// Whether there is nobody to ask.
    pub(super) fn is_empty(&self) -> bool {
        self.routers.is_empty()
    }

    /// Whether there is nobody to give records of names to either.
    pub(super) fn is_nobody(&self) -> bool {
        self.routers.is_empty() && self.publishers.is_empty()
    }

    /// Gives who has what has this multihash, as servers answer.
    pub(super) async fn find_providers(&self, key: &[u8], out: mpsc::Sender<PeerInfo>) {
        let Ok(hash) = Multihash::from_bytes(key) else {
            return;
        };
        let cid = Cid::new_v1(codec::RAW, hash);
        let knowing = self
            .routers
            .iter()
            .filter(|c| c.endpoint().knows_providers());
        let ask = async |client: &Client| match client.providers(&cid).await {
            Ok(found) => {
                for record in found {
                    if out.send(record.into()).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => tell(&error),
        };
        join_all(knowing.map(ask)).await;
    }

    /// Where a peer is, by the first server that knows.
    pub(super) async fn find_peer(&self, peer: PeerId) -> Option<PeerInfo> {
        let knowing = self.routers.iter().filter(|c| c.endpoint().knows_peers());
        let mut answers: FuturesUnordered<_> = knowing.map(|client| client.peer(&peer)).collect();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Some(found)) => return Some(found.into()),
                Ok(None) => {}
                Err(error) => tell(&error),
            }
        }
        None
    }

    /// Gives the records of a name that servers have; they are not checked.
    pub(super) async fn records(&self, name: &[u8], out: mpsc::Sender<Bytes>) {
        let knowing = self.routers.iter().filter(|c| c.endpoint().knows_names());
        let ask = async |client: &Client| match client.record(name).await {
            // Who searched may have enough.
            Ok(Some(record)) => drop(out.send(record).await),
            Ok(None) => {}
            Err(error) => tell(&error),
        };
        join_all(knowing.map(ask)).await;
    }

    /// Gives servers a record of a name; returns how many took it.
    pub(super) async fn publish(&self, name: &[u8], record: &Bytes) -> usize {
        let knowing = self
            .publishers
            .iter()
            .filter(|c| c.endpoint().knows_names());
        let put = knowing.map(|client| client.put_record(name, record.clone()));
        let mut taken = 0;
        for outcome in join_all(put).await {
            match outcome {
                Ok(()) => taken += 1,
                Err(error) => tell(&error),
            }
        }
        taken
    }
}

/// The URLs of routers: those in the environment, or else those of the config.
fn routers(config: &Config, given: Option<&str>) -> Vec<String> {
    match given.filter(|given| !given.is_empty()) {
        None => config.delegated_routers_resolved(),
        Some(given) => {
            tracing::warn!(target: "basalt::routing", "delegated routers are those of {VARIABLE}, not those of the config: {given}");
            let urls = given.split([',', ' ']).filter(|url| !url.is_empty());
            urls.map(str::to_owned).collect()
        }
    }
}

fn tell(error: &basalt_delegated::Error) {
    tracing::debug!(target: "basalt::routing", %error, "a delegated router is of no use");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_before_the_config() {
        let config = br#"{"Routing": {"DelegatedRouters": ["https://a.example"]}}"#;
        let config = Config::parse(config).unwrap();
        assert_eq!(routers(&config, None), ["https://a.example"]);
        assert_eq!(routers(&config, Some("")), ["https://a.example"]);
        let given = Some("http://127.0.0.1:1, http://b.example/,,");
        assert_eq!(
            routers(&config, given),
            ["http://127.0.0.1:1", "http://b.example/"]
        );
    }
}
