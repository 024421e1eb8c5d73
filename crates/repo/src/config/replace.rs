//! `ipfs config replace`.

use serde_json::{Map, Value};

use super::{Config, check_size, document};
use crate::{Error, go_json};

impl Config {
    /// The config after `ipfs config replace` with a file of this text. Keys that the file lacks
    /// take their defaults, keys that Kubo does not know stay as they are, and so do the identity
    /// and the credentials of pinning services.
    ///
    /// # Errors
    ///
    /// When the text is not a config, or tries to change what cannot be changed this way.
    pub fn replaced(&self, text: &[u8]) -> Result<Config, Error> {
        check_size(text.len() as u64)?;
        let value = match go_json::parse_first(text) {
            Ok(Some(value)) => value,
            _ => return Err(Error::ReplaceDecode),
        };
        let new = Config::from_value(value).map_err(|_| Error::ReplaceDecode)?;
        if new
            .string("Identity.PrivKey")
            .is_some_and(|k| !k.is_empty())
        {
            return Err(Error::ReplacePrivateKey);
        }
        let own = self.private_key()?;
        let Value::Object(mut over) = new.whole.clone() else {
            return Err(Error::ReplaceDecode);
        };
        document::set(&mut over, "Identity.PrivKey", own.to_base64().into())?;
        document::set(
            &mut over,
            "Identity.PeerID",
            own.peer_id().to_base58().into(),
        )?;
        self.keep_services(&mut over)?;
        let mut document = self.document.clone();
        document::merge(&mut document, &over);
        Config::from_value(Value::Object(document))
    }

    /// Gives the services in `over` the credentials they have here.
    fn keep_services(&self, over: &mut Map<String, Value>) -> Result<(), Error> {
        let path = "Pinning.RemoteServices";
        let empty = Map::new();
        let old = self.at(path).and_then(Value::as_object).unwrap_or(&empty);
        let mut new = document::get(over, path)?
            .as_object()
            .cloned()
            .unwrap_or_default();
        if new.len() != old.len() {
            return Err(Error::ReplaceServices);
        }
        for (name, old) in old {
            let new = new.get_mut(name).ok_or(Error::ReplaceServices)?;
            let text = |service: &Value, key: &str| {
                service["API"][key].as_str().unwrap_or_default().to_owned()
            };
            let endpoint = text(new, "Endpoint");
            if !text(new, "Key").is_empty()
                || !(endpoint.is_empty() || endpoint == text(old, "Endpoint"))
            {
                return Err(Error::ReplaceServiceApi);
            }
            if let Some(new) = new.as_object_mut() {
                new.insert("API".to_owned(), old["API"].clone());
            }
        }
        if !new.is_empty() {
            document::set(over, path, Value::Object(new))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyAlgorithm, PrivateKey};
    use serde_json::json;

    fn config() -> Config {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519, None).unwrap();
        let mut config = super::super::fresh(&key);
        let services = json!({"x": {"API": {"Endpoint": "e", "Key": "secret"}, "Policies": {"MFS": {"Enable": false, "PinName": "", "RepinInterval": ""}}}});
        document::set(&mut config.document, "Pinning.RemoteServices", services).unwrap();
        config.document.insert("Ours".to_owned(), json!(1));
        Config::from_value(Value::Object(config.document)).unwrap()
    }

    #[test]
    fn what_is_shown_can_be_put_back() {
        let config = config();
        let shown = config.show(false).to_string();
        let back = config.replaced(shown.as_bytes()).unwrap();
        assert_eq!(back, config);
    }

    #[test]
    fn identity_and_credentials_stay() {
        let config = config();
        let services = json!({"x": {"API": {}, "Policies": {"MFS": {"Enable": true}}}});
        let new = json!({"Identity": {"PeerID": "other"}, "Bootstrap": [], "Pinning": {"RemoteServices": services}});
        let new = config.replaced(new.to_string().as_bytes()).unwrap();
        assert_eq!(new.document["Identity"], config.document["Identity"]);
        assert_eq!(new.document["Ours"], json!(1));
        assert_eq!(new.document["Bootstrap"], json!([]));
        let service = &new.document["Pinning"]["RemoteServices"]["x"];
        assert_eq!(service["API"]["Key"], json!("secret"));
        assert_eq!(service["Policies"]["MFS"]["Enable"], json!(true));
    }

    #[test]
    fn refusals_in_kubo_words() {
        let config = config();
        for (new, expected) in [
            ("x", "failed to decode file as config"),
            ("{\"Bootstrap\": 5}", "failed to decode file as config"),
            ("", "failed to decode file as config"),
            (
                "{\"Identity\": {\"PrivKey\": \"x\"}}",
                "setting private key with API is not supported",
            ),
            (
                "{}",
                "cannot add or remove remote pinning services with 'config replace'",
            ),
            (
                "{\"Pinning\":{\"RemoteServices\":{\"y\":{}}}}",
                "cannot add or remove remote pinning services with 'config replace'",
            ),
            (
                "{\"Pinning\":{\"RemoteServices\":{\"x\":{\"API\":{\"Key\":\"k\"}}}}}",
                "cannot change remote pinning services api info with `config replace`",
            ),
            (
                "{\"Pinning\":{\"RemoteServices\":{\"x\":{\"API\":{\"Endpoint\":\"k\"}}}}}",
                "cannot change remote pinning services api info with `config replace`",
            ),
        ] {
            let error = config.replaced(new.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected, "for {new}");
        }
    }
}
