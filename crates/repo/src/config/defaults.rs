use serde_json::{Value, json};

use super::Config;
use crate::PrivateKey;

/// The config that `ipfs init` gives a node with this key, before profiles.
pub fn fresh(key: &PrivateKey) -> Config {
    let given = json!({
        "Identity": {"PeerID": key.peer_id().to_base58(), "PrivKey": key.to_base64()},
        "API": {"HTTPHeaders": {}},
        "Addresses": addresses(),
        "Datastore": {
            "StorageMax": "10GB",
            "StorageGCWatermark": 90,
            "GCPeriod": "1h",
            "Spec": flatfs_spec(),
        },
        "Bootstrap": ["auto"],
        "Discovery": {"MDNS": {"Enabled": true}},
        "Mounts": {"IPFS": "/ipfs", "IPNS": "/ipns", "MFS": "/mfs"},
        "Ipns": {"ResolveCacheSize": 128, "DelegatedPublishers": ["auto"]},
        "Gateway": {"HTTPHeaders": {}},
        "Pinning": {"RemoteServices": {}},
        "DNS": {"Resolvers": {".": "auto"}},
        "Routing": {"DelegatedRouters": ["auto"]},
    });
    // The literal above is well typed, which a test of this module sees to.
    let whole = super::normalize::normalize(&given).unwrap_or(given);
    Config {
        document: whole.as_object().cloned().unwrap_or_default(),
        whole,
        home: super::autoconf::AutoHome::default(),
    }
}

/// The addresses of a new node.
pub(super) fn addresses() -> Value {
    json!({
        "Swarm": [
            "/ip4/0.0.0.0/tcp/4001",
            "/ip6/::/tcp/4001",
            "/ip4/0.0.0.0/udp/4001/webrtc-direct",
            "/ip4/0.0.0.0/udp/4001/quic-v1",
            "/ip4/0.0.0.0/udp/4001/quic-v1/webtransport",
            "/ip6/::/udp/4001/webrtc-direct",
            "/ip6/::/udp/4001/quic-v1",
            "/ip6/::/udp/4001/quic-v1/webtransport",
        ],
        "Announce": [],
        "AppendAnnounce": [],
        "NoAnnounce": [],
        "API": "/ip4/127.0.0.1/tcp/5001",
        "Gateway": "/ip4/127.0.0.1/tcp/8080",
    })
}

/// Kubo's default datastore. Tools expect the description; Basalt keeps its data in RocksDB.
pub(super) fn flatfs_spec() -> Value {
    json!({
        "mounts": [
            {
                "mountpoint": "/blocks",
                "path": "blocks",
                "prefix": "flatfs.datastore",
                "shardFunc": "/repo/flatfs/shard/v1/next-to-last/2",
                "sync": false,
                "type": "flatfs",
            },
            {
                "compression": "none",
                "mountpoint": "/",
                "path": "datastore",
                "prefix": "leveldb.datastore",
                "type": "levelds",
            },
        ],
        "type": "mount",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ipfs init` of Kubo 0.43.0 wrote the file, but for its key.
    #[test]
    fn a_new_file_is_kubo_s_byte_for_byte() {
        let recorded = include_str!("../../testdata/kubo-0.43.0-init.json");
        let recorded_config = Config::parse(recorded.as_bytes()).unwrap();
        let key = recorded_config.private_key().unwrap();
        assert_eq!(fresh(&key).to_text(), recorded);
        assert_eq!(recorded_config.to_text(), recorded);
        assert_eq!(fresh(&key), recorded_config);
    }
}
