//! What `auto` stands for: what the network's server says, as it was last fetched ([`AutoCache`]), and
//! until then the public network's values, which are embedded and are what Kubo falls back to as well.

mod cache;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::Config;

pub use cache::{AutoCache, Validators};
pub use values::AutoValues;

/// Where the values are published.
pub(super) const DEFAULT_URL: &str = "https://conf.ipfs-mainnet.org/autoconf.json";

const AUTO: &str = "auto";
/// The keys that may hold it.
const KEYS: [&str; 4] = [
    "Bootstrap",
    "DNS.Resolvers",
    "Routing.DelegatedRouters",
    "Ipns.DelegatedPublishers",
];

/// The public DHT.
const AMINO: &str = "AminoDHT";

const BOOTSTRAP: &[&str] = &[
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt",
    "/dnsaddr/va1.bootstrap.libp2p.io/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8",
    "/ip4/104.131.131.82/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
    "/ip4/104.131.131.82/udp/4001/quic-v1/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
];

const RESOLVERS: &[(&str, &str)] = &[("eth.", "https://dns.eth.limo/dns-query")];

/// Paths of delegated routing.
type Paths = &'static [&'static str];

const PROVIDERS: &str = "/routing/v1/providers";
const NAMES: &str = "/routing/v1/ipns";
const ROUTING: Paths = &[PROVIDERS, "/routing/v1/peers", NAMES];

/// The repo whose [`AutoCache`] is read. It is no part of what a config says: two configs are equal
/// wherever they are from.
#[derive(Debug, Clone, Default)]
pub(super) struct AutoHome(Option<PathBuf>);

impl PartialEq for AutoHome {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Config {
    /// Resolves `auto` by what the repo in `repo` has fetched.
    pub(crate) fn at_home(mut self, repo: &Path) -> Self {
        self.home = AutoHome(Some(repo.to_owned()));
        self
    }

    /// What `auto` stands for; `None` where that is switched off.
    fn auto_values(&self) -> Option<AutoValues> {
        let settings = self.auto_conf();
        if !settings.enabled {
            return None;
        }
        let repo = self.home.0.as_ref();
        let kept = repo.and_then(|repo| AutoCache::new(repo, &settings.url).values());
        Some(kept.unwrap_or_else(AutoValues::embedded))
    }

    /// Whether the config asks what `auto` stands for.
    pub fn uses_auto(&self) -> bool {
        KEYS.iter().any(|key| {
            self.strings(key).iter().any(|item| item == AUTO)
                || self.string_map(key).values().any(|item| item == AUTO)
        })
    }

    /// The systems that the node itself takes part in.
    fn native(&self) -> &'static [&'static str] {
        if self.has_own_dht() { &[AMINO] } else { &[] }
    }

    /// Whether routing goes through a DHT of the node's own.
    fn has_own_dht(&self) -> bool {
        matches!(
            self.routing_type(),
            "auto" | "autoclient" | "dht" | "dhtclient" | "dhtserver"
        )
    }

    /// `Bootstrap` with `auto` resolved: multiaddrs.
    pub fn bootstrap_resolved(&self) -> Vec<String> {
        let auto = self.auto_values();
        let auto = auto.map(|values| values.bootstrap(self.native()));
        self.replace_auto("Bootstrap", auto)
    }

    /// `Routing.DelegatedRouters` with `auto` resolved: URLs with their paths.
    pub fn delegated_routers_resolved(&self) -> Vec<String> {
        self.endpoints("Routing.DelegatedRouters", ROUTING)
    }

    /// `Ipns.DelegatedPublishers` with `auto` resolved: URLs with their paths.
    pub fn delegated_publishers_resolved(&self) -> Vec<String> {
        self.endpoints("Ipns.DelegatedPublishers", &[NAMES])
    }

    /// `DNS.Resolvers` with `auto` resolved: URLs of DNS over HTTPS by domain. A domain whose
    /// `auto` stands for nothing is absent, and the system's resolver serves it.
    pub fn dns_resolvers_resolved(&self) -> BTreeMap<String, String> {
        let values = self.auto_values();
        let known: Vec<_> = values.iter().flat_map(AutoValues::resolvers).collect();
        let mut out = BTreeMap::new();
        for (domain, resolver) in self.string_map("DNS.Resolvers") {
            if resolver != AUTO {
                out.insert(domain, resolver);
            } else if let Some((_, url)) = known.iter().find(|(d, _)| *d == domain) {
                out.insert(domain, (*url).to_owned());
            }
        }
        if self.at("DNS.Resolvers").is_some() {
            for (domain, url) in known {
                let entry = out.entry(domain.to_owned());
                entry.or_insert_with(|| url.to_owned());
            }
        }
        out
    }

    fn endpoints(&self, key: &str, paths: Paths) -> Vec<String> {
        let values = self.auto_values();
        let enabled = values.is_some();
        let auto = values.map(|values| values.endpoints(self.native(), paths));
        let mut urls = self.replace_auto(key, auto);
        if enabled {
            for url in &mut urls {
                url.truncate(url.trim_end_matches('/').len());
            }
        }
        urls
    }

    /// The list at `key` with its first `auto` replaced and further ones dropped.
    fn replace_auto(&self, key: &str, mut auto: Option<Vec<String>>) -> Vec<String> {
        let mut out = Vec::new();
        for item in self.strings(key) {
            if item == AUTO {
                out.extend(auto.take().into_iter().flatten());
            } else {
                out.push(item);
            }
        }
        out
    }

    /// What the key is with `auto` resolved, for the keys that may hold it.
    pub(super) fn expanded(&self, key: &str) -> Option<Value> {
        match key {
            "Bootstrap" => Some(json!(self.bootstrap_resolved())),
            "DNS.Resolvers" => Some(json!(self.dns_resolvers_resolved())),
            "Routing.DelegatedRouters" => Some(json!(self.delegated_routers_resolved())),
            "Ipns.DelegatedPublishers" => Some(json!(self.delegated_publishers_resolved())),
            _ => None,
        }
    }
}

/// Resolves `auto` in every key of `document` that may hold it.
pub(super) fn expand_document(config: &Config, document: &mut Map<String, Value>) {
    for key in KEYS {
        let slot = match key.split_once('.') {
            None => document.get_mut(key),
            Some((section, name)) => document.get_mut(section).and_then(|s| s.get_mut(name)),
        };
        if let (Some(slot), Some(value)) = (slot, config.expanded(key)) {
            *slot = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(value: Value) -> Config {
        Config::from_value(value).unwrap()
    }

    /// Recorded from `ipfs config KEY --expand-auto` of Kubo 0.43.0.
    #[test]
    fn auto_stands_for_the_public_network() {
        let auto = json!({
            "Bootstrap": ["/ip4/1.2.3.4/tcp/1", "auto", "auto"],
            "DNS": {"Resolvers": {".": "auto", "x.": "https://x/"}},
            "Routing": {"DelegatedRouters": ["https://x/", "auto", "auto"]},
            "Ipns": {"DelegatedPublishers": ["auto"]},
        });
        let c = config(auto.clone());
        assert_eq!(c.bootstrap_resolved().len(), 8);
        assert_eq!(
            c.get_expanded("Routing.DelegatedRouters").unwrap(),
            json!(["https://x", "https://cid.contact/routing/v1/providers"])
        );
        assert_eq!(
            c.get_expanded("Ipns.DelegatedPublishers").unwrap(),
            json!([])
        );
        assert_eq!(
            c.show(true)["DNS"]["Resolvers"],
            json!({"eth.": "https://dns.eth.limo/dns-query", "x.": "https://x/"})
        );
        assert_eq!(
            c.get_expanded("DNS").unwrap()["Resolvers"]["."],
            json!("auto")
        );

        let mut delegated = auto.clone();
        delegated["Routing"]["Type"] = json!("delegated");
        let c = config(delegated);
        assert_eq!(c.bootstrap_resolved(), ["/ip4/1.2.3.4/tcp/1"]);
        assert_eq!(c.delegated_routers_resolved().len(), 5);
        assert_eq!(
            c.delegated_publishers_resolved(),
            ["https://delegated-ipfs.dev/routing/v1/ipns"]
        );

        let mut off = auto;
        off["AutoConf"] = json!({"Enabled": false});
        let c = config(off);
        assert_eq!(c.bootstrap_resolved(), ["/ip4/1.2.3.4/tcp/1"]);
        assert_eq!(c.delegated_routers_resolved(), ["https://x/"]);
        assert_eq!(
            c.get_expanded("DNS.Resolvers").unwrap(),
            json!({"x.": "https://x/"})
        );
    }

    #[test]
    fn what_was_fetched_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let c = config(json!({
            "Bootstrap": ["auto"],
            "DNS": {"Resolvers": {".": "auto", "eth.": "auto"}},
            "Routing": {"DelegatedRouters": ["auto"]},
            "AutoConf": {"URL": "http://127.0.0.1:1/x"},
        }))
        .at_home(dir.path());
        assert!(c.uses_auto());
        assert_eq!(c.bootstrap_resolved().len(), BOOTSTRAP.len());
        let fetched = json!({
            "AutoConfVersion": 1, "AutoConfSchema": 1,
            "SystemRegistry": {"AminoDHT": {"NativeConfig": {"Bootstrap": ["/ip4/9.9.9.9/tcp/1"]}}},
            "DNSResolvers": {".": ["https://dns.example/q"]},
            "DelegatedEndpoints": {"https://r.example": {"Read": ["/routing/v1/providers"]}},
        });
        AutoCache::new(dir.path(), "http://127.0.0.1:1/x")
            .store(fetched.to_string().as_bytes(), &Validators::default())
            .unwrap();
        assert_eq!(c.bootstrap_resolved(), ["/ip4/9.9.9.9/tcp/1"]);
        assert_eq!(
            c.delegated_routers_resolved(),
            ["https://r.example/routing/v1/providers"]
        );
        assert_eq!(
            c.get_expanded("DNS.Resolvers").unwrap(),
            json!({".": "https://dns.example/q"})
        );
        // Those of another server do not matter.
        let mut other = c.document().clone();
        other.remove("AutoConf");
        let other = config(Value::Object(other)).at_home(dir.path());
        assert_eq!(other.bootstrap_resolved().len(), BOOTSTRAP.len());
    }

    #[test]
    fn what_is_not_there_is_not_made_up() {
        let c = config(json!({"DNS": {}}));
        assert_eq!(c.show(true), json!({"DNS": {}}));
        assert!(c.dns_resolvers_resolved().is_empty());
    }
}
