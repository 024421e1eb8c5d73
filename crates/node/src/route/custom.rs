//! `Routing.Type=custom`: routers that the config puts together, and which of them does what.

mod announce;
mod config;
mod router;

use std::sync::Arc;

use basalt_routing::{Announced, Dual, Effort, Error as Failed, Events, Mode, PeerInfo};
use bytes::Bytes;
use tokio::sync::mpsc;

pub(super) use announce::Announcer;
use basalt_network::PeerId;
use router::{On, Router};

/// What a DHT is for the routers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing asks it.
    #[default]
    None,
    /// It is asked.
    Client,
    /// It is asked, and served while others can reach the node.
    Auto,
    /// It is asked and served.
    Server,
}

impl Part {
    fn join(&mut self, other: Self) {
        let rank = |part| match part {
            Self::None => 0,
            Self::Client => 1,
            Self::Auto => 2,
            Self::Server => 3,
        };
        if rank(other) > rank(*self) {
            *self = other;
        }
    }

    /// What the node is in it at first.
    pub(super) fn mode(self) -> Mode {
        match self {
            Self::None => Mode::Off,
            Self::Client | Self::Auto => Mode::Client,
            Self::Server => Mode::Server,
        }
    }
}

/// The routers for each kind of work.
#[derive(Debug, Clone)]
pub(super) struct Custom {
    provide: Arc<Router>,
    find_peers: Arc<Router>,
    find_providers: Arc<Router>,
    get_names: Arc<Router>,
    put_names: Arc<Router>,
    /// What the two DHTs are, the internet's first.
    pub(super) parts: [Part; 2],
    /// Whether the whole of the internet's DHT is to be known.
    pub(super) accelerated: bool,
}

/// The routers at work.
#[derive(Clone)]
pub(super) struct CustomRouting {
    routers: Arc<Custom>,
    dual: Dual,
    announcer: Arc<Announcer>,
}

impl CustomRouting {
    pub(super) fn new(routers: Custom, dual: Dual, announcer: Announcer) -> Self {
        Self {
            routers: Arc::new(routers),
            dual,
            announcer: Arc::new(announcer),
        }
    }

    fn on(&self) -> On<'_> {
        On {
            dual: &self.dual,
            announcer: &self.announcer,
        }
    }

    /// Whether there may be somebody to tell what the node has.
    pub(super) fn can_provide(&self) -> bool {
        self.routers.provide.is_ready(&self.dual)
    }

    pub(super) async fn find_providers(
        &self,
        key: &[u8],
        most: usize,
        events: &Events,
        out: mpsc::Sender<PeerInfo>,
    ) -> Result<(), Failed> {
        let router = &self.routers.find_providers;
        router
            .find_providers(self.on(), key, most, events, out)
            .await
    }

    pub(super) async fn find_peer(
        &self,
        peer: PeerId,
        events: &Events,
    ) -> Result<PeerInfo, Failed> {
        let router = &self.routers.find_peers;
        router.find_peer(self.on(), peer, events).await
    }

    pub(super) async fn provide_many(
        &self,
        keys: Vec<Bytes>,
        effort: Effort,
    ) -> Result<Announced, Failed> {
        let router = &self.routers.provide;
        router.provide(self.on(), keys.into(), effort).await
    }

    pub(super) async fn put_value(&self, key: &[u8], value: &Bytes) -> Result<(), Failed> {
        let router = &self.routers.put_names;
        router.put_value(self.on(), key, value).await
    }

    pub(super) async fn search_value(
        &self,
        key: &[u8],
        quorum: usize,
        events: &Events,
        out: mpsc::Sender<Bytes>,
    ) -> Result<(), Failed> {
        let router = &self.routers.get_names;
        router
            .search_value(self.on(), key, quorum, events, out)
            .await
    }
}
