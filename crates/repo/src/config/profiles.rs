//! Profiles: named sets of changes to the config.

mod table;

use std::net::{Ipv6Addr, TcpListener};

use serde_json::{Map, Value, json};

use super::{Config, defaults, document, normalize, secrets};
use crate::Error;
use table::{PROFILES, SERVER_FILTERS};

/// A named set of changes.
#[derive(Debug)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// What it is for: lines of text for the help.
    pub description: &'static str,
    /// It chooses a datastore, which is possible only while the repo is made.
    pub init_only: bool,
    changes: &'static [Change],
}

/// One change to the decoded config.
#[derive(Debug)]
enum Change {
    /// Sets a key to a JSON literal.
    Set(&'static str, &'static str),
    /// Sets a key unless it has a value.
    SetDefault(&'static str, &'static str),
    /// Gives a key its default.
    Clear(&'static str),
    /// Adds the ranges that are not globally reachable to a list.
    AddFilters(&'static str),
    /// Takes these ranges out of a list.
    RemoveFilters(&'static str),
    /// The addresses of a new node.
    DefaultAddresses,
    /// Listens on TCP alone, on a port that is free now.
    RandomPort,
    /// The description of a datastore.
    Spec(fn() -> Value),
}

/// The outcome of applying a profile.
#[derive(Debug, Clone)]
pub struct ProfileChange {
    /// The config before, without the private key, sorted by key.
    pub old: Value,
    /// The config after.
    pub new: Value,
    /// The new config, to be saved unless it was a dry run.
    pub config: Config,
}

/// All profiles, sorted by name.
pub fn profiles() -> &'static [Profile] {
    PROFILES
}

/// The profile of that name.
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|p| p.name == name)
}

impl Config {
    /// What `ipfs config profile apply NAME` makes of this config. Nothing is saved yet.
    ///
    /// As in Kubo, the changed config is laid over the file, so that keys below an object which
    /// the profile leaves out (such as `DNS.Resolvers`) stay in the file.
    ///
    /// # Errors
    ///
    /// [`Error::NotAProfile`]; with `dry_run` false, [`Error::InitOnlyProfile`] when the profile
    /// would choose another datastore, which in Kubo leaves a repo that does not open.
    pub fn with_profile(&self, name: &str, dry_run: bool) -> Result<ProfileChange, Error> {
        let profile = profile(name).ok_or_else(|| Error::NotAProfile(name.to_owned()))?;
        let whole = transformed(&self.whole, profile)?;
        if !dry_run
            && profile.init_only
            && whole["Datastore"]["Spec"] != self.whole["Datastore"]["Spec"]
        {
            return Err(Error::InitOnlyProfile(name.to_owned()));
        }
        let mut file = self.document.clone();
        if let Value::Object(over) = &whole {
            document::merge(&mut file, over);
        }
        Ok(ProfileChange {
            old: secrets::without_private_key(&self.whole),
            new: secrets::without_private_key(&whole),
            config: Config::from_value(Value::Object(file))?,
        })
    }

    /// The config of a new repo after the profiles of `ipfs init --profile=a,b`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidProfile`] for a name that is none.
    pub fn with_init_profiles(&self, names: &str) -> Result<Config, Error> {
        let mut whole = self.whole.clone();
        for name in names.split(',').filter(|_| !names.is_empty()) {
            let profile = profile(name).ok_or_else(|| Error::InvalidProfile(name.to_owned()))?;
            whole = transformed(&whole, profile)?;
        }
        Config::from_value(whole)
    }
}

fn transformed(whole: &Value, profile: &Profile) -> Result<Value, Error> {
    let mut map = whole.as_object().cloned().unwrap_or_default();
    for change in profile.changes {
        apply(&mut map, change)?;
    }
    normalize::normalize(&Value::Object(map)).map_err(Error::ConfigDecode)
}

fn apply(map: &mut Map<String, Value>, change: &Change) -> Result<(), Error> {
    let literal = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|e| Error::ConfigDecode(e.to_string()))
    };
    match change {
        Change::Set(key, text) => document::set(map, key, literal(text)?)?,
        Change::SetDefault(key, text) => {
            if document::get(map, key).map_or(true, Value::is_null) {
                document::set(map, key, literal(text)?)?;
            }
        }
        Change::Clear(key) => document::remove(map, key),
        Change::AddFilters(key) => {
            let mut list = list_at(map, key);
            for filter in SERVER_FILTERS {
                if !list.iter().any(|v| v == filter) {
                    list.push(json!(filter));
                }
            }
            document::set(map, key, Value::Array(list))?;
        }
        Change::RemoveFilters(key) => {
            let mut list = list_at(map, key);
            list.retain(|v| !SERVER_FILTERS.iter().any(|f| v == f));
            document::set(map, key, Value::Array(list))?;
        }
        Change::DefaultAddresses => document::set(map, "Addresses", defaults::addresses())?,
        Change::RandomPort => {
            let port = free_port()?;
            let swarm = json!([
                format!("/ip4/0.0.0.0/tcp/{port}"),
                format!("/ip6/::/tcp/{port}")
            ]);
            document::set(map, "Addresses.Swarm", swarm)?;
        }
        Change::Spec(spec) => document::set(map, "Datastore.Spec", spec())?,
    }
    Ok(())
}

fn list_at(map: &Map<String, Value>, key: &str) -> Vec<Value> {
    let list = document::get(map, key).ok().and_then(Value::as_array);
    let mut out: Vec<Value> = Vec::new();
    for item in list.into_iter().flatten() {
        if !out.contains(item) {
            out.push(item.clone());
        }
    }
    out
}

fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0))
        .or_else(|_| TcpListener::bind(("0.0.0.0", 0)));
    let address = listener.and_then(|l| l.local_addr());
    let address = address.map_err(|e| Error::Setting(format!("no free port: {e}")))?;
    Ok(address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyAlgorithm, PrivateKey};

    const RECORDED: &str = include_str!("../../testdata/kubo-0.43.0-profiles.json");

    fn fresh() -> Config {
        super::super::fresh(&PrivateKey::generate(KeyAlgorithm::Ed25519, None).unwrap())
    }

    /// Lays what was recorded of `ipfs init --profile=NAME` over the default config.
    fn recorded(name: &str, sets: &Map<String, Value>, default: &Value) -> Value {
        let mut expected = default.as_object().unwrap().clone();
        for (key, value) in sets {
            // The key of the default resolver is itself a dot.
            if key == "DNS.Resolvers.." {
                document::set(&mut expected, "DNS.Resolvers", json!({})).unwrap();
            } else if value.is_null() && key == "Datastore.Spec.mounts" {
                document::remove(&mut expected, key);
            } else {
                document::set(&mut expected, key, value.clone()).unwrap();
            }
        }
        if name == "randomports" {
            document::remove(&mut expected, "Addresses.Swarm");
        }
        Value::Object(expected)
    }

    #[test]
    fn every_profile_gives_what_kubo_gives() {
        let all: Value = serde_json::from_str(RECORDED).unwrap();
        let names: Vec<&str> = profiles().iter().map(|p| p.name).collect();
        let mut theirs: Vec<&String> = all["profiles"].as_object().unwrap().keys().collect();
        theirs.sort();
        assert_eq!(names, theirs);
        for profile in profiles() {
            let recording = &all["profiles"][profile.name];
            assert_eq!(recording["init_only"], json!(profile.init_only));
            let config = fresh().with_init_profiles(profile.name).unwrap();
            let mut ours = config.document().clone();
            let mut default = all["default_config"].clone();
            default["Identity"] = ours["Identity"].clone();
            if profile.name == "randomports" {
                let swarm = ours["Addresses"]["Swarm"].to_string();
                assert!(swarm.starts_with("[\"/ip4/0.0.0.0/tcp/"), "{swarm}");
                document::remove(&mut ours, "Addresses.Swarm");
            }
            let sets = recording["sets"].as_object().unwrap();
            let expected = recorded(profile.name, sets, &default);
            assert_eq!(Value::Object(ours), expected, "for {}", profile.name);
        }
    }

    #[test]
    fn unknown_names() {
        let error = |names| fresh().with_init_profiles(names).unwrap_err().to_string();
        assert_eq!(error("foo"), "invalid configuration profile: foo");
        assert_eq!(error("test,"), "invalid configuration profile: ");
        assert_eq!(
            fresh().with_init_profiles("").unwrap().document()["Bootstrap"],
            json!(["auto"])
        );
        let error = fresh().with_profile("nonesuch", true).unwrap_err();
        assert_eq!(error.to_string(), "nonesuch is not a profile");
    }

    #[test]
    fn a_datastore_is_chosen_once() {
        let config = fresh();
        assert!(config.with_profile("pebbleds", true).is_ok());
        assert!(matches!(
            config.with_profile("pebbleds", false),
            Err(Error::InitOnlyProfile(_))
        ));
        let same = config.with_profile("flatfs", false).unwrap();
        assert_eq!(same.config, config);
        assert_eq!(same.old, same.new);
        assert_eq!(same.new["Identity"].get("PrivKey"), None);
    }

    #[test]
    fn applying_keeps_the_file_s_own_keys_and_places() {
        let mut config = fresh();
        config
            .document
            .insert("Ours".to_owned(), json!({"b": 1, "a": 2}));
        let change = config.with_profile("lowpower", false).unwrap();
        let file = change.config.document();
        assert_eq!(file["Ours"], json!({"b": 1, "a": 2}));
        assert_eq!(file["Swarm"]["ConnMgr"]["GracePeriod"], json!("1m0s"));
        assert_eq!(file["AutoNAT"], json!({"ServiceMode": "disabled"}));
        assert_eq!(file.keys().next().unwrap(), "Identity");
        assert_eq!(change.new["Routing"]["Type"], json!("autoclient"));
        let off = config.with_profile("server", false).unwrap().config;
        let on = off.with_profile("local-discovery", false).unwrap().config;
        assert_eq!(on.document()["Swarm"]["AddrFilters"], json!([]));
        assert_eq!(on.document()["Discovery"]["MDNS"]["Enabled"], json!(true));
    }
}
