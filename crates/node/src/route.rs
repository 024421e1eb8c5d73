//! Who has what, and who is where, as far as other nodes tell.

mod custom;
mod delegated;
mod finder;
mod names;
mod own;
mod records;
mod server;
mod upkeep;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use basalt_ipns::{Name, Rules};
use basalt_network::{DhtHost, Handle, PeerId};
use basalt_routing::{
    Announced, Dht, Dual, Effort, Error as Failed, Events, Mode, Options, PeerInfo, Providers,
    PublicKeys, Scope, Validators, Values, Which,
};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::names::{NameGossip, WeakNameGossip};
use crate::{Error, Node, Result};
use custom::{Announcer, Custom, CustomRouting, Part};
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
            "none" | "delegated" => Self::None,
            _ => Self::Auto,
        }
    }

    /// What the node is in each of the two, the internet's first; `None` if it takes no part at all.
    fn parts(self) -> Option<[Part; 2]> {
        match self {
            Self::Auto => Some([Part::Auto, Part::Server]),
            Self::Client => Some([Part::Client, Part::Client]),
            Self::Server => Some([Part::Server, Part::Server]),
            Self::None => None,
        }
    }
}

/// What announcing has come to in each DHT, the internet's first; `None` in one that nobody could be told in.
pub(crate) type Told = [Option<Announced>; 2];

/// What a node asks other nodes for, and tells them; cheap to clone.
#[derive(Clone)]
pub struct Routing {
    parts: [Part; 2],
    /// The DHTs that the node takes part in.
    served: Option<Dual>,
    /// Whether the whole of the internet's DHT is to be known.
    accelerated: bool,
    custom: Option<CustomRouting>,
    delegated: Arc<Delegated>,
    gossip: Arc<OnceLock<WeakNameGossip>>,
    values: Arc<Values>,
    network: Handle,
}

impl Node {
    /// Takes part in the DHTs as `Routing.Type` says, or `kind` in its place, and publishes names
    /// again from time to time. The network must have been started.
    ///
    /// # Errors
    /// The network has stopped, or the routers of the config cannot be put together.
    pub async fn start_routing(&self, kind: Option<&str>) -> Result<()> {
        let Some(network) = self.network().cloned() else {
            return Ok(());
        };
        let config = self.require_repo()?.config();
        let text = kind.unwrap_or_else(|| config.routing_type());
        let loopback = config.flag("Routing.LoopbackAddressesOnLanDHT") == Some(true);
        let mut routing = match text {
            "custom" => {
                let custom = Custom::of(&config, &self.agent_version());
                let custom = custom.map_err(Error::RoutingSettings)?;
                let parts = Some(custom.parts);
                let mut routing = self.assemble_routing(network.clone(), parts, loopback);
                routing.accelerated = custom.accelerated;
                let announcer = Announcer::new(network.clone(), config.private_key().ok());
                let dual = routing.served.clone();
                routing.custom = dual.map(|dual| CustomRouting::new(custom, dual, announcer));
                routing
            }
            _ => self.assemble_routing(network.clone(), Kind::of(text).parts(), loopback),
        };
        if ["auto", "autoclient", "delegated"].contains(&text) {
            routing.delegated = Arc::new(Delegated::of(&config, &self.agent_version()));
        }
        if text == "delegated" && routing.delegated.is_nobody() {
            let why = "no delegated routers or publishers configured for 'delegated' routing mode";
            return Err(Error::RoutingSettings(why.to_owned()));
        }
        routing.accelerated |= config.flag("Routing.AcceleratedDHTClient") == Some(true);
        if let Some(dual) = &routing.served {
            network.serve_dht(dual).await?;
            let (dual, node) = (dual.clone(), self.clone());
            tokio::spawn(upkeep::run(dual, routing.accelerated, node));
        }
        self.names().ask(Arc::new(Names(routing.clone())));
        let _ = self.routing_slot().set(routing);
        let every = config.duration("Ipns.RepublishPeriod");
        let every = every.and_then(basalt_repo::GoDuration::to_std);
        tokio::spawn(self.clone().republish_names(every));
        tokio::spawn(self.clone().follow_reachability());
        Ok(())
    }

    fn assemble_routing(
        &self,
        network: Handle,
        parts: Option<[Part; 2]>,
        loopback: bool,
    ) -> Routing {
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
        let dht = |scope, part: Part| {
            let options = Options {
                scope,
                mode: part.mode(),
                loopback,
            };
            Dht::new(options, host.clone(), providers.clone(), values.clone())
        };
        Routing {
            parts: parts.unwrap_or_default(),
            served: parts.map(|[wan, lan]| Dual::new(dht(Scope::Wan, wan), dht(Scope::Lan, lan))),
            accelerated: false,
            custom: None,
            delegated: Arc::default(),
            gossip: Arc::default(),
            values,
            network,
        }
    }

    /// Routing, once it was started.
    pub fn routing(&self) -> Option<&Routing> {
        self.routing_slot().get()
    }
}

impl Routing {
    /// The DHTs, if the node takes part in them and the config does not put routing together itself.
    pub fn dht(&self) -> Option<&Dual> {
        self.served.as_ref().filter(|_| self.custom.is_none())
    }

    /// From now on names are exchanged over PubSub too.
    pub(crate) fn follow_names(&self, gossip: &NameGossip) {
        let _ = self.gossip.set(gossip.downgrade());
    }

    fn name_gossip(&self) -> Option<NameGossip> {
        self.gossip.get()?.upgrade()
    }

    /// Whether the whole of the internet's DHT is, or will be, known to the node.
    pub fn is_accelerated(&self) -> bool {
        self.accelerated
    }

    /// Whether the node can be reached from the internet: then it serves the DHTs for which that
    /// matters.
    ///
    /// # Errors
    /// The network has stopped.
    pub async fn reachable(&self, is: bool) -> Result<()> {
        let Some(dual) = &self.served else {
            return Ok(());
        };
        let mode = if is { Mode::Server } else { Mode::Client };
        let mut changed = false;
        for (part, dht) in self.parts.iter().zip(dual.both()) {
            if *part == Part::Auto && dht.mode() != mode {
                dht.set_mode(mode);
                changed = true;
            }
        }
        if changed {
            self.network.serve_dht(dual).await?;
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
        if let (Some(dual), true) = (self.dht(), self.delegated.is_empty()) {
            return Ok(dual.find_providers(multihash, most, events, out).await?);
        }
        let (found, mut merged) = mpsc::channel::<PeerInfo>(16);
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
        let search = async move {
            if let Some(custom) = &self.custom {
                return custom.find_providers(multihash, most, events, found).await;
            }
            let for_dht = found.clone();
            let by_dht = async move {
                match self.dht() {
                    Some(dual) => dual.find_providers(multihash, most, events, for_dht).await,
                    None => Ok(()),
                }
            };
            let by_http = self.delegated.find_providers(multihash, found);
            tokio::join!(by_dht, by_http).0
        };
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
        if let Some(custom) = &self.custom {
            return Ok(custom.find_peer(peer, events).await?);
        }
        let by_dht = async {
            let dual = self.dht().ok_or(Failed::NotFound)?;
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

    /// Whether there may be somebody to tell what the node has.
    pub fn can_provide(&self) -> bool {
        match (&self.custom, &self.served) {
            (Some(custom), _) => custom.can_provide(),
            (None, Some(dual)) => dual.both().iter().any(|dht| dht.size() > 0),
            (None, None) => false,
        }
    }

    /// Whether the node could ever tell anybody what it has.
    pub(crate) fn has_whom_to_tell(&self) -> bool {
        self.custom.is_some() || self.served.is_some()
    }

    /// Tells others that the node has what has this multihash; returns how many know it.
    ///
    /// # Errors
    /// There is nobody to tell.
    pub async fn provide(&self, multihash: &[u8], events: &Events) -> Result<usize> {
        if let Some(custom) = &self.custom {
            let key = Bytes::copy_from_slice(multihash);
            let told = custom.provide_many(vec![key], Effort::default()).await?;
            return Ok(usize::try_from(told.records).unwrap_or(usize::MAX));
        }
        let dual = self.dht().ok_or(Failed::NotSupported)?;
        Ok(dual.provide(multihash, events).await?)
    }

    /// Whether there is somebody to tell in one of the DHTs; where the config puts routing together itself,
    /// there is but one.
    pub(crate) fn can_provide_in(&self, scope: Scope) -> bool {
        match (&self.custom, &self.served) {
            (Some(_), _) => scope == Scope::Wan && self.can_provide(),
            (None, Some(dual)) => dual.dht(Which::One(scope)).size() > 0,
            (None, None) => false,
        }
    }

    /// The DHT in which a single key is announced.
    pub(crate) fn active_scope(&self) -> Scope {
        let dual = self.dht();
        dual.map_or(Scope::Wan, |dual| dual.dht(Which::Active).scope())
    }

    /// Tells others that the node has what has these multihashes: in every DHT that has peers, or as the
    /// config says.
    ///
    /// # Errors
    /// There is nobody to tell in any.
    pub(crate) async fn provide_each(&self, keys: Vec<Bytes>, effort: Effort) -> Result<Told> {
        if let Some(custom) = &self.custom {
            let told = custom.provide_many(keys, effort).await?;
            return Ok([Some(told), None]);
        }
        let dual = self.dht().ok_or(Failed::NotSupported)?;
        let [wan, lan] = dual.both().map(|dht| {
            let keys = keys.clone();
            async move {
                match dht.size() {
                    0 => Err(Failed::NobodyToAsk),
                    _ => dht.provide_many(keys, effort).await,
                }
            }
        });
        match tokio::join!(wan, lan) {
            (Err(wan), Err(Failed::NobodyToAsk)) => Err(wan.into()),
            (Err(_), Err(lan)) => Err(lan.into()),
            (wan, lan) => Ok([wan.ok(), lan.ok()]),
        }
    }

    /// The peers of the internet's DHT that are nearest to a key, and where they are.
    ///
    /// # Errors
    /// [`Failed::NotSupported`] where the node takes no part in it, or there is nobody to ask.
    pub async fn closest_peers(&self, key: &[u8]) -> Result<Vec<PeerInfo>> {
        // Who is in the local network is nobody else's business.
        let wan = self.dht().ok_or(Failed::NotSupported)?;
        let wan = wan.dht(Which::One(Scope::Wan));
        let found = wan.closest_peers(key, &Events::default()).await?;
        Ok(wan.locate(found).await)
    }

    /// Gives a value to others.
    ///
    /// # Errors
    /// It is not valid, a better one is known, or there is nobody to give it to.
    pub async fn put_value(&self, key: &[u8], value: &Bytes, events: &Events) -> Result<()> {
        if let Some(custom) = &self.custom {
            self.values.validators().validate(key, value)?;
            return Ok(custom.put_value(key, value).await?);
        }
        let by_dht = async {
            let dual = self.dht().ok_or(Failed::NotSupported)?;
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

    /// Gives the values of a key as they are found, after `quorum` of a DHT no more, where 0 is all.
    /// Those of servers are not checked.
    ///
    /// # Errors
    /// There is nobody to ask.
    pub async fn search_value(
        &self,
        key: &[u8],
        quorum: usize,
        events: &Events,
        out: mpsc::Sender<Bytes>,
    ) -> Result<(), Failed> {
        if let Some(custom) = &self.custom {
            return custom.search_value(key, quorum, events, out).await;
        }
        let name = key.strip_prefix(b"/ipns/");
        let for_http = out.clone();
        let by_http = async {
            if let Some(name) = name {
                self.delegated.records(name, for_http).await;
            }
        };
        let Some(dual) = self.dht() else {
            by_http.await;
            return Ok(());
        };
        let by_dht = dual.search_value(key, quorum, events, out);
        tokio::join!(by_dht, by_http).0
    }

    /// The best value of a key.
    ///
    /// # Errors
    /// Nobody has one, or there is nobody to ask.
    pub async fn get_value(&self, key: &[u8], events: &Events) -> Result<Bytes> {
        let rules = self.values.validators();
        let (out, mut found) = mpsc::channel::<Bytes>(8);
        let best = async {
            let mut best: Option<Bytes> = None;
            while let Some(value) = found.recv().await {
                let better = |best: &Bytes| rules.is_better(key, &value, best);
                if rules.validate(key, &value).is_ok() && best.as_ref().is_none_or(better) {
                    best = Some(value);
                }
            }
            best
        };
        let (ended, best) = tokio::join!(self.search_value(key, 0, events, out), best);
        match best {
            Some(value) => Ok(value),
            None => Err(ended.err().unwrap_or(Failed::NotFound).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_parts() {
        let parts = |text| Kind::of(text).parts();
        assert_eq!(parts("auto"), Some([Part::Auto, Part::Server]));
        assert_eq!(parts("dht"), Some([Part::Auto, Part::Server]));
        assert_eq!(parts("dhtclient"), Some([Part::Client, Part::Client]));
        assert_eq!(parts("dhtserver"), Some([Part::Server, Part::Server]));
        assert_eq!(parts("none"), None);
        assert_eq!(parts("delegated"), None);
    }
}
