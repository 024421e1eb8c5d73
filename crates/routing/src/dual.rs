//! The DHT of the internet and that of the local network as one.

use std::collections::HashMap;

use bytes::Bytes;
use futures::future::join;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use tokio::sync::mpsc;

use crate::{Dht, Error, Events, Mode, PeerInfo, Result, Scope};

/// Results of one of the two that may wait to be merged.
const WAITING: usize = 16;

/// One of the two, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(Scope),
    /// The internet's if it has peers, else the local network's.
    Active,
}

/// Both DHTs; cheap to clone.
#[derive(Clone)]
pub struct Dual {
    wan: Dht,
    lan: Dht,
}

impl Dual {
    /// Puts both together.
    pub fn new(wan: Dht, lan: Dht) -> Self {
        Self { wan, lan }
    }

    /// One of them.
    pub fn dht(&self, which: Which) -> &Dht {
        match which {
            Which::One(Scope::Wan) => &self.wan,
            Which::One(Scope::Lan) => &self.lan,
            Which::Active if self.wan.size() > 0 => &self.wan,
            Which::Active => &self.lan,
        }
    }

    /// Both, the internet's first.
    pub fn both(&self) -> [&Dht; 2] {
        [&self.wan, &self.lan]
    }

    /// The protocols that are served now.
    pub fn served(&self) -> Vec<&'static str> {
        let serving = self.both().into_iter();
        let serving = serving.filter(|dht| dht.mode() == Mode::Server);
        serving.map(|dht| dht.scope().protocol()).collect()
    }

    /// A peer has said what it speaks; see [`Dht::identified`].
    pub fn identified(
        &self,
        peer: PeerId,
        speaks: &[String],
        addresses: &[Multiaddr],
        connections: &[Multiaddr],
    ) {
        for dht in self.both() {
            dht.identified(peer, speaks, addresses, connections);
        }
    }

    /// There is no connection to the peer any more.
    pub fn disconnected(&self, peer: &PeerId) {
        for dht in self.both() {
            dht.disconnected(peer);
        }
    }

    /// The peers that are nearest to a key.
    ///
    /// # Errors
    /// As [`Dht::closest_peers`].
    pub async fn closest_peers(&self, key: &[u8], events: &Events) -> Result<Vec<PeerId>> {
        self.dht(Which::Active).closest_peers(key, events).await
    }

    /// Where a peer is, by what either knows.
    ///
    /// # Errors
    /// As [`Dht::find_peer`], when neither finds it.
    pub async fn find_peer(&self, peer: PeerId, events: &Events) -> Result<PeerInfo> {
        let found = join(
            self.wan.find_peer(peer, events),
            self.lan.find_peer(peer, events),
        );
        match found.await {
            (Ok(mut wan), Ok(lan)) => {
                for address in lan.addresses {
                    if !wan.addresses.contains(&address) {
                        wan.addresses.push(address);
                    }
                }
                Ok(wan)
            }
            (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
            (Err(wan), Err(lan)) => Err(both_failed(wan, lan)),
        }
    }

    /// Who has something, by what either knows; see [`Dht::find_providers`].
    ///
    /// # Errors
    /// Neither had anybody to ask, and nothing was found.
    pub async fn find_providers(
        &self,
        key: &[u8],
        most: usize,
        events: &Events,
        out: mpsc::Sender<PeerInfo>,
    ) -> Result<()> {
        let (found, mut merged) = mpsc::channel::<PeerInfo>(WAITING);
        let (inner, failed) = events.without_errors();
        let search = async {
            let ended = join(
                self.wan.find_providers(key, most, &inner, found.clone()),
                self.lan.find_providers(key, most, &inner, found),
            );
            let ended = ended.await;
            drop(inner);
            ended
        };
        let merge = async {
            // Whether each was given with addresses.
            let mut given: HashMap<PeerId, bool> = HashMap::new();
            while let Some(peer) = merged.recv().await {
                let located = !peer.addresses.is_empty();
                let again = given.get(&peer.id).map(|had| *had || !located);
                if again == Some(true) || (again.is_none() && most > 0 && given.len() >= most) {
                    continue;
                }
                given.insert(peer.id, located);
                if out.send(peer).await.is_err() {
                    break;
                }
                let all = given.values().filter(|located| **located).count();
                if most > 0 && all >= most {
                    break;
                }
            }
            // Those who search see that nobody listens, and stop.
            drop(merged);
            given.len()
        };
        let (ended, given, failed) = tokio::join!(search, merge, failed);
        if let (0, Some(failed)) = (given, failed) {
            events.tell(|| failed).await;
        }
        match (ended, given) {
            ((Err(wan), Err(lan)), 0) => Err(both_failed(wan, lan)),
            _ => Ok(()),
        }
    }

    /// Tells others that the node has something; see [`Dht::provide`].
    ///
    /// # Errors
    /// As [`Dht::provide`].
    pub async fn provide(&self, key: &[u8], events: &Events) -> Result<usize> {
        self.dht(Which::Active).provide(key, events).await
    }

    /// Gives a value to others; see [`Dht::put_value`].
    ///
    /// # Errors
    /// As [`Dht::put_value`].
    pub async fn put_value(&self, key: &[u8], value: &Bytes, events: &Events) -> Result<()> {
        self.dht(Which::Active).put_value(key, value, events).await
    }

    /// The values of a key, each better than the one before; see [`Dht::search_value`].
    ///
    /// # Errors
    /// Neither had anybody to ask, and nothing was found.
    pub async fn search_value(
        &self,
        key: &[u8],
        quorum: usize,
        events: &Events,
        out: mpsc::Sender<Bytes>,
    ) -> Result<()> {
        let (found, mut merged) = mpsc::channel::<Bytes>(WAITING);
        let search = join(
            self.wan.search_value(key, quorum, events, found.clone()),
            self.lan.search_value(key, quorum, events, found),
        );
        let rules = self.wan.values().validators();
        let merge = async {
            let mut best: Option<Bytes> = None;
            while let Some(value) = merged.recv().await {
                if let Some(best) = &best
                    && (*best == value || !rules.is_better(key, &value, best))
                {
                    continue;
                }
                best = Some(value.clone());
                if out.send(value).await.is_err() {
                    break;
                }
            }
            drop(merged);
            best.is_some()
        };
        match join(search, merge).await {
            ((Err(wan), Err(lan)), false) => Err(both_failed(wan, lan)),
            _ => Ok(()),
        }
    }
}

/// That one has nobody to ask says less than what went wrong in the other.
fn both_failed(wan: Error, lan: Error) -> Error {
    match (wan, lan) {
        (Error::NobodyToAsk, other) | (other, Error::NobodyToAsk) => other,
        (Error::NotFound, Error::NotFound) => Error::NotFound,
        (wan, lan) => Error::Both(Box::new(wan), Box::new(lan)),
    }
}
