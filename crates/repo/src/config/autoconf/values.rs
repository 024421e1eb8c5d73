//! What a server of `auto` values says.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Paths;
use crate::Error;

/// The form of the document that is understood.
const SCHEMA: i64 = 1;

/// The document that says what `auto` stands for in a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct AutoValues {
    /// Grows with every change.
    #[serde(rename = "AutoConfVersion", default)]
    pub version: i64,
    #[serde(rename = "AutoConfSchema", default)]
    schema: i64,
    /// For how many seconds it is good; 0 or less where it does not say.
    #[serde(rename = "AutoConfTTL", default)]
    pub ttl: i64,
    #[serde(rename = "SystemRegistry", default, deserialize_with = "or_default")]
    systems: BTreeMap<String, System>,
    #[serde(rename = "DNSResolvers", default, deserialize_with = "or_default")]
    resolvers: BTreeMap<String, Option<Vec<String>>>,
    #[serde(
        rename = "DelegatedEndpoints",
        default,
        deserialize_with = "or_default"
    )]
    endpoints: BTreeMap<String, Endpoint>,
}

/// A way to find things, such as a DHT.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct System {
    #[serde(rename = "NativeConfig", default)]
    native: Option<Native>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Native {
    #[serde(rename = "Bootstrap", default, deserialize_with = "or_default")]
    bootstrap: Vec<String>,
}

/// A server that does what systems do for those who ask it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Endpoint {
    #[serde(rename = "Systems", default, deserialize_with = "or_default")]
    systems: Vec<String>,
    #[serde(rename = "Read", default, deserialize_with = "or_default")]
    read: Vec<String>,
    #[serde(rename = "Write", default, deserialize_with = "or_default")]
    write: Vec<String>,
}

/// Go takes `null` for what is empty.
fn or_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

impl AutoValues {
    /// Reads a document, and refuses one that cannot be followed as a whole.
    ///
    /// # Errors
    ///
    /// [`Error::AutoConf`] says what is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let values: Self = serde_json::from_slice(text)
            .map_err(|e| Error::AutoConf(format!("failed to parse JSON: {e}")))?;
        values.check().map_err(Error::AutoConf)?;
        Ok(values)
    }

    fn check(&self) -> Result<(), String> {
        if self.version == 0 {
            return Err("invalid config: missing AutoConfVersion".to_owned());
        }
        match self.schema {
            SCHEMA => {}
            0 => return Err("invalid config: missing AutoConfSchema".to_owned()),
            other => {
                return Err(format!(
                    "unsupported autoconf schema version {other} (this client supports version {SCHEMA}, consider updating)"
                ));
            }
        }
        for (name, system) in &self.systems {
            let peers = system.native.iter().flat_map(|native| &native.bootstrap);
            for (at, peer) in peers.enumerate() {
                let address: Result<multiaddr::Multiaddr, _> = peer.parse();
                address.map_err(|e| {
                    format!("invalid autoconf JSON: SystemRegistry[{name:?}].NativeConfig.Bootstrap[{at}] invalid multiaddr {peer:?}: {e}")
                })?;
            }
        }
        for (domain, urls) in &self.resolvers {
            for (at, url) in urls.iter().flatten().enumerate() {
                check_url(url, &format!("DNSResolvers[{domain:?}][{at}]"))?;
            }
        }
        for (url, endpoint) in &self.endpoints {
            check_url(url, "DelegatedEndpoints")?;
            for path in endpoint.read.iter().chain(&endpoint.write) {
                if !path.starts_with('/') {
                    return Err(format!(
                        "invalid autoconf JSON: DelegatedEndpoints[{url:?}] path {path:?} must start with /"
                    ));
                }
            }
        }
        Ok(())
    }

    /// The first peers of the systems that the node itself takes part in.
    pub(super) fn bootstrap(&self, native: &[&str]) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let systems = native.iter().filter_map(|name| self.systems.get(*name));
        let peers = systems.filter_map(|system| system.native.as_ref());
        let peers = peers.flat_map(|native| &native.bootstrap);
        peers.filter(|peer| seen.insert(*peer)).cloned().collect()
    }

    /// A resolver of each domain, of several the first.
    pub(super) fn resolvers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.resolvers.iter().filter_map(|(domain, urls)| {
            let first = urls.as_ref()?.first()?;
            Some((&**domain, &**first))
        })
    }

    /// URLs of servers that do what no system of the node's own does, with each of these paths
    /// that they know.
    pub(super) fn endpoints(&self, native: &[&str], paths: Paths) -> Vec<String> {
        let mut urls = BTreeSet::new();
        for (url, endpoint) in &self.endpoints {
            let is_native = |system: &String| native.contains(&system.as_str());
            if endpoint.systems.iter().any(is_native) {
                continue;
            }
            let known = endpoint.read.iter().chain(&endpoint.write);
            for path in known.filter(|path| paths.contains(&path.as_str())) {
                urls.insert(format!("{}{path}", url.trim_end_matches('/')));
            }
        }
        urls.into_iter().collect()
    }

    /// The public network's values, as they were when this program was made.
    pub(super) fn embedded() -> Self {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        let amino = System {
            native: Some(Native {
                bootstrap: list(super::BOOTSTRAP),
            }),
        };
        let endpoint = |systems: &[&str], read: &[&str], write: &[&str]| Endpoint {
            systems: list(systems),
            read: list(read),
            write: list(write),
        };
        Self {
            version: 2_025_072_901,
            schema: SCHEMA,
            ttl: 0,
            systems: BTreeMap::from([(super::AMINO.to_owned(), amino)]),
            resolvers: super::RESOLVERS
                .iter()
                .map(|(domain, url)| ((*domain).to_owned(), Some(list(&[*url]))))
                .collect(),
            endpoints: BTreeMap::from([
                (
                    "https://cid.contact".to_owned(),
                    endpoint(&["IPNI"], &[super::PROVIDERS], &[]),
                ),
                (
                    "https://delegated-ipfs.dev".to_owned(),
                    endpoint(&[super::AMINO, "IPNI"], super::ROUTING, &[super::NAMES]),
                ),
            ]),
        }
    }
}

fn check_url(url: &str, place: &str) -> Result<(), String> {
    let wrong = |why: &str| format!("invalid autoconf JSON: {place} URL {url:?} {why}");
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| wrong("must be absolute (missing scheme)"))?;
    if !matches!(scheme, "http" | "https") {
        return Err(wrong(&format!(
            "must use http or https scheme, got {scheme:?}"
        )));
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || url.bytes().any(|b| b.is_ascii_control() || b == b' ') {
        return Err(wrong("must have a host"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(value: &serde_json::Value) -> Result<AutoValues, String> {
        AutoValues::parse(value.to_string().as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_document_is_followed_as_a_whole_or_not_at_all() {
        let good = json!({
            "AutoConfVersion": 7, "AutoConfSchema": 1, "AutoConfTTL": 60, "More": [1],
            "SystemRegistry": {
                "AminoDHT": {"URL": "x", "NativeConfig": {"Bootstrap": ["/ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.4/tcp/1"]}},
                "IPNI": {"NativeConfig": null},
            },
            "DNSResolvers": {"x.": ["https://x/dns", "https://y/dns"], "none.": [], "null.": null},
            "DelegatedEndpoints": {
                "https://a/": {"Systems": ["IPNI"], "Read": ["/routing/v1/providers", "/other"], "Write": null},
                "https://b": {"Systems": ["AminoDHT"], "Read": ["/routing/v1/ipns"], "Write": ["/routing/v1/ipns"]},
            },
        });
        let values = parse(&good).unwrap();
        assert_eq!((values.version, values.ttl), (7, 60));
        assert_eq!(values.bootstrap(&["AminoDHT"]), ["/ip4/1.2.3.4/tcp/1"]);
        assert!(values.bootstrap(&[]).is_empty());
        assert_eq!(
            values.resolvers().collect::<Vec<_>>(),
            [("x.", "https://x/dns")]
        );
        assert_eq!(
            values.endpoints(&["AminoDHT"], super::super::ROUTING),
            ["https://a/routing/v1/providers"]
        );
        assert_eq!(values.endpoints(&[], super::super::ROUTING).len(), 2);

        for (pointer, bad, said) in [
            ("/AutoConfVersion", json!(0), "missing AutoConfVersion"),
            ("/AutoConfSchema", json!(0), "missing AutoConfSchema"),
            ("/AutoConfSchema", json!(2), "schema version 2"),
            ("/AutoConfVersion", json!("x"), "failed to parse JSON"),
            ("/SystemRegistry", json!([]), "failed to parse JSON"),
            (
                "/SystemRegistry/AminoDHT/NativeConfig/Bootstrap/0",
                json!("1.2.3.4"),
                "Bootstrap[0] invalid multiaddr",
            ),
            ("/DNSResolvers/x./0", json!("x/dns"), "missing scheme"),
            ("/DNSResolvers/x./0", json!("ftp://x"), "got \"ftp\""),
            (
                "/DNSResolvers/x./0",
                json!("https:///x"),
                "must have a host",
            ),
            (
                "/DelegatedEndpoints/https:~1~1b/Read/0",
                json!("routing"),
                "must start with /",
            ),
        ] {
            let mut value = good.clone();
            *value.pointer_mut(pointer).unwrap() = bad;
            let error = parse(&value).unwrap_err();
            assert!(error.contains(said), "{pointer}: {error}");
        }
        assert!(AutoValues::parse(b"").is_err());
        assert!(AutoValues::parse(b"[]").is_err());
        AutoValues::embedded().check().unwrap();
    }
}
