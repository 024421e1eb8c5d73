//! Bitswap as the config says.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use basalt_bitswap::client::Broadcast;
use basalt_bitswap::{Handle, Options, Port, Service};
use basalt_repo::Config;

use crate::Node;
use crate::route::Finder;

impl Node {
    /// Bitswap, once it was started with the network.
    pub fn bitswap(&self) -> Option<&Handle> {
        self.bitswap_slot().get()
    }

    /// Starts Bitswap, until the node is closed, and gives what the network gives connections to;
    /// `None` when the config forbids it.
    pub(crate) fn start_bitswap(&self) -> Option<Port> {
        let config = self.repo()?.config();
        if !config.flag("Bitswap.Libp2pEnabled").unwrap_or(true) {
            return None;
        }
        let mut options = options(&config);
        options.providers = Arc::new(Finder::new(self.clone(), &config));
        let (service, handle, port) = Service::new(self.blocks().store().clone(), options);
        self.start_retrieval(&config, port.clone());
        tokio::spawn(service.run(self.cancelled()));
        self.fetch_through(handle);
        Some(port)
    }
}

/// Values that make no sense are as good as absent: the config's check names them.
fn options(config: &Config) -> Options {
    let flag = |key: &str, default: bool| config.flag(key).unwrap_or(default);
    let internal = |key: &str| config.integer(&format!("Internal.Bitswap.{key}"));
    let size = |key: &str| internal(key).and_then(|n| usize::try_from(n).ok());
    let rule = |key: &str| format!("Internal.Bitswap.BroadcastControl.{key}");

    let mut options = Options::default();
    let engine = &mut options.engine;
    engine.enabled = flag("Bitswap.ServerEnabled", true);
    if let Some(bytes) = size("MaxOutstandingBytesPerPeer") {
        engine.max_outstanding = bytes;
    }
    // Negative means never, as in Kubo.
    if let Some(bytes) = internal("WantHaveReplaceSize") {
        engine.replace_have = usize::try_from(bytes).unwrap_or(0);
    }
    if let Some(visits) = size("EngineBlockstoreWorkerCount").and_then(NonZeroUsize::new) {
        engine.store_visits = visits.get();
    }
    if let Some(delay) = config.duration("Internal.Bitswap.ProviderSearchDelay") {
        options.client.search_delay = delay.to_std().unwrap_or(Duration::ZERO);
    }
    if let Some(most) = size("ProviderSearchMaxResults") {
        // 0 is no limit.
        options.max_providers = if most == 0 { usize::MAX } else { most };
    }
    let number = |key: &str| config.integer(&rule(key));
    let default = Broadcast::default();
    options.client.broadcast = Broadcast {
        enable: flag(&rule("Enable"), default.enable),
        max_peers: number("MaxPeers").and_then(|n| usize::try_from(n).ok()),
        local_peers: flag(&rule("LocalPeers"), default.local_peers),
        peered_peers: flag(&rule("PeeredPeers"), default.peered_peers),
        max_random: number("MaxRandomPeers")
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(default.max_random),
    };
    options
}
