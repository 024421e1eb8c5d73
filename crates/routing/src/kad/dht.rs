use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use tokio::time::timeout;

use super::message::{Kind, Message};
use super::table::Table;
use super::whole::Known;
use super::{Bucket, Key, Providers, Values};
use crate::scope::ip_of;
use crate::{Error, Host, PeerInfo, Result, Scope, is_public};

/// How long a peer may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// What a node does in a DHT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It asks.
    Client,
    /// It asks and answers.
    Server,
    /// It takes no part.
    Off,
}

/// How a node takes part in a DHT.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// In which.
    pub scope: Scope,
    /// As what, at first.
    pub mode: Mode,
    /// Whether addresses of the machine itself are told and believed in the local network's.
    pub loopback: bool,
}

/// A DHT that the node takes part in; cheap to clone.
#[derive(Clone)]
pub struct Dht(Arc<Inner>);

struct Inner {
    options: Options,
    server: AtomicBool,
    host: Arc<dyn Host>,
    table: Mutex<Table>,
    known: Known,
    providers: Arc<Providers>,
    values: Arc<Values>,
}

impl Dht {
    /// Takes part in a DHT. What others tell is kept in `providers` and `values`.
    pub fn new(
        options: Options,
        host: Arc<dyn Host>,
        providers: Arc<Providers>,
        values: Arc<Values>,
    ) -> Self {
        let table = Table::new(&host.local_peer(), options.scope == Scope::Wan);
        Self(Arc::new(Inner {
            options,
            server: AtomicBool::new(options.mode == Mode::Server),
            host,
            table: Mutex::new(table),
            known: Known::default(),
            providers,
            values,
        }))
    }

    /// Which DHT it is.
    pub fn scope(&self) -> Scope {
        self.0.options.scope
    }

    /// Whether the node answers questions.
    pub fn mode(&self) -> Mode {
        match self.0.server.load(Ordering::Relaxed) {
            _ if self.0.options.mode == Mode::Off => Mode::Off,
            true => Mode::Server,
            false => Mode::Client,
        }
    }

    /// Begins or ends answering questions.
    pub fn set_mode(&self, mode: Mode) {
        self.0.server.store(mode == Mode::Server, Ordering::Relaxed);
    }

    /// A peer has said what it speaks. It is at these addresses, and the other ends of its connections
    /// are there. Does not block.
    pub fn identified(
        &self,
        peer: PeerId,
        speaks: &[String],
        addresses: &[Multiaddr],
        connections: &[Multiaddr],
    ) {
        if self.mode() == Mode::Off {
            return;
        }
        let serves = speaks.iter().any(|name| name == self.scope().protocol());
        let mut table = self.table();
        if !serves {
            table.remove(&peer);
        } else if self.scope().admits(addresses, connections) {
            let mut public = addresses.iter().filter(|a| is_public(a));
            table.add(peer, public.find_map(ip_of));
        }
    }

    /// There is no connection to the peer any more. Does not block.
    pub fn disconnected(&self, peer: &PeerId) {
        self.table().disconnected(peer);
    }

    /// How many peers the table has.
    pub fn size(&self) -> usize {
        self.table().len()
    }

    /// The table, bucket by bucket; the place of a bucket is how many first bits its peers share with
    /// the node.
    pub fn buckets(&self) -> Vec<Bucket> {
        self.table().buckets().to_vec()
    }

    /// The peers of the table that are nearest to a key.
    pub fn nearest(&self, key: &Key, most: usize) -> Vec<PeerId> {
        self.table().nearest(key, most)
    }

    /// The records of who has what.
    pub fn providers(&self) -> &Providers {
        &self.0.providers
    }

    /// The values that are kept.
    pub fn values(&self) -> &Values {
        &self.0.values
    }

    pub(super) fn host(&self) -> &dyn Host {
        &*self.0.host
    }

    pub(super) fn known(&self) -> &Known {
        &self.0.known
    }

    /// Held for a moment, never across an await.
    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an address is told and remembered.
    pub(super) fn keeps(&self, address: &Multiaddr) -> bool {
        self.scope().keeps(address, self.0.options.loopback)
    }

    /// The node itself as this DHT may know it.
    pub(super) async fn own(&self) -> PeerInfo {
        let mut addresses = self.host().own_addresses().await;
        addresses.retain(|address| self.keeps(address));
        PeerInfo::new(self.host().local_peer(), addresses)
    }

    /// Asks a connected peer.
    pub(super) async fn ask(&self, peer: PeerId, message: &Message) -> Result<Message> {
        let bytes = message.encode().into();
        let asked = self.host().ask(peer, self.scope().protocol(), bytes);
        let answer = timeout(ANSWER, asked).await.map_err(|_| Error::Timeout)??;
        let answer = Message::decode(&answer)?;
        match answer.kind == message.kind {
            true => Ok(answer),
            false => Err(Error::Malformed("an answer to another question")),
        }
    }

    /// Tells a peer that the node has something, connecting to it first.
    ///
    /// # Errors
    /// [`Error::NoAddresses`], or the peer cannot be reached.
    pub async fn announce_to(&self, peer: PeerId, key: &[u8]) -> Result<()> {
        let own = self.own().await;
        if own.addresses.is_empty() {
            return Err(Error::NoAddresses);
        }
        self.reach(peer, &crate::Events::default()).await?;
        let message = Message::add_provider(key, own).encode().into();
        let messages = Box::new(std::iter::once(message));
        let told = self.host().tell(peer, self.scope().protocol(), messages);
        timeout(ANSWER, told).await.map_err(|_| Error::Timeout)?
    }

    /// Asks whether a peer is there.
    ///
    /// # Errors
    /// It is not, or does not answer.
    pub async fn ping(&self, peer: PeerId) -> Result<()> {
        self.reach(peer, &crate::Events::default()).await?;
        let ping = Message::new(Kind::Ping, Vec::new());
        self.ask(peer, &ping).await.map(drop)
    }
}
