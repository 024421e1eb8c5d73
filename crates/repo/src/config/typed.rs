//! The settings that the node reads, with Kubo's defaults.

mod sections;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;

use super::Config;
use crate::{Error, GoDuration, parse_byte_size};

pub use sections::{
    Addresses, AutoConf, Datastore, GatewaySettings, HamtEstimation, Import, Pubsub,
    RemotePinningService, RpcAuthorization,
};

/// Any key by its dotted name. A value of another type than asked for is as absent as `null`:
/// [`Config`] was decoded against the schema, so that happens only to those who ask wrongly.
impl Config {
    /// The decoded value at a dotted key; `None` for an absent one and for `null`.
    pub fn at(&self, key: &str) -> Option<&Value> {
        let mut value = self.whole();
        for part in key.split('.') {
            value = value.get(part)?;
        }
        (!value.is_null()).then_some(value)
    }

    /// A `bool` or a flag; `None` for the default.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.at(key)?.as_bool()
    }

    /// An integer; `None` for the default.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.at(key)?.as_i64()
    }

    /// A string; `None` for the default.
    pub fn string(&self, key: &str) -> Option<&str> {
        self.at(key)?.as_str()
    }

    /// A duration; `None` for the default.
    pub fn duration(&self, key: &str) -> Option<GoDuration> {
        self.string(key)?.parse().ok()
    }

    /// A byte size; `None` for the default.
    pub fn bytes(&self, key: &str) -> Option<u64> {
        parse_byte_size(self.string(key)?).ok()
    }

    /// A list of strings, or the one string; empty for the default.
    pub fn strings(&self, key: &str) -> Vec<String> {
        match self.at(key) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(items)) => items
                .iter()
                .filter_map(|i| i.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// An object of lists of strings, such as HTTP headers.
    pub fn headers(&self, key: &str) -> BTreeMap<String, Vec<String>> {
        let object = self.at(key).and_then(Value::as_object);
        let list = |v: &Value| {
            let items = v.as_array().map(Vec::as_slice).unwrap_or_default();
            let texts = items.iter().filter_map(|i| i.as_str().map(str::to_owned));
            texts.collect()
        };
        object
            .into_iter()
            .flatten()
            .map(|(k, v)| (k.clone(), list(v)))
            .collect()
    }

    /// An object of strings.
    pub fn string_map(&self, key: &str) -> BTreeMap<String, String> {
        let object = self.at(key).and_then(Value::as_object);
        object
            .into_iter()
            .flatten()
            .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
            .collect()
    }

    /// The setting at `key` parsed, where it is a string and not empty.
    fn parsed<T: FromStr>(&self, key: &str, wanted: &str) -> Result<Option<T>, Error>
    where
        T::Err: std::fmt::Display,
    {
        match self.string(key) {
            None | Some("") => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|e| Error::Setting(format!("{key} must be {wanted}: {e}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyAlgorithm, PrivateKey};
    use serde_json::json;

    fn with(sets: &[(&str, Value)]) -> Config {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519, None).unwrap();
        let mut config = super::super::fresh(&key);
        for (key, value) in sets {
            config.set(key, value.clone()).unwrap();
        }
        config
    }

    #[test]
    fn defaults_are_kubo_s() {
        let config = with(&[]);
        let store = config.datastore().unwrap();
        assert_eq!(store.storage_max, 10_000_000_000);
        assert_eq!(store.gc_watermark, 90);
        assert_eq!(store.gc_period, std::time::Duration::from_secs(3600));
        assert_eq!(store.gc_threshold(), 9_000_000_000);
        assert!(!store.hash_on_read && store.write_through);
        assert_eq!(config.addresses().api, ["/ip4/127.0.0.1/tcp/5001"]);
        assert_eq!(config.addresses().swarm.len(), 8);
        let import = config.import();
        assert_eq!(import.cid_version, None);
        assert_eq!(import.chunker_or_default(), "size-262144");
        assert_eq!(import.file_max_links_or_default(), 174);
        assert_eq!(import.hamt_threshold_or_default(), 262_144);
        assert_eq!(import.hamt_estimation, HamtEstimation::Links);
        assert!(import.fast_provide_root && !import.fast_provide_wait);
        assert_eq!(config.routing_type(), "auto");
        assert_eq!(config.bootstrap(), ["auto"]);
        let shutdown = config.shutdown_timeout();
        assert_eq!(shutdown, Some(std::time::Duration::from_secs(12 * 3600)));
        assert_eq!(config.gateway().max_concurrent_requests, 4096);
    }

    #[test]
    fn what_is_set_is_read() {
        let config = with(&[
            ("Datastore.StorageMax", json!("2GiB")),
            ("Datastore.GCPeriod", json!("90s")),
            ("Datastore.StorageGCWatermark", json!(50)),
            ("Internal.ShutdownTimeout", json!("0s")),
            (
                "Addresses.API",
                json!(["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"]),
            ),
            (
                "API.Authorizations",
                json!({"u": {"AuthSecret": "basic:a:b", "AllowedPaths": ["/api/v0"]}}),
            ),
            (
                "API.HTTPHeaders",
                json!({"Access-Control-Allow-Origin": ["*"]}),
            ),
            ("Import.CidVersion", json!(1)),
            ("Version.AgentSuffix", json!("x")),
        ]);
        let store = config.datastore().unwrap();
        assert_eq!(store.gc_threshold(), 1 << 30);
        assert_eq!(store.gc_period, std::time::Duration::from_secs(90));
        assert_eq!(config.shutdown_timeout(), None);
        assert_eq!(config.addresses().api.len(), 2);
        let users = config.rpc_authorizations();
        assert_eq!(users["u"].secret, "basic:a:b");
        assert_eq!(users["u"].allowed_paths, ["/api/v0"]);
        assert_eq!(
            config.headers("API.HTTPHeaders")["Access-Control-Allow-Origin"],
            ["*"]
        );
        assert_eq!(config.import().cid_version, Some(1));
        assert_eq!(config.string("Version.AgentSuffix"), Some("x"));
    }

    #[test]
    fn what_cannot_be_parsed_names_its_key() {
        let error = |key, value| with(&[(key, value)]).datastore().unwrap_err().to_string();
        let text = error("Datastore.StorageMax", json!("lots"));
        assert!(
            text.starts_with("Datastore.StorageMax must be a byte size such as 10GB: "),
            "{text}"
        );
        let text = error("Datastore.GCPeriod", json!("5"));
        assert_eq!(
            text,
            "Datastore.GCPeriod must be a positive duration such as 1h: time: missing unit in duration \"5\""
        );
        let text = error("Datastore.StorageGCWatermark", json!(101));
        assert_eq!(
            text,
            "Datastore.StorageGCWatermark must be between 1 and 100, got 101"
        );
    }
}
