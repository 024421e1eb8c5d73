use serde_json::{Value, json};

use super::*;
use crate::KeyAlgorithm;

fn fresh() -> Config {
    super::super::fresh(&PrivateKey::generate(KeyAlgorithm::Ed25519, None).unwrap())
}

fn daemon() -> StartOptions {
    StartOptions {
        daemon: true,
        online: true,
        ..StartOptions::default()
    }
}

/// What a daemon says that does not start, without what it says of every node that is not made.
fn refusal(config: &Config, start: &StartOptions) -> String {
    let error = config.check_start(start).unwrap_err().to_string();
    error.strip_prefix(NOT_MADE).unwrap_or(&error).to_owned()
}

#[test]
fn every_profile_starts() {
    for profile in super::super::profiles() {
        let config = fresh().with_init_profiles(profile.name).unwrap();
        assert_eq!(config.validate(&daemon()), [], "for {}", profile.name);
    }
}

#[test]
fn refusals_in_kubo_words() {
    for (key, value, start_of_message) in [
        (
            "Provider.Enabled",
            json!(true),
            "deprecated configuration detected. Manually migrate 'Provider'",
        ),
        (
            "Reprovider.Interval",
            json!("1h"),
            "deprecated configuration detected. Manually migrate 'Reprovider'",
        ),
        (
            "Provide.Strategy",
            json!("flat"),
            "Provide.Strategy='flat' is no longer supported.",
        ),
        (
            "Provide.Strategy",
            json!("x"),
            "Provide.Strategy: unknown provide strategy token: \"x\" in \"x\"",
        ),
        (
            "Provide.DHT.Interval",
            json!("49h"),
            "Provide.DHT.Interval (49h0m0s) must be less than or equal to DHT provider record validity (48h0m0s)",
        ),
        (
            "Provide.DHT.Interval",
            json!("0"),
            "Provide.DHT.Interval=0 no longer disables",
        ),
        (
            "Provide.DHT.KeystoreBatchSize",
            json!(0),
            "Provide.DHT.KeystoreBatchSize must be positive, got 0",
        ),
        (
            "Provide.DHT.SendProviderRecordTimeout",
            json!("0"),
            "Provide.DHT.SendProviderRecordTimeout must be positive, got 0s",
        ),
        (
            "Import.CidVersion",
            json!(2),
            "Import.CidVersion must be 0 or 1, got 2",
        ),
        (
            "Import.UnixFSHAMTDirectoryMaxFanout",
            json!(100),
            "Import.UnixFSHAMTDirectoryMaxFanout must be a power of 2, between 8 and 1024 (got 100)",
        ),
        (
            "Import.UnixFSHAMTDirectoryMaxFanout",
            json!(2048),
            "Import.UnixFSHAMTDirectoryMaxFanout must be a power of 2, between 8 and 1024 (got 2048)",
        ),
        (
            "Import.UnixFSHAMTDirectoryMaxFanout",
            json!(i64::MIN),
            "Import.UnixFSHAMTDirectoryMaxFanout must be a power of 2",
        ),
        (
            "Import.UnixFSChunker",
            json!("size-0"),
            "Import.UnixFSChunker invalid format: \"size-0\" (expected",
        ),
        (
            "Import.UnixFSChunker",
            json!("rabin-3-2-1"),
            "Import.UnixFSChunker invalid format",
        ),
        (
            "Import.UnixFSDAGLayout",
            json!("flat"),
            "Import.UnixFSDAGLayout must be \"balanced\" or \"trickle\", got \"flat\"",
        ),
        (
            "Experimental.ShardingEnabled",
            json!(true),
            "The `Experimental.ShardingEnabled` field is no longer used",
        ),
        (
            "Datastore.Spec",
            Value::Null,
            "required Datastore.Spec entry missing from config file",
        ),
        (
            "Datastore.Type",
            json!("leveldb"),
            "old style datatstore config detected",
        ),
        (
            "Swarm.ConnMgr.Type",
            json!("x"),
            "unrecognized Swarm.ConnMgr.Type: \"x\"",
        ),
        (
            "Swarm.AddrFilters",
            json!(["/ip4/1.2.3.4"]),
            "incorrectly formatted address filter in config: /ip4/1.2.3.4",
        ),
        (
            "Ipns.RepublishPeriod",
            json!("1s"),
            "config setting IPNS.RepublishPeriod is not between 1min and 1day: 1s",
        ),
        ("Routing.Type", json!("x"), "unrecognized routing option: x"),
        (
            "Routing.Type",
            json!("delegated"),
            "Routing.Type=delegated does not support content providing.",
        ),
    ] {
        let mut config = fresh();
        config.set(key, value).unwrap();
        let error = refusal(&config, &daemon());
        assert!(error.starts_with(start_of_message), "for {key}: {error}");
    }
}

#[test]
fn what_stops_the_node_is_told_apart() {
    let mut config = fresh();
    config.set("Import.CidVersion", json!(7)).unwrap();
    let error = config.check_start(&daemon()).unwrap_err().to_string();
    assert_eq!(
        error,
        "constructing the node (see log for full detail): Import.CidVersion must be 0 or 1, got 7"
    );
    let mut config = fresh();
    config.set("Ipns.RecordLifetime", json!("1h")).unwrap();
    assert_eq!(
        refusal(&config, &daemon()),
        "config setting IPNS.RecordLifetime (1h0m0s) must be >= IPNS.RepublishPeriod (4h0m0s), otherwise records expire before they are republished"
    );
    config.set("Ipns.RepublishPeriod", json!("1h")).unwrap();
    config.check_start(&daemon()).unwrap();
}

#[test]
fn relays_need_their_transport() {
    let mut config = fresh();
    config
        .set("Swarm.Transports.Network.Relay", json!(false))
        .unwrap();
    assert!(config.check_start(&daemon()).is_ok());
    config
        .set("Swarm.RelayService.Enabled", json!(true))
        .unwrap();
    let error = refusal(&config, &daemon());
    assert!(
        error.starts_with("Failed to enable `Swarm.RelayService`"),
        "{error}"
    );
}

#[test]
fn an_identity_that_does_not_hold_together() {
    let mut file = fresh().document().clone();
    let other = PrivateKey::generate(KeyAlgorithm::Ed25519, None).unwrap();
    file["Identity"]["PeerID"] = other.peer_id().to_base58().into();
    let config = Config::from_value(Value::Object(file)).unwrap();
    let error = config.check_start(&StartOptions::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("private key in config does not match id: ")
    );
    let config = Config::parse(b"{\"Datastore\":{\"Spec\":{}}}").unwrap();
    let error = config.check_start(&StartOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "identity was not set in config (was 'ipfs init' run?)"
    );
}

#[test]
fn auto_without_autoconf() {
    let mut config = fresh();
    config.set("AutoConf.Enabled", json!(false)).unwrap();
    let problems = config.validate(&daemon());
    let warnings = problems.iter().filter(|p| p.severity == Severity::Warning);
    assert_eq!(warnings.count(), 4);
    let error = config.check_start(&daemon()).unwrap_err().to_string();
    assert!(error.starts_with("no usable bootstrap peers"), "{error}");
    config.set("Bootstrap", json!([])).unwrap();
    config.check_start(&daemon()).unwrap();

    let private = StartOptions {
        private_network: true,
        ..daemon()
    };
    let error = fresh().check_start(&private).unwrap_err().to_string();
    assert!(
        error.starts_with("AutoConf cannot use the default mainnet URL"),
        "{error}"
    );
    config.check_start(&private).unwrap();
    config.set("Routing.Type", json!("autoclient")).unwrap();
    let error = config.check_start(&private).unwrap_err().to_string();
    assert!(
        error.starts_with("private network does not work"),
        "{error}"
    );
}

#[test]
fn misspelt_keys_are_told() {
    let mut file = fresh().document().clone();
    file.insert("Ours".to_owned(), json!({"a": 1}));
    file["Datastore"]["storagemax"] = json!("1GB");
    file["Datastore"]["Spec"]["anything"] = json!(1);
    file["Swarm"]["ConnMgr"]["HighWatr"] = json!(5);
    file["Gateway"]["PublicGateways"] = json!({"x.y": {"Path": []}});
    let config = Config::from_value(Value::Object(file)).unwrap();
    let problems = config.validate(&daemon());
    assert!(problems.iter().all(|p| p.severity == Severity::Hint));
    let keys: Vec<&str> = problems.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "Gateway.PublicGateways.x.y.Path",
            "Swarm.ConnMgr.HighWatr",
            "Ours"
        ]
    );
}
