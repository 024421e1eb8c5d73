//! Who has what, and who is where, as far as other nodes tell.

mod delegated;
mod finder;
mod names;
mod own;
mod records;
mod upkeep;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use basalt_ipns::{Name, Rules};
use basalt_network::{DhtHost, Handle, PeerId};
use basalt_routing::{
    Dht, Dual, Error as Failed, Events, Mode, Options, PeerInfo, Providers, PublicKeys, Scope,
    Validators, Values,
};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::names::{NameGossip, WeakNameGossip};
use crate::{Node, Result};
use delegated::Delegated;
pub(crate) use finder::Finder;
use names::Names;
use own::OwnBlocks;
use records::Stored;

/// `Routing.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A client, that becomes a server when it can be reached.
    Auto,
    Client,
    Server,
    None,
}

impl Kind {
    fn of(text: &str) -> Self {
        match text {
            "autoclient" | "dhtclient" => Self::Client,
            "dhtserver" => Self::Server,
            // Both of these need no DHT of the node's own.
            "none" | "delegated" | "custom" => Self::None,
            _ => Self::Auto,
        }
    }

    /// What the node is in each of the two.
    fn modes(self) -> Option<(Mode, Mode)> {
        match self {
            Self::Auto => Some((Mode::Client, Mode::Server)),
            Self::Client => Some((Mode::Client, Mode::Client)),
            Self::Server => Some((Mode::Server, Mode::Server)),
            Self::None => None,
        }
    }
}

/// What a node asks other nodes for, and tells them; cheap to clone.
#[derive(Clone)]
pub struct Routing {
    kind: Kind,
    dual: Option<Dual>,
    delegated: Arc<Delegated>,
    gossip: Arc<OnceLock<WeakNameGossip>>,
    network: Handle,
}

impl Node {
    /// Takes part in the DHTs as `Routing.Type` says, or `kind` in its place, and publishes names
    /// again from time to time. The network must have been started.
    ///
    /// # Errors
    /// The network has stopped.
    pub async fn start_routing(&self, kind: Option<&str>) -> Result<()> {
        let Some(network) = self.network().cloned() else {
            return Ok(());
        };
        let config = self.require_repo()?.config();
        let text = kind.unwrap_or_else(|| config.routing_type());
        let kind = Kind::of(text);
        let delegated = match text {
            "auto" | "autoclient" | "delegated" => Delegated::of(&config, &self.agent_version()),
            _ => Delegated::default(),
        };
        let loopback = config.flag("Routing.LoopbackAddressesOnLanDHT");
        let mut routing = self.assemble_routing(network.clone(), kind, loopback.unwrap_or(false));
        routing.delegated = Arc::new(delegated);
        if let Some(dual) = &routing.dual {
            network.serve_dht(dual).await?;
            let (dual, node) = (dual.clone(), self.clone());
            tokio::spawn(upkeep::run(dual, node));
        }
        self.names().ask(Arc::new(Names(routing.clone())));
        let _ = self.routing_slot().set(routing);
        let every = config.duration("Ipns.RepublishPeriod");
        let every = every.and_then(basalt_repo::GoDuration::to_std);
        tokio::spawn(self.clone().republish_names(every));
        tokio::spawn(self.clone().follow_reachability());
        Ok(())
    }

    fn assemble_routing(&self, network: Handle, kind: Kind, loopback: bool) -> Routing {
        let host = Arc::new(DhtHost::new(network.clone()));
        let validators = Validators::default()
            .with("pk", PublicKeys)
            .with("ipns", Rules);
        let records = Arc::new(Stored(self.records().clone()));
        let providers = Providers::new(records.clone());
        let providers = match self.announces_every_block() {
            true => {
                let blocks = self.blocks().store().clone();
                providers.with_own(network.local_peer(), Arc::new(OwnBlocks(blocks)))
            }
            false => providers,
        };
        let providers = Arc::new(providers);
        let values = Arc::new(Values::new(records, validators));
        let dht = |scope, mode| {
            let options = Options {
                scope,
                mode,
                loopback,
            };
            Dht::new(options, host.clone(), providers.clone(), values.clone())
        };
        let dual = kind
            .modes()
            .map(|(wan, lan)| Dual::new(dht(Scope::Wan, wan), dht(Scope::Lan, lan)));
        Routing {
            kind,
            dual,
            delegated: Arc::default(),
            gossip: Arc::default(),
            network,
        }
    }

    /// Routing, once it was started.
    pub fn routing(&self) -> Option<&Routing> {
        self.routing_slot().get()
    }
}

impl Routing {
    /// The DHTs, if the node takes part in them.
    pub fn dht(&self) -> Option<&Dual> {
        self.dual.as_ref()
    }

    /// From now on names are exchanged over PubSub too.
    pub(crate) fn follow_names(&self, gossip: &NameGossip) {
        let _ = self.gossip.set(gossip.downgrade());
    }

    fn name_gossip(&self) -> Option<NameGossip> {
        self.gossip.get()?.upgrade()
    }

    /// Whether the node can be reached from the internet: then it serves the DHT there, if that is
    /// left to it.
    ///
    /// # Errors
    /// The network has stopped.
    pub async fn reachable(&self, is: bool) -> Result<()> {
        if let (Kind::Auto, Some(dual)) = (self.kind, &self.dual) {
            let mode = if is { Mode::Server } else { Mode::Client };
            let [wan, _] = dual.both();
            if wan.mode() != mode {
                wan.set_mode(mode);
                self.network.serve_dht(dual).await?;
            }
        }
        Ok(())
    }

    /// Who has what has this multihash: gives each as it is found, until there are `most`, where 0 is
    /// all.
    ///
    /// # Errors
    /// There is nobody to ask.
    pub async fn find_providers(
        &self,
        multihash: &[u8],
        most: usize,
        events: &Events,
        out: mpsc::Sender<PeerInfo>,
    ) -> Result<()> {
        if self.delegated.is_empty() {
            return match &self.dual {
                Some(dual) => Ok(dual.find_providers(multihash, most, events, out).await?),
                None => Ok(()),
            };
        }
        let (found, mut merged) = mpsc::channel::<PeerInfo>(16);
        let for_dht = found.clone();
        let by_dht = async move {
            match &self.dual {
                Some(dual) => dual.find_providers(multihash, most, events, for_dht).await,
                None => Ok(()),
            }
        };
        let by_http = self.delegated.find_providers(multihash, found);
        let give = async {
            let mut given = HashSet::new();
            while let Some(peer) = merged.recv().await {
                // One without addresses may be found again with some.
                if !given.insert((peer.id, peer.addresses.is_empty())) {
                    continue;
                }
                if out.send(peer).await.is_err() || (most > 0 && given.len() >= most) {
                    return;
                }
            }
        };
        let search = async move { tokio::join!(by_dht, by_http).0 };
        tokio::pin!(search);
        tokio::pin!(give);
        tokio::select! {
            // There is enough: dropping the search ends it.
            () = &mut give => Ok(()),
            searched = &mut search => {
                give.await;
                // That the DHT has nobody to ask matters to those who have only it.
                searched.or(Ok(()))
            }
        }
    }

    /// Where a peer is.
    ///
    /// # Errors
    /// It is not found, or there is nobody to ask.
    pub async fn find_peer(&self, peer: PeerId, events: &Events) -> Result<PeerInfo> {
        let by_dht = async {
            let dual = self.dual.as_ref().ok_or(Failed::NotFound)?;
            dual.find_peer(peer, events).await
        };
        let by_http = self.delegated.find_peer(peer);
        tokio::pin!(by_dht);
        tokio::pin!(by_http);
        let found = tokio::select! {
            found = &mut by_dht => match found {
                Ok(found) => Ok(found),
                Err(error) => by_http.await.ok_or(error),
            },
            found = &mut by_http => match found {
                Some(found) => Ok(found),
                None => by_dht.await,
            },
        };
        Ok(found?)
    }

    /// Tells others that the node has what has this multihash; returns how many know it.
    ///
    /// # Errors
    /// There is nobody to tell.
    pub async fn provide(&self, multihash: &[u8], events: &Events) -> Result<usize> {
        let dual = self.dual.as_ref().ok_or(Failed::NotSupported)?;
        Ok(dual.provide(multihash, events).await?)
    }

    /// Gives a value to others.
    ///
    /// # Errors
    /// It is not valid, a better one is known, or there is nobody to give it to.
    pub async fn put_value(&self, key: &[u8], value: &Bytes, events: &Events) -> Result<()> {
        let by_dht = async {
            let dual = self.dual.as_ref().ok_or(Failed::NotSupported)?;
            dual.put_value(key, value, events).await
        };
        let by_http = async {
            match key.strip_prefix(b"/ipns/") {
                Some(name) => self.delegated.publish(name, value).await,
                None => 0,
            }
        };
        let by_gossip = async {
            let name = Name::from_routing_key(key).ok();
            let (Some(gossip), Some(name)) = (self.name_gossip(), name) else {
                return false;
            };
            let given = gossip.publish(name, value.clone()).await;
            given.is_ok()
        };
        let (by_dht, taken, by_gossip) = tokio::join!(by_dht, by_http, by_gossip);
        if taken == 0 && !by_gossip {
            by_dht?;
        }
        Ok(())
    }

    /// The best value of a key.
    ///
    /// # Errors
    /// Nobody has one, or there is nobody to ask.
    pub async fn get_value(&self, key: &[u8], events: &Events) -> Result<Bytes> {
        let dual = self.dual.as_ref().ok_or(Failed::NotFound)?;
        let (out, mut found) = mpsc::channel(8);
        let last = async {
            let mut last = None;
            while let Some(value) = found.recv().await {
                last = Some(value);
            }
            last
        };
        let (ended, last) = tokio::join!(dual.search_value(key, 0, events, out), last);
        match last {
            Some(value) => Ok(value),
            None => Err(ended.err().unwrap_or(Failed::NotFound).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_modes() {
        let modes = |text| Kind::of(text).modes();
        assert_eq!(modes("auto"), Some((Mode::Client, Mode::Server)));
        assert_eq!(modes("dht"), Some((Mode::Client, Mode::Server)));
        assert_eq!(modes("dhtclient"), Some((Mode::Client, Mode::Client)));
        assert_eq!(modes("dhtserver"), Some((Mode::Server, Mode::Server)));
        assert_eq!(modes("none"), None);
    }
}
