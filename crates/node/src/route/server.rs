//! The node's routing for others who ask over HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt_block::Cid;
use basalt_delegated::{Router, Server};
use basalt_ipns::{Find, Name, Record, Stored};
use basalt_network::PeerId;
use basalt_routing::{Error as Failed, Events, PeerInfo};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{Error, Node};

/// How long records of names are searched for, so that the best of them comes in time.
const SEARCH: Duration = Duration::from_secs(20);
const NO_DHT: &str = "GetClosestPeers not supported: DHT is not available";

struct Served(Node);

impl Node {
    /// A server of `/routing/v1`, which answers with what this node's routing finds.
    pub fn routing_server(&self) -> Server {
        Server::new(Arc::new(Served(self.clone())))
    }
}

#[async_trait]
impl Router for Served {
    async fn providers(&self, cid: &Cid, out: mpsc::Sender<PeerInfo>) {
        let Some(routing) = self.0.routing() else {
            return;
        };
        let (key, none) = (cid.hash().to_bytes(), Events::default());
        if let Err(error) = routing.find_providers(&key, 0, &none, out).await {
            tracing::debug!(target: "basalt::routing", %cid, %error, "no providers were found");
        }
    }

    async fn peer(&self, peer: PeerId) -> Option<PeerInfo> {
        let own = self.0.network().map(|network| network.local_peer());
        let routing = self.0.routing().filter(|_| own != Some(peer))?;
        routing.find_peer(peer, &Events::default()).await.ok()
    }

    async fn record(&self, name: &Name) -> Result<Option<Bytes>, String> {
        let find = Find {
            online: self.0.routing().is_some(),
            time: Some(SEARCH),
            ..Find::default()
        };
        match self.0.names().record(name, &find).await {
            Ok(record) => Ok(Some(record.bytes().clone())),
            Err(basalt_ipns::Error::NoRecord) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn put_record(&self, name: &Name, record: &Record) -> Result<(), String> {
        let names = self.0.names();
        let stored = names.store().put(name, record.bytes().clone()).await;
        if stored.map_err(|e| e.to_string())? == Stored::Best {
            names.published(*name, record.clone());
        }
        let Some(routing) = self.0.routing() else {
            return Ok(());
        };
        let (key, none) = (name.routing_key(), Events::default());
        match routing.put_value(&key, record.bytes(), &none).await {
            // It is kept here: that nobody else could be given it is no failure, as in Kubo.
            Ok(()) => Ok(()),
            Err(Error::Routing(failed @ Failed::Store(_))) => Err(failed.to_string()),
            Err(error) => {
                tracing::debug!(target: "basalt::routing", %name, %error, "a record was not given on");
                Ok(())
            }
        }
    }

    async fn closest_peers(&self, multihash: &[u8]) -> Result<Vec<PeerInfo>, String> {
        let routing = self.0.routing().ok_or(NO_DHT)?;
        routing.closest_peers(multihash).await.map_err(|e| match e {
            Error::Routing(Failed::NotSupported) => NO_DHT.to_owned(),
            error => error.to_string(),
        })
    }
}
