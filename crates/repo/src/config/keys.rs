//! `ipfs config KEY [VALUE]`: reading and setting one key.

use serde_json::Value;

use super::schema::{CONFIG, Kind, Struct};
use super::{Config, document, secrets};
use crate::{Error, PrivateKey, go_json, parse_peer_id};

const PRIVATE_KEY: &str = "Identity.PrivKey";

/// How the value of `ipfs config KEY VALUE` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetAs {
    /// As a string.
    #[default]
    String,
    /// `--bool`: `true` is true, anything else false.
    Bool,
    /// `--json`.
    Json,
}

impl Config {
    /// The value of a dotted key, its objects sorted by key: what `ipfs config KEY` shows.
    ///
    /// # Errors
    ///
    /// [`Error::PrivateKeyHidden`] and [`Error::PinningServicesHidden`] for secrets, otherwise
    /// [`Error::ConfigGet`] when the file does not have the key.
    pub fn get(&self, key: &str) -> Result<Value, Error> {
        check_shown(key)?;
        self.get_unchecked(key)
    }

    fn get_unchecked(&self, key: &str) -> Result<Value, Error> {
        let mut value = document::get(&self.document, key)
            .map_err(|e| Error::ConfigGet(Box::new(e)))?
            .clone();
        go_json::sort_keys(&mut value);
        Ok(value)
    }

    /// As [`Config::get`], with `auto` placeholders resolved: `ipfs config KEY --expand-auto`.
    ///
    /// # Errors
    ///
    /// As [`Config::get`].
    pub fn get_expanded(&self, key: &str) -> Result<Value, Error> {
        let value = self.get(key)?;
        Ok(self.expanded(key).unwrap_or(value))
    }

    /// Sets a dotted key to a value given as text, and returns what the key then holds.
    /// The config is unchanged after an error.
    ///
    /// # Errors
    ///
    /// As [`Config::get`]; [`Error::ConfigValueSyntax`] for JSON that is not;
    /// [`Error::PeerIdMismatch`] for another node's ID; [`Error::ConfigSet`] when the key is
    /// unknown or the value not of its type.
    pub fn set_text(&mut self, key: &str, text: &str, mean: SetAs) -> Result<Value, Error> {
        check_shown(key)?;
        if key.eq_ignore_ascii_case("identity.peerid") {
            let id = self.own_peer_id(text, mean)?;
            return self.set(key, Value::String(id));
        }
        let value = match mean {
            SetAs::String => Value::String(text.to_owned()),
            SetAs::Bool => Value::Bool(text == "true"),
            SetAs::Json => go_json::parse(text.as_bytes())?,
        };
        self.set(key, value)
    }

    /// Sets a dotted key, and returns what it then holds. The config is unchanged after an error.
    ///
    /// # Errors
    ///
    /// As [`Config::set_text`].
    pub fn set(&mut self, key: &str, value: Value) -> Result<Value, Error> {
        check_shown(key)?;
        let changed = self
            .changed(key, value)
            .map_err(|e| Error::ConfigSet(Box::new(e)))?;
        *self = changed;
        self.get_unchecked(key)
    }

    fn changed(&self, key: &str, value: Value) -> Result<Config, Error> {
        check_known(key)?;
        if key.split('.').count() + depth(&value) > go_json::MAX_DEPTH {
            // It could not be read again.
            return Err(Error::ConfigDecode("exceeded max depth".to_owned()));
        }
        let own = document::get(&self.document, PRIVATE_KEY)?.clone();
        let mut document = self.document.clone();
        document::set(&mut document, key, value)?;
        document::set(&mut document, PRIVATE_KEY, own)?;
        // Kubo checks a sorted copy, which decides which of several faults it reports.
        let mut sorted = Value::Object(document.clone());
        go_json::sort_keys(&mut sorted);
        Config::from_value(sorted)?;
        Config::from_value(Value::Object(document))
    }

    /// The node's own ID in its canonical form, if that is what `text` says.
    fn own_peer_id(&self, text: &str, mean: SetAs) -> Result<String, Error> {
        let text = match mean {
            SetAs::Json => match go_json::parse(text.as_bytes()) {
                Ok(Value::String(inner)) => inner,
                _ => text.to_owned(),
            },
            _ => text.to_owned(),
        };
        let own = self.private_key()?.peer_id();
        match parse_peer_id(&text) {
            Ok(given) if given == own => Ok(own.to_base58()),
            _ => Err(Error::PeerIdMismatch),
        }
    }

    /// The node's private key.
    ///
    /// # Errors
    ///
    /// [`Error::NoPrivateKey`] when the config has none, [`Error::PrivateKey`] when it cannot be
    /// read.
    pub fn private_key(&self) -> Result<PrivateKey, Error> {
        match self.string("Identity.PrivKey") {
            Some(text) if !text.is_empty() => PrivateKey::from_base64(text),
            _ => Err(Error::NoPrivateKey),
        }
    }

    /// Gives the node another key.
    pub(crate) fn set_private_key(&mut self, key: &PrivateKey) -> Result<(), Error> {
        let document = &mut self.document;
        document::set(
            document,
            "Identity.PeerID",
            key.peer_id().to_base58().into(),
        )?;
        document::set(document, "Identity.PrivKey", key.to_base64().into())?;
        *self = Self::from_value(Value::Object(std::mem::take(document)))?;
        Ok(())
    }
}

fn check_shown(key: &str) -> Result<(), Error> {
    if key.eq_ignore_ascii_case("identity") || key.eq_ignore_ascii_case(PRIVATE_KEY) {
        return Err(Error::PrivateKeyHidden);
    }
    if secrets::may_hold_service_key(key) {
        return Err(Error::PinningServicesHidden);
    }
    Ok(())
}

/// How many arrays and objects lie within one another.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// What lies below a key.
enum Below {
    Known(&'static Struct),
    Free(&'static Kind),
    Named(&'static [&'static str]),
    Anything,
    Nothing,
}

/// Checks that Kubo knows the key; what it does not know cannot be set.
fn check_known(key: &str) -> Result<(), Error> {
    let mut below = Below::Known(&CONFIG);
    for (at, part) in document::parts(key) {
        let unknown = || Error::KeyNotFound(key[..at + part.len()].to_owned());
        below = match below {
            Below::Anything => return Ok(()),
            Below::Nothing => return Err(Error::KeyNotMap(document::before(key, at).to_owned())),
            Below::Free(kind) => below_kind(kind),
            Below::Named(names) if names.contains(&part) => Below::Nothing,
            Below::Named(_) => return Err(unknown()),
            Below::Known(of) => {
                let field = of.fields.iter().find(|f| f.name == part);
                below_kind(&field.ok_or_else(unknown)?.kind)
            }
        };
    }
    Ok(())
}

fn below_kind(kind: &'static Kind) -> Below {
    match kind {
        Kind::Struct(of) => Below::Known(of),
        Kind::Map(_, of) => Below::Free(of),
        Kind::Any => Below::Anything,
        // Types that Kubo keeps in structures without public fields.
        Kind::OptInt | Kind::OptStr | Kind::OptDuration => Below::Named(&[]),
        Kind::OptBytes => Below::Named(&["OptionalString"]),
        Kind::Duration => Below::Named(&["Duration"]),
        Kind::Router => Below::Named(&["Router"]),
        _ => Below::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config() -> Config {
        let key = PrivateKey::generate(crate::KeyAlgorithm::Ed25519, None).unwrap();
        super::super::fresh(&key)
    }

    /// Recorded from Kubo 0.43.0.
    #[test]
    fn errors_in_kubo_words() {
        let mut c = config();
        for (key, expected) in [
            ("Foo", "failed to get config value: \"Foo not found\""),
            (
                "Datastore.Foo",
                "failed to get config value: \"Datastore.Foo not found\"",
            ),
            (
                "Datastore.GCPeriod.x",
                "failed to get config value: \"Datastore.GCPeriod key is not a map\"",
            ),
            ("Identity", "cannot show or change private key through API"),
            (
                "identity.privkey",
                "cannot show or change private key through API",
            ),
            (
                "Pinning",
                "cannot show or change pinning services credentials",
            ),
            (
                "Pinning.RemoteServices.x.API.Key",
                "cannot show or change pinning services credentials",
            ),
            ("", "failed to get config value: \" not found\""),
        ] {
            assert_eq!(c.get(key).unwrap_err().to_string(), expected, "for {key}");
        }
        for (key, expected) in [
            (
                "Foo",
                "failed to set config value: Foo not found (maybe use --json?)",
            ),
            (
                "Foo.bar",
                "failed to set config value: Foo not found (maybe use --json?)",
            ),
            (
                "Datastore.GCPeriod.x",
                "failed to set config value: Datastore.GCPeriod key is not a map (maybe use --json?)",
            ),
            (
                "Import.CidVersion.x",
                "failed to set config value: Import.CidVersion.x not found (maybe use --json?)",
            ),
            (
                "Datastore..x",
                "failed to set config value: Datastore. not found (maybe use --json?)",
            ),
            (
                "",
                "failed to set config value:  not found (maybe use --json?)",
            ),
            (
                "Identity.PrivKey",
                "cannot show or change private key through API",
            ),
            (
                "Identity.PeerID",
                "cannot set Identity.PeerID to a value that does not match the node's private key; use 'ipfs key rotate' to change the node identity",
            ),
            (
                "Import.UnixFSHAMTDirectorySizeThreshold.OptionalString",
                "failed to set config value: failure to decode config: unable to parse byte size, expected a size string (e.g., \"5GiB\") or a number, but got map[string]interface {} (in Import.UnixFSHAMTDirectorySizeThreshold) (maybe use --json?)",
            ),
        ] {
            let error = c.set_text(key, "y", SetAs::String).unwrap_err();
            assert_eq!(error.to_string(), expected, "for {key}");
        }
        let error = c.set_text("Bootstrap", "x[", SetAs::Json).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to unmarshal json. invalid character 'x' looking for beginning of value"
        );
        let error = c.set_text("Bootstrap", "", SetAs::Json).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to unmarshal json. unexpected end of JSON input"
        );
        assert_eq!(c.document(), config_like(&c).document());
    }

    /// The config that a fresh one with the same key would be.
    fn config_like(c: &Config) -> Config {
        super::super::fresh(&c.private_key().unwrap())
    }

    #[test]
    fn what_is_set_can_be_read_again() {
        let mut c = config();
        let key = format!("Plugins.Plugins.x.Config{}", ".a".repeat(1_000_000));
        assert!(c.set(&key, json!(1)).is_err());
        let key = format!(
            "Plugins.Plugins.x.Config{}",
            ".a".repeat(go_json::MAX_DEPTH - 4)
        );
        assert!(c.set(&key, json!([])).is_err());
        c.set(&key, json!(1)).unwrap();
        assert_eq!(Config::parse(c.to_text().as_bytes()).unwrap(), c);
    }

    #[test]
    fn values_are_set_and_others_kept() {
        let mut c = config();
        c.document
            .insert("Ours".to_owned(), json!({"b": 1, "a": 2}));
        assert_eq!(
            c.set_text("Import.UnixFSRawLeaves", "true", SetAs::Bool)
                .unwrap(),
            json!(true)
        );
        assert_eq!(
            c.set_text("Import.CidVersion", "1", SetAs::Json).unwrap(),
            json!(1)
        );
        c.set_text(
            "Gateway.PublicGateways",
            r#"{"x.y":{"Paths":["/ipfs"]}}"#,
            SetAs::Json,
        )
        .unwrap();
        c.set_text("Plugins.Plugins.tele.Config.Mode", "off", SetAs::String)
            .unwrap();
        c.set_text("Datastore.StorageMax", "1GB", SetAs::String)
            .unwrap();
        let id = c.private_key().unwrap().peer_id().to_base58();
        assert_eq!(
            c.set_text("Identity.PeerID", &id, SetAs::String).unwrap(),
            json!(id)
        );
        assert_eq!(
            c.get("Plugins").unwrap(),
            json!({"Plugins": {"tele": {"Config": {"Mode": "off"}}}})
        );
        let again = Config::parse(c.to_text().as_bytes()).unwrap();
        assert_eq!(again, c);
        assert_eq!(again.to_text(), c.to_text());
        assert!(
            c.to_text()
                .ends_with("\"Ours\": {\n    \"b\": 1,\n    \"a\": 2\n  }\n}")
        );
    }
}
