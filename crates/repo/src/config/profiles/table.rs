use serde_json::{Value, json};

use super::Change::{
    AddFilters, Clear, DefaultAddresses, RandomPort, RemoveFilters, Set, SetDefault, Spec,
};
use super::Profile;
use crate::config::defaults::flatfs_spec;

/// The address ranges of IANA's special-purpose registries that are not globally reachable.
pub(super) const SERVER_FILTERS: &[&str] = &[
    "/ip4/10.0.0.0/ipcidr/8",
    "/ip4/100.64.0.0/ipcidr/10",
    "/ip4/127.0.0.0/ipcidr/8",
    "/ip4/169.254.0.0/ipcidr/16",
    "/ip4/172.16.0.0/ipcidr/12",
    "/ip4/192.0.0.0/ipcidr/24",
    "/ip4/192.0.2.0/ipcidr/24",
    "/ip4/192.168.0.0/ipcidr/16",
    "/ip4/198.18.0.0/ipcidr/15",
    "/ip4/198.51.100.0/ipcidr/24",
    "/ip4/203.0.113.0/ipcidr/24",
    "/ip4/240.0.0.0/ipcidr/4",
    "/ip6/::/ipcidr/3",
    "/ip6/::1/ipcidr/128",
    "/ip6/100::/ipcidr/64",
    "/ip6/2001:2::/ipcidr/48",
    "/ip6/2001:db8::/ipcidr/32",
    "/ip6/fc00::/ipcidr/7",
    "/ip6/fe80::/ipcidr/10",
];

const UNIXFS_2015: &[super::Change] = &[
    Set("Import.CidVersion", "0"),
    Set("Import.UnixFSRawLeaves", "false"),
    Set("Import.UnixFSChunker", "\"size-262144\""),
    Set("Import.HashFunction", "\"sha2-256\""),
    Set("Import.UnixFSFileMaxLinks", "174"),
    Set("Import.UnixFSDirectoryMaxLinks", "0"),
    Set("Import.UnixFSHAMTDirectoryMaxFanout", "256"),
    Set("Import.UnixFSHAMTDirectorySizeThreshold", "\"256KiB\""),
    Set("Import.UnixFSHAMTDirectorySizeEstimation", "\"links\""),
    Set("Import.UnixFSDAGLayout", "\"balanced\""),
];

const UNIXFS_2025: &[super::Change] = &[
    Set("Import.CidVersion", "1"),
    Set("Import.UnixFSRawLeaves", "true"),
    Set("Import.UnixFSChunker", "\"size-1048576\""),
    Set("Import.HashFunction", "\"sha2-256\""),
    Set("Import.UnixFSFileMaxLinks", "1024"),
    Set("Import.UnixFSDirectoryMaxLinks", "0"),
    Set("Import.UnixFSHAMTDirectoryMaxFanout", "256"),
    Set("Import.UnixFSHAMTDirectorySizeThreshold", "\"256KiB\""),
    Set("Import.UnixFSHAMTDirectorySizeEstimation", "\"block\""),
    Set("Import.UnixFSDAGLayout", "\"balanced\""),
];

/// A profile that chooses one of Kubo's datastores. Basalt notes the choice and uses RocksDB.
const fn datastore(name: &'static str, changes: &'static [super::Change]) -> Profile {
    Profile {
        name,
        description: "Chooses a datastore in Kubo. Basalt accepts it and keeps its data in RocksDB.\nCan only be given to 'ipfs init'.",
        init_only: true,
        changes,
    }
}

const fn setting(
    name: &'static str,
    description: &'static str,
    changes: &'static [super::Change],
) -> Profile {
    Profile {
        name,
        description,
        init_only: false,
        changes,
    }
}

pub(super) static PROFILES: &[Profile] = &[
    setting(
        "announce-off",
        "Announces nothing to the DHT, neither new blocks nor old ones. Other nodes find\nthe content of this one only when they are connected to it already.",
        &[
            Set("Provide.Enabled", "false"),
            Set("Provide.DHT.Interval", "\"0s\""),
        ],
    ),
    setting(
        "announce-on",
        "Announces content again: the inverse of announce-off.",
        &[
            Set("Provide.Enabled", "true"),
            Set("Provide.DHT.Interval", "\"22h0m0s\""),
        ],
    ),
    setting(
        "autoconf-off",
        "Turns automatic configuration off and empties the settings that it filled:\nbootstrap peers, DNS resolvers, delegated routers and publishers are yours to set.",
        &[
            Set("Bootstrap", "null"),
            Set("DNS.Resolvers", "null"),
            Set("Routing.DelegatedRouters", "null"),
            Set("Ipns.DelegatedPublishers", "null"),
            Set("AutoConf.Enabled", "false"),
        ],
    ),
    setting(
        "autoconf-on",
        "Takes bootstrap peers, DNS resolvers, delegated routers and publishers from the\nnetwork's published defaults.",
        &[
            Set("Bootstrap", "[\"auto\"]"),
            Set("DNS.Resolvers", "{\".\": \"auto\"}"),
            Set("Routing.DelegatedRouters", "[\"auto\"]"),
            Set("Ipns.DelegatedPublishers", "[\"auto\"]"),
            Set("AutoConf.Enabled", "true"),
            SetDefault(
                "AutoConf.URL",
                "\"https://conf.ipfs-mainnet.org/autoconf.json\"",
            ),
        ],
    ),
    datastore("badgerds", &[Spec(badger)]),
    datastore("badgerds-measure", &[Spec(badger_measure)]),
    datastore("default-datastore", &[Spec(flatfs_spec)]),
    setting(
        "default-networking",
        "The network settings of a new node: the inverse of test.",
        &[
            DefaultAddresses,
            Set("Bootstrap", "[\"auto\"]"),
            Clear("AutoConf.Enabled"),
            Clear("AutoConf.URL"),
            Set("Swarm.DisableNatPortMap", "false"),
            Set("Discovery.MDNS.Enabled", "true"),
            Clear("AutoTLS.Enabled"),
        ],
    ),
    datastore("flatfs", &[Spec(flatfs_spec)]),
    datastore("flatfs-measure", &[Spec(flatfs_measure)]),
    setting(
        "legacy-cid-v0",
        "Another name for unixfs-v0-2015.",
        UNIXFS_2015,
    ),
    setting(
        "local-discovery",
        "Finds peers on the local network and talks to private addresses: the inverse of\nserver.",
        &[
            RemoveFilters("Addresses.NoAnnounce"),
            RemoveFilters("Swarm.AddrFilters"),
            Set("Discovery.MDNS.Enabled", "true"),
            Set("Swarm.DisableNatPortMap", "false"),
        ],
    ),
    setting(
        "lowpower",
        "Few connections and no services for other peers. Finding and fetching content\nmay be slower.",
        &[
            Set("Routing.Type", "\"autoclient\""),
            Set("AutoNAT.ServiceMode", "\"disabled\""),
            Set("Swarm.RelayService.Enabled", "false"),
            Set("Swarm.ConnMgr.Type", "\"basic\""),
            Set("Swarm.ConnMgr.LowWater", "20"),
            Set("Swarm.ConnMgr.HighWater", "40"),
            Set("Swarm.ConnMgr.GracePeriod", "\"1m0s\""),
        ],
    ),
    datastore("pebbleds", &[Spec(pebble)]),
    datastore("pebbleds-measure", &[Spec(pebble_measure)]),
    setting(
        "randomports",
        "Listens for peers on a random TCP port.",
        &[RandomPort],
    ),
    setting(
        "server",
        "For machines with public addresses: does not look for peers on the local network\nand leaves private addresses alone.",
        &[
            AddFilters("Addresses.NoAnnounce"),
            AddFilters("Swarm.AddrFilters"),
            Set("Discovery.MDNS.Enabled", "false"),
            Set("Swarm.DisableNatPortMap", "true"),
        ],
    ),
    setting(
        "test",
        "For tests: listens on free ports of the loopback interface and talks to nobody\nby itself.",
        &[
            Set("Addresses.API", "\"/ip4/127.0.0.1/tcp/0\""),
            Set("Addresses.Gateway", "\"/ip4/127.0.0.1/tcp/0\""),
            Set("Addresses.Swarm", "[\"/ip4/127.0.0.1/tcp/0\"]"),
            Set("Swarm.DisableNatPortMap", "true"),
            Set("Routing.LoopbackAddressesOnLanDHT", "true"),
            Set("Bootstrap", "[]"),
            Set("Discovery.MDNS.Enabled", "false"),
            Set("AutoTLS.Enabled", "false"),
            Set("AutoConf.Enabled", "false"),
            Set("DNS.Resolvers", "{}"),
            Set("Routing.DelegatedRouters", "[]"),
            Set("Ipns.DelegatedPublishers", "[]"),
        ],
    ),
    setting(
        "unixfs-v0-2015",
        "CIDs as they were in 2015 (IPIP-499): CIDv0, no raw leaves, chunks of 256 KiB,\n174 links a file node. Only for those who need the old CIDs.",
        UNIXFS_2015,
    ),
    setting(
        "unixfs-v1-2025",
        "CIDs that implementations agree on (IPIP-499): CIDv1, raw leaves, chunks of 1 MiB,\n1024 links a file node, directories sharded by their encoded size.",
        UNIXFS_2025,
    ),
];

fn pebble() -> Value {
    json!({
        "formatMajorVersion": 24,
        "path": "pebbleds",
        "prefix": "pebble.datastore",
        "type": "pebbleds",
    })
}

fn pebble_measure() -> Value {
    json!({
        "child": {"formatMajorVersion": 24, "path": "pebbleds", "type": "pebbleds"},
        "prefix": "pebble.datastore",
        "type": "measure",
    })
}

fn badger() -> Value {
    json!({
        "path": "badgerds",
        "prefix": "badger.datastore",
        "syncWrites": false,
        "truncate": true,
        "type": "badgerds",
    })
}

fn badger_measure() -> Value {
    json!({
        "child": {"path": "badgerds", "syncWrites": false, "truncate": true, "type": "badgerds"},
        "prefix": "badger.datastore",
        "type": "measure",
    })
}

fn flatfs_measure() -> Value {
    json!({
        "mounts": [
            {
                "child": {
                    "path": "blocks",
                    "shardFunc": "/repo/flatfs/shard/v1/next-to-last/2",
                    "sync": false,
                    "type": "flatfs",
                },
                "mountpoint": "/blocks",
                "prefix": "flatfs.datastore",
                "type": "measure",
            },
            {
                "child": {"compression": "none", "path": "datastore", "type": "levelds"},
                "mountpoint": "/",
                "prefix": "leveldb.datastore",
                "type": "measure",
            },
        ],
        "type": "mount",
    })
}
