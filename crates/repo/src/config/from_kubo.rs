//! The config of an older repository of Kubo's, brought to what Kubo 0.43 makes of it.
//!
//! One step a version, as Kubo's own migrations take them. Where a user has set something other
//! than the old default, it stays.

use serde_json::{Map, Value, json};

use super::{Config, document};
use crate::{Error, layout::REPO_VERSION};

type Document = Map<String, Value>;

/// The lists of addresses.
const ADDRESSES: [&str; 4] = ["Swarm", "Announce", "AppendAnnounce", "NoAnnounce"];
/// The bootstrappers that Kubo came with before it looked them up.
const BOOTSTRAPPERS: [&str; 7] = [
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt",
    "/dnsaddr/va1.bootstrap.libp2p.io/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8",
    "/ip4/104.131.131.82/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
    "/ip4/104.131.131.82/udp/4001/quic-v1/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
];
/// Resolvers that are looked up now.
const RESOLVERS: [&str; 3] = [
    "https://dns.eth.limo/dns-query",
    "https://dns.eth.link/dns-query",
    "https://resolver.cloudflare-eth.com/dns-query",
];
const AUTO: &str = "auto";

impl Config {
    /// The config in `text`, of a repository of Kubo's of that version, as it is to be now.
    ///
    /// # Errors
    ///
    /// As [`Config::parse`].
    pub fn from_kubo(text: &[u8], version: i64) -> Result<Self, Error> {
        super::check_size(text.len() as u64)?;
        let value = crate::go_json::parse_first(text)
            .map_err(|e| Error::ConfigDecode(e.to_string()))?
            .ok_or_else(|| Error::ConfigDecode("EOF".to_owned()))?;
        let Value::Object(mut config) = value else {
            return Self::from_value(value);
        };
        for from in version..i64::from(REPO_VERSION) {
            step(&mut config, from);
        }
        Self::from_value(Value::Object(config))
    }
}

fn step(config: &mut Document, from: i64) {
    match from {
        12 => to_13(config),
        13 => to_14(config),
        14 => to_15(config),
        15 => each_address(config, |address, out| {
            if let Some(head) = address.strip_suffix("/quic-v1") {
                out.push(format!("{head}/webrtc-direct"));
            }
            out.push(address);
        }),
        16 => to_17(config),
        17 => to_18(config),
        _ => {}
    }
}

/// QUIC in its standard version, and defaults that were written down are left to the program.
fn to_13(config: &mut Document) {
    each_address(config, |address, out| {
        let standard = address.replace("/quic/webtransport", "/quic-v1/webtransport");
        let added = quic(&standard);
        out.push(standard.clone());
        for address in [Some(standard), added].into_iter().flatten() {
            let transport = address
                .ends_with("/quic-v1")
                .then(|| format!("{address}/webtransport"));
            out.push(address);
            out.extend(transport);
        }
    });
    let custom =
        |key: &str| matches!(document::get(config, key), Ok(Value::Object(map)) if !map.is_empty());
    let default_routing = ["dht", ""]
        .iter()
        .any(|kind| is(config, "Routing.Type", &json!(kind)));
    if default_routing && !custom("Routing.Routers") && !custom("Routing.Methods") {
        document::remove(config, "Routing.Type");
    }
    remove_defaults(
        config,
        &[
            ("Reprovider.Interval", json!("12h")),
            ("Reprovider.Strategy", json!("all")),
        ],
    );
    remove_defaults(
        config,
        &[
            ("Swarm.ConnMgr.Type", json!("basic")),
            ("Swarm.ConnMgr.LowWater", json!(600)),
            ("Swarm.ConnMgr.HighWater", json!(900)),
            ("Swarm.ConnMgr.GracePeriod", json!("20s")),
        ],
    );
}

fn to_14(config: &mut Document) {
    let old = document::get(config, "Experimental.AcceleratedDHTClient").cloned();
    document::remove(config, "Experimental.AcceleratedDHTClient");
    if document::get(config, "Routing.AcceleratedDHTClient").is_err() {
        let value = old.unwrap_or(json!(false));
        // A section that is no section is found when the config is decoded.
        let _ = document::set(config, "Routing.AcceleratedDHTClient", value);
    }
}

/// The draft of QUIC is gone, and so are headers that the gateway sends by itself.
fn to_15(config: &mut Document) {
    if let Some(Value::Array(bootstrap)) = config.get_mut("Bootstrap") {
        let [.., now] = BOOTSTRAPPERS;
        let before = now.replace("/quic-v1/", "/quic/");
        for address in bootstrap.iter_mut().filter(|a| **a == json!(before)) {
            *address = json!(now);
        }
    }
    each_address(config, |address, out| {
        out.push(quic(&address).unwrap_or(address));
    });
    for (header, value) in [
        ("Access-Control-Allow-Origin", json!(["*"])),
        ("Access-Control-Allow-Methods", json!(["GET"])),
        (
            "Access-Control-Allow-Headers",
            json!(["X-Requested-With", "Range", "User-Agent"]),
        ),
    ] {
        remove_defaults(config, &[(&format!("Gateway.HTTPHeaders.{header}"), value)]);
    }
}

/// What the network can tell is looked up: `auto`.
fn to_17(config: &mut Document) {
    config.entry("AutoConf").or_insert_with(|| json!({}));
    let own: Vec<Value> = match config.get("Bootstrap") {
        Some(Value::Array(peers)) => peers.clone(),
        _ => Vec::new(),
    };
    let before = own.len();
    let mut peers: Vec<Value> = own
        .into_iter()
        .filter(|peer| !peer.as_str().is_some_and(|p| BOOTSTRAPPERS.contains(&p)))
        .collect();
    if before == 0 || peers.len() < before {
        peers.insert(0, json!(AUTO));
    }
    config.insert("Bootstrap".to_owned(), Value::Array(peers));
    let mut resolvers = match document::get(config, "DNS.Resolvers") {
        Ok(Value::Object(resolvers)) => resolvers.clone(),
        _ => Map::new(),
    };
    for resolver in resolvers.values_mut() {
        if resolver.as_str().is_some_and(|r| RESOLVERS.contains(&r)) {
            *resolver = json!(AUTO);
        }
    }
    resolvers.entry(".").or_insert(json!(AUTO));
    let _ = document::set(config, "DNS.Resolvers", Value::Object(resolvers));
    for (key, known) in [
        ("Routing.DelegatedRouters", Some("https://cid.contact")),
        ("Ipns.DelegatedPublishers", None),
    ] {
        let mut list: Vec<Value> = Vec::new();
        if let Ok(Value::Array(old)) = document::get(config, key) {
            for entry in old {
                let entry = if known.is_some() && entry.as_str() == known {
                    json!(AUTO)
                } else {
                    entry.clone()
                };
                if entry != AUTO || !list.contains(&entry) {
                    list.push(entry);
                }
            }
        }
        if list.is_empty() {
            list.push(json!(AUTO));
        }
        let _ = document::set(config, key, Value::Array(list));
    }
}

/// `Provider` and `Reprovider` become `Provide`.
fn to_18(config: &mut Document) {
    let strategy = document::get(config, "Reprovider.Strategy")
        .ok()
        .map(|s| match s {
            Value::String(s) if s != "flat" => json!(s),
            _ => json!("all"),
        });
    let mut provide = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            let _ = document::set(&mut provide, key, value);
        }
    };
    let get = |key: &str| document::get(config, key).ok().cloned();
    put("Enabled", get("Provider.Enabled"));
    put("Strategy", strategy);
    put("DHT.MaxWorkers", get("Provider.WorkerCount"));
    put("DHT.Interval", get("Reprovider.Interval"));
    if !provide.is_empty() {
        config.insert("Provide".to_owned(), Value::Object(provide));
    }
    config.shift_remove("Provider");
    config.shift_remove("Reprovider");
}

/// Rewrites each address of the lists of addresses; what comes twice is there once.
fn each_address(config: &mut Document, mut rewrite: impl FnMut(String, &mut Vec<String>)) {
    let Some(Value::Object(addresses)) = config.get_mut("Addresses") else {
        return;
    };
    for list in ADDRESSES {
        let Some(Value::Array(list)) = addresses.get_mut(list) else {
            continue;
        };
        let mut rewritten: Vec<Value> = Vec::new();
        for entry in list.drain(..) {
            let mut out = Vec::new();
            match entry {
                Value::String(address) => rewrite(address, &mut out),
                other => rewritten.push(other),
            }
            for address in out.into_iter().map(Value::String) {
                if !rewritten.contains(&address) {
                    rewritten.push(address);
                }
            }
        }
        *list = rewritten;
    }
}

/// The address with QUIC's draft replaced by its standard; `None` when there is no draft in it.
fn quic(address: &str) -> Option<String> {
    let parts: Vec<&str> = address.split('/').collect();
    parts.contains(&"quic").then(|| {
        let parts = parts
            .iter()
            .map(|p| if *p == "quic" { "quic-v1" } else { p });
        parts.collect::<Vec<_>>().join("/")
    })
}

fn is(config: &Document, key: &str, value: &Value) -> bool {
    document::get(config, key).is_ok_and(|found| {
        found == value || (value.is_number() && found.as_f64() == value.as_f64())
    })
}

/// Removes keys that have these values, if all of them have.
fn remove_defaults(config: &mut Document, defaults: &[(&str, Value)]) {
    if defaults.iter().all(|(key, value)| is(config, key, value)) {
        for (key, _) in defaults {
            document::remove(config, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrated(config: Value, version: i64) -> Value {
        let config = Config::from_kubo(config.to_string().as_bytes(), version).unwrap();
        Value::Object(config.document().clone())
    }

    #[test]
    fn a_config_of_the_present_version_stays() {
        let text = include_str!("../../testdata/kubo-0.43.0-init.json");
        assert_eq!(
            Config::from_kubo(text.as_bytes(), 18).unwrap().to_text(),
            text
        );
    }

    /// A config of the shape that go-ipfs 0.8 wrote, from the documents of that time.
    #[test]
    fn a_config_of_version_11_goes_all_the_way() {
        let new = migrated(
            json!({
                "Addresses": {
                    "Swarm": ["/ip4/0.0.0.0/tcp/4001", "/ip4/0.0.0.0/udp/4001/quic"],
                    "Announce": [], "NoAnnounce": [],
                },
                "Bootstrap": [BOOTSTRAPPERS[0], "/ip4/104.131.131.82/udp/4001/quic/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ", "/ip4/10.0.0.1/tcp/4001/p2p/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"],
                "Experimental": {"AcceleratedDHTClient": true, "FilestoreEnabled": true},
                "Gateway": {"HTTPHeaders": {"Access-Control-Allow-Methods": ["GET"], "X-Own": ["1"]}},
                "Reprovider": {"Interval": "12h", "Strategy": "all"},
                "Routing": {"Type": "dht"},
                "Swarm": {"ConnMgr": {"Type": "basic", "LowWater": 600, "HighWater": 900, "GracePeriod": "20s"}},
                "Own": {"Key": 1},
            }),
            11,
        );
        assert_eq!(
            new["Addresses"]["Swarm"],
            json!([
                "/ip4/0.0.0.0/tcp/4001",
                "/ip4/0.0.0.0/udp/4001/webrtc-direct",
                "/ip4/0.0.0.0/udp/4001/quic-v1",
                "/ip4/0.0.0.0/udp/4001/quic-v1/webtransport",
            ])
        );
        assert_eq!(
            new["Bootstrap"],
            json!([
                "auto",
                "/ip4/10.0.0.1/tcp/4001/p2p/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
            ])
        );
        assert_eq!(new["Experimental"], json!({"FilestoreEnabled": true}));
        assert_eq!(
            new["Routing"],
            json!({"AcceleratedDHTClient": true, "DelegatedRouters": ["auto"]})
        );
        assert_eq!(new["Gateway"]["HTTPHeaders"], json!({"X-Own": ["1"]}));
        assert_eq!(new["Swarm"]["ConnMgr"], json!({}));
        assert_eq!(new["DNS"]["Resolvers"], json!({".": "auto"}));
        assert_eq!(new["Ipns"]["DelegatedPublishers"], json!(["auto"]));
        assert_eq!(new["Own"], json!({"Key": 1}));
        assert!(new.get("Reprovider").is_none() && new.get("Provide").is_none());
    }

    #[test]
    fn what_users_have_set_stays() {
        let new = migrated(
            json!({
                "Provider": {"Enabled": false, "WorkerCount": 7, "Strategy": "x"},
                "Reprovider": {"Interval": "3h", "Strategy": "flat"},
                "Routing": {"Type": "none", "DelegatedRouters": ["https://a", "https://cid.contact"]},
                "DNS": {"Resolvers": {"eth.": RESOLVERS[0], ".": "https://own"}},
                "Ipns": {"DelegatedPublishers": ["https://p"]},
                "Bootstrap": ["/ip4/10.0.0.1/tcp/1/p2p/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"],
            }),
            12,
        );
        assert_eq!(
            new["Provide"],
            json!({"Enabled": false, "Strategy": "all", "DHT": {"MaxWorkers": 7, "Interval": "3h"}})
        );
        assert_eq!(new["Routing"]["Type"], json!("none"));
        assert_eq!(
            new["Routing"]["DelegatedRouters"],
            json!(["https://a", "auto"])
        );
        assert_eq!(
            new["DNS"]["Resolvers"],
            json!({"eth.": "auto", ".": "https://own"})
        );
        assert_eq!(new["Ipns"]["DelegatedPublishers"], json!(["https://p"]));
        assert_eq!(new["Bootstrap"].as_array().unwrap().len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn any_shape_is_survived(part in 0usize..8, version in 0i64..20) {
            let odd = [json!(null), json!(1), json!([]), json!({}), json!("x"), json!([1]), json!({"Swarm": 1, "ConnMgr": []}), json!({"HTTPHeaders": [], "Resolvers": 2})];
            let odd = &odd[part];
            let config = json!({"Addresses": odd, "Bootstrap": odd, "Routing": odd, "Swarm": odd, "DNS": odd, "Gateway": odd, "Experimental": odd, "Reprovider": odd, "Provider": odd, "Ipns": odd});
            let _ = Config::from_kubo(config.to_string().as_bytes(), version);
        }
    }
}
