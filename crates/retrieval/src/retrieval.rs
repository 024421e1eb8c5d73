use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basalt_bitswap::{PeerId, PeerTraits, Port};
use futures::future::join_all;
use multiaddr::Multiaddr;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::provider::Provider;
use crate::site::{Shared, Site};
use crate::{Options, Report, Server};

/// Peers that are asked over HTTP at a time.
const PEERS: usize = 128;
/// Servers that are remembered.
const SITES: usize = 512;
/// Servers of one peer that are tried.
const SITES_OF_PEER: usize = 10;

/// Why a peer is not asked over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// None of its addresses is that of a server that may be asked.
    #[error("no HTTP server of the peer may be asked")]
    NoServer,
    /// None of its servers answers as a gateway.
    #[error("no HTTP server of the peer is a gateway: {0}")]
    NoGateway(String),
    /// As many are asked as may be.
    #[error("too many peers are asked over HTTP")]
    TooMany,
}

/// Blocks over HTTP; cheap to clone.
#[derive(Clone)]
pub struct Retrieval(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    port: Port,
    cancel: CancellationToken,
    peers: Mutex<HashMap<PeerId, Peer>>,
    sites: Mutex<BTreeMap<Server, Arc<Site>>>,
}

/// How far a peer has come.
enum Peer {
    /// Its servers are being probed; told when that is over.
    Probed(watch::Receiver<()>),
    /// Asked.
    Open(Arc<[Arc<Site>]>),
}

/// What one who wants a peer connected has to do.
enum Turn {
    /// Nothing.
    Open,
    /// Give up.
    Full,
    /// Probe its servers.
    First(Place),
    /// Wait for another who does.
    Later(watch::Receiver<()>),
}

impl Retrieval {
    /// Peers of Bitswap, which is behind `port`, may be servers from now on, until `cancel`.
    pub fn new(options: Options, port: Port, cancel: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            shared: Arc::new(Shared::new(options)),
            port,
            cancel,
            peers: Mutex::default(),
            sites: Mutex::default(),
        }))
    }

    /// Makes a peer one that Bitswap asks over HTTP, if any of its addresses is that of a gateway.
    ///
    /// # Errors
    /// Why it is not asked.
    pub async fn connect(&self, peer: PeerId, addresses: &[Multiaddr]) -> Result<(), Error> {
        let servers = self.0.servers(addresses);
        if servers.is_empty() {
            return Err(Error::NoServer);
        }
        loop {
            match self.turn(peer) {
                Turn::Open => return Ok(()),
                Turn::Full => return Err(Error::TooMany),
                Turn::First(place) => return self.probe(place, servers).await,
                // Over when its sender is gone.
                Turn::Later(mut over) => while over.changed().await.is_ok() {},
            }
        }
    }

    fn turn(&self, peer: PeerId) -> Turn {
        let mut peers = self.0.peers();
        match peers.get(&peer) {
            Some(Peer::Open(_)) => Turn::Open,
            Some(Peer::Probed(over)) => Turn::Later(over.clone()),
            None if peers.len() >= PEERS => Turn::Full,
            None => {
                let (over, waiting) = watch::channel(());
                peers.insert(peer, Peer::Probed(waiting));
                Turn::First(Place {
                    inner: self.0.clone(),
                    peer,
                    over: Some(over),
                })
            }
        }
    }

    async fn probe(&self, mut place: Place, servers: Vec<Server>) -> Result<(), Error> {
        let sites: Vec<Arc<Site>> = servers.iter().map(|s| self.0.site(s)).collect();
        let probes = sites.iter().map(|site| site.probe(&self.0.shared));
        let probed = join_all(probes).await;
        let (mut good, mut heads, mut reasons) = (Vec::new(), true, Vec::new());
        for (site, outcome) in sites.into_iter().zip(probed) {
            match outcome {
                Ok(head) => {
                    heads &= head;
                    good.push(site);
                }
                Err(reason) => reasons.push(format!("{}: {reason}", site.server())),
            }
        }
        if good.is_empty() {
            return Err(Error::NoGateway(reasons.join("; ")));
        }
        let link = self.0.port.connected(place.peer, PeerTraits::default());
        let provider = Provider::new(good, heads, link, self.0.shared.clone());
        let open = Peer::Open(provider.sites.clone());
        self.0.peers().insert(place.peer, open);
        place.over = None;
        let cancel = self.0.cancel.clone();
        tokio::spawn(async move {
            provider.run(cancel).await;
            drop(place);
        });
        Ok(())
    }

    /// What was asked of whom, and what came of it.
    pub fn report(&self) -> Report {
        let mut peers: HashMap<Server, Vec<String>> = HashMap::new();
        for (id, peer) in self.0.peers().iter() {
            if let Peer::Open(sites) = peer {
                for site in sites.iter() {
                    let of = peers.entry(site.server().clone()).or_default();
                    of.push(id.to_string());
                }
            }
        }
        let sites = self.0.sites();
        let servers = sites.iter().map(|(server, site)| {
            let mut peers = peers.remove(server).unwrap_or_default();
            peers.sort_unstable();
            site.report(peers)
        });
        Report {
            servers: servers.collect(),
            totals: self.0.shared.totals().clone(),
        }
    }
}

impl Inner {
    fn peers(&self) -> MutexGuard<'_, HashMap<PeerId, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sites(&self) -> MutexGuard<'_, BTreeMap<Server, Arc<Site>>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The servers among addresses that may be asked.
    fn servers(&self, addresses: &[Multiaddr]) -> Vec<Server> {
        let hosts = &self.shared.options.hosts;
        let mut servers: Vec<Server> = addresses.iter().filter_map(Server::of).collect();
        servers.retain(|server| hosts.admits(server.host()));
        servers.sort_unstable();
        servers.dedup();
        servers.truncate(SITES_OF_PEER);
        servers
    }

    /// The server, as it has behaved so far.
    fn site(&self, server: &Server) -> Arc<Site> {
        let mut sites = self.sites();
        if sites.len() >= SITES && !sites.contains_key(server) {
            // Those that nobody asks and that are not left alone need not be remembered.
            sites.retain(|_, site| Arc::strong_count(site) > 1 || site.resting().is_some());
            if sites.len() >= SITES {
                sites.pop_first();
            }
        }
        let new = || Arc::new(Site::new(server.clone(), &self.shared.options));
        sites.entry(server.clone()).or_insert_with(new).clone()
    }
}

/// The place of a peer among those that are asked; free when it is dropped.
struct Place {
    inner: Arc<Inner>,
    peer: PeerId,
    /// Those who wait for the probes are told after the place is free.
    over: Option<watch::Sender<()>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.peers().remove(&self.peer);
    }
}
