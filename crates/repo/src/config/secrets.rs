//! What is never shown: the private key, and the credentials of the RPC and of pinning services.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Config, MAX_CONFIG_SIZE, autoconf};
use crate::{Error, durable, go_json};

const PRIVATE_KEY: &[&str] = &["Identity", "PrivKey"];
const AUTHORIZATIONS: &[&str] = &["API", "Authorizations"];
const SERVICE_KEYS: &[&str] = &["Pinning", "RemoteServices", "*", "API", "Key"];

impl Config {
    /// The file without its secrets, sorted by key: what `ipfs config show` prints. With
    /// `expand_auto`, `auto` placeholders are resolved.
    pub fn show(&self, expand_auto: bool) -> Value {
        let mut shown = self.document.clone();
        if expand_auto {
            autoconf::expand_document(self, &mut shown);
        }
        without_secrets(shown)
    }
}

/// As [`Config::show`], of a file that need not be a config: any JSON object will do, so that one
/// which the node refuses can be looked at.
///
/// # Errors
///
/// [`Error::NoConfig`], [`Error::ConfigTooLarge`], and [`Error::ConfigDecode`] for what is not a
/// JSON object.
pub fn show_file(path: &Path) -> Result<Value, Error> {
    let text = match durable::read_limited(path, MAX_CONFIG_SIZE)? {
        None => return Err(Error::NoConfig),
        Some(Err(size)) => return Err(super::too_large(size)),
        Some(Ok(text)) => text,
    };
    match go_json::parse(&text).map_err(|e| Error::ConfigDecode(e.to_string()))? {
        Value::Object(document) => Ok(without_secrets(document)),
        _ => Err(Error::ConfigDecode("not an object".to_owned())),
    }
}

fn without_secrets(mut shown: Map<String, Value>) -> Value {
    for path in [PRIVATE_KEY, AUTHORIZATIONS, SERVICE_KEYS] {
        scrub(&mut shown, path);
    }
    let mut shown = Value::Object(shown);
    go_json::sort_keys(&mut shown);
    shown
}

/// The config without its private key, sorted: what `config profile apply` reports.
pub(super) fn without_private_key(whole: &Value) -> Value {
    let mut shown = whole.clone();
    if let Value::Object(map) = &mut shown {
        scrub(map, PRIVATE_KEY);
    }
    go_json::sort_keys(&mut shown);
    shown
}

/// Whether the value of the dotted key could contain a pinning service's credentials.
pub(super) fn may_hold_service_key(key: &str) -> bool {
    key.split('.')
        .zip(SERVICE_KEYS)
        .all(|(part, expected)| *expected == "*" || part.eq_ignore_ascii_case(expected))
}

/// Removes what is at `path`; an object there is emptied instead, as in Kubo.
fn scrub(map: &mut Map<String, Value>, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else {
        map.clear();
        return;
    };
    map.retain(|key, value| {
        if *first != "*" && !key.eq_ignore_ascii_case(first) {
            return true;
        }
        match value {
            Value::Object(inner) => {
                scrub(inner, rest);
                true
            }
            _ => false,
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn show_has_no_secrets() {
        let config = Config::from_value(json!({
            "Pinning": {"RemoteServices": {"x": {"API": {"Endpoint": "e", "Key": "s3"}, "Policies": {}}}},
            "API": {"HTTPHeaders": {}, "Authorizations": {"a": {"AuthSecret": "s1"}}},
            "identity": {"privkey": "s2", "PeerID": ""},
        }))
        .unwrap();
        assert_eq!(
            config.show(false),
            json!({
                "API": {"Authorizations": {}, "HTTPHeaders": {}},
                "Pinning": {"RemoteServices": {"x": {"API": {"Endpoint": "e"}, "Policies": {}}}},
                "identity": {"PeerID": ""},
            })
        );
        let text = go_json::to_string(&config.show(true)).unwrap();
        assert!(!text.contains("s1") && !text.contains("s2") && !text.contains("s3"));
    }

    #[test]
    fn keys_that_may_hold_a_service_key() {
        for key in [
            "Pinning",
            "pinning.remoteservices",
            "Pinning.RemoteServices.x.API",
            "Pinning.RemoteServices.x.API.Key.y",
        ] {
            assert!(may_hold_service_key(key), "{key}");
        }
        for key in [
            "Pinnings",
            "Pinning.RemoteServices.x.Policies",
            "Pinning.RemoteServices.x.API.Endpoint",
            "",
        ] {
            assert!(!may_hold_service_key(key), "{key}");
        }
    }
}
