//! Who is asked about domains, as the config says.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use basalt_dns::Resolvers;
use basalt_ipns::{Dns, Texts};
use basalt_network::Multiaddr;
use basalt_repo::{Config, GoDuration};

use crate::Node;

/// `DNS.Resolvers`. A table that cannot be followed breaks what needs the DNS, not the node.
pub(crate) fn resolvers(config: Option<&Config>) -> Arc<dyn Dns> {
    let Some(config) = config else {
        return Arc::new(Resolvers::system());
    };
    match configured(config) {
        Ok(resolvers) => Arc::new(resolvers),
        Err(error) => Arc::new(Broken(format!("DNS.Resolvers: {error}"))),
    }
}

/// What the config says, or what is wrong with it.
pub(crate) fn configured(config: &Config) -> basalt_dns::Result<Resolvers> {
    let longest = config.duration("DNS.MaxCacheTTL");
    let longest = longest.map(|longest| longest.to_std().unwrap_or_default());
    Resolvers::new(&config.dns_resolvers_resolved(), longest)
}

struct Broken(String);

#[async_trait]
impl Dns for Broken {
    async fn texts(&self, _: &str) -> Result<Texts, String> {
        Err(self.0.clone())
    }

    async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, String> {
        Err(self.0.clone())
    }
}

/// `Ipns.MaxCacheTTL`.
pub(crate) fn longest_kept(config: &Config) -> Option<std::time::Duration> {
    let longest = config.duration("Ipns.MaxCacheTTL");
    longest.map(|longest: GoDuration| longest.to_std().unwrap_or_default())
}

impl Node {
    /// The addresses that the first name in an address stands for; the address itself where it has none.
    ///
    /// # Errors
    /// Why the DNS does not say.
    pub async fn resolve_address(&self, address: &Multiaddr) -> Result<Vec<Multiaddr>, String> {
        basalt_network::resolve(&**self.dns(), address).await
    }
}
