//! What `auto` stands for: the public network's values, embedded. A node that fetches newer ones
//! replaces them; without the network, these are what Kubo falls back to as well.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Config;

/// Where the values are published.
pub(super) const DEFAULT_URL: &str = "https://conf.ipfs-mainnet.org/autoconf.json";

const AUTO: &str = "auto";

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

/// A delegated router's paths, and whether the node's own DHT makes it needless.
const ROUTERS: &[(&str, bool)] = &[
    ("https://cid.contact/routing/v1/providers", false),
    ("https://delegated-ipfs.dev/routing/v1/ipns", true),
    ("https://delegated-ipfs.dev/routing/v1/peers", true),
    ("https://delegated-ipfs.dev/routing/v1/providers", true),
];

const PUBLISHERS: &[(&str, bool)] = &[("https://delegated-ipfs.dev/routing/v1/ipns", true)];

impl Config {
    fn auto_enabled(&self) -> bool {
        self.flag("AutoConf.Enabled").unwrap_or(true)
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
        let auto = if self.has_own_dht() { BOOTSTRAP } else { &[] };
        let auto: Vec<String> = auto.iter().map(|a| (*a).to_owned()).collect();
        self.replace_auto("Bootstrap", &auto)
    }

    /// `Routing.DelegatedRouters` with `auto` resolved: URLs with their paths.
    pub fn delegated_routers_resolved(&self) -> Vec<String> {
        self.endpoints("Routing.DelegatedRouters", ROUTERS)
    }

    /// `Ipns.DelegatedPublishers` with `auto` resolved: URLs with their paths.
    pub fn delegated_publishers_resolved(&self) -> Vec<String> {
        self.endpoints("Ipns.DelegatedPublishers", PUBLISHERS)
    }

    /// `DNS.Resolvers` with `auto` resolved: URLs of DNS over HTTPS by domain. A domain whose
    /// `auto` stands for nothing is absent, and the system's resolver serves it.
    pub fn dns_resolvers_resolved(&self) -> BTreeMap<String, String> {
        let enabled = self.auto_enabled();
        let known = |domain: &str| RESOLVERS.iter().find(|(d, _)| *d == domain);
        let mut out = BTreeMap::new();
        for (domain, resolver) in self.string_map("DNS.Resolvers") {
            if resolver != AUTO {
                out.insert(domain, resolver);
            } else if let Some((_, url)) = known(&domain).filter(|_| enabled) {
                out.insert(domain, (*url).to_owned());
            }
        }
        if enabled && self.at("DNS.Resolvers").is_some() {
            for (domain, url) in RESOLVERS {
                let entry = out.entry((*domain).to_owned());
                entry.or_insert_with(|| (*url).to_owned());
            }
        }
        out
    }

    fn endpoints(&self, key: &str, known: &[(&str, bool)]) -> Vec<String> {
        let auto: Vec<String> = known
            .iter()
            .filter(|(_, served_by_dht)| !(*served_by_dht && self.has_own_dht()))
            .map(|(url, _)| (*url).to_owned())
            .collect();
        let mut urls = self.replace_auto(key, &auto);
        if self.auto_enabled() {
            for url in &mut urls {
                url.truncate(url.trim_end_matches('/').len());
            }
        }
        urls
    }

    /// The list at `key` with its first `auto` replaced and further ones dropped.
    fn replace_auto(&self, key: &str, auto: &[String]) -> Vec<String> {
        let mut auto = Some(auto).filter(|_| self.auto_enabled());
        let mut out = Vec::new();
        for item in self.strings(key) {
            if item == AUTO {
                out.extend(auto.take().into_iter().flatten().cloned());
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
    for key in [
        "Bootstrap",
        "DNS.Resolvers",
        "Routing.DelegatedRouters",
        "Ipns.DelegatedPublishers",
    ] {
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
    fn what_is_not_there_is_not_made_up() {
        let c = config(json!({"DNS": {}}));
        assert_eq!(c.show(true), json!({"DNS": {}}));
        assert!(c.dns_resolvers_resolved().is_empty());
    }
}
