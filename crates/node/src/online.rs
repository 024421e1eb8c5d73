//! The node among its peers, as its config says.

mod backup;
mod certificate;
mod find;
mod forward;
mod limits;
mod peers;
mod reach;
mod transports;

use basalt_network::{Handle, Keypair, Multiaddr, Options, parse_address};
use basalt_repo::Config;
use basalt_repo::config::StartOptions;

use crate::{Error, Node, Result};

impl Node {
    /// The network, once it was started.
    pub fn network(&self) -> Option<&Handle> {
        self.network_slot().get()
    }

    /// Listens and connects as the config says, until the node is closed.
    ///
    /// # Errors
    /// The config cannot be followed, or no listener of it works.
    pub async fn start_network(&self, start: &StartOptions) -> Result<&Handle> {
        if let Some(running) = self.network() {
            return Ok(running);
        }
        let mut options = self.network_options()?;
        let config = self.require_repo()?.config();
        peers::check_listeners(&config, &options.listen, &options.filters);
        options.backup = self.backup_peers().await?;
        options.dns = Some(self.dns().clone());
        options.bitswap = self.start_bitswap();
        options.pubsub = self.pubsub_options(start.pubsub)?;
        let handle = basalt_network::start(options).await?;
        for missing in handle.unsupported() {
            let (address, protocol) = (&missing.address, missing.protocol);
            tracing::error!(target: "basalt::network", "not listening on {address}: {protocol} is not spoken by this node");
        }
        self.keep_backup_peers(handle.clone(), &config);
        let handle = self.network_slot().get_or_init(|| handle);
        if config.flag("Swarm.DisableNatPortMap") != Some(true) {
            self.start_forwarding();
        }
        Ok(handle)
    }

    fn network_options(&self) -> Result<Options> {
        let config = self.require_repo()?.config();
        let key = config.private_key()?;
        let pair = Keypair::from_protobuf_encoding(key.encoded())
            .map_err(|e| basalt_network::Error::Key(e.to_string()))?;
        let mut options = Options::new(pair, self.agent_version());
        options.listen = addresses(&config, "Addresses.Swarm")?;
        options.announce = addresses(&config, "Addresses.Announce")?;
        options.append_announce = addresses(&config, "Addresses.AppendAnnounce")?;
        options.no_announce = addresses(&config, "Addresses.NoAnnounce")?;
        options.filters = peers::filters(&config)?;
        options.peering = peers::peering(&config)?;
        options.bootstrap = peers::bootstrap(&config)?;
        options.marks = limits::marks(&config)?;
        options.limits = limits::limits(self.require_repo()?)?;
        options.network_key = transports::network_key(self.require_repo()?)?;
        options.transports = transports::transports(&config, options.network_key.is_some())?;
        options.certificate = certificate::own(self.require_repo()?)?;
        options.trusted = certificate::trusted();
        options.local_discovery = config.flag("Discovery.MDNS.Enabled") == Some(true);
        reach::apply(&config, &mut options)?;
        Ok(options)
    }
}

/// The multiaddrs at a key.
fn addresses(config: &Config, key: &'static str) -> Result<Vec<Multiaddr>> {
    let texts = config.strings(key);
    let parsed = texts.iter().map(|text| {
        parse_address(text).map_err(|e| Error::NetworkSetting {
            key,
            reason: e.to_string(),
        })
    });
    parsed.collect()
}
