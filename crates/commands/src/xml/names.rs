//! How Kubo's types are called, which is how the elements of their values are.

/// The element of an event.
pub(super) fn root(path: &str) -> &'static str {
    match path {
        "bitswap/ledger" => "Receipt",
        "bitswap/stat" | "stats/bitswap" => "Stat",
        "bitswap/wantlist" => "KeyList",
        "block/put" | "block/stat" => "BlockStat",
        "block/rm" => "removedBlock",
        "cid/codecs" | "cid/hashes" | "cid/bases" => "CodeAndName",
        "cid/base32" | "cid/format" => "CidFormatRes",
        "cid/inspect" => "CidInspectRes",
        "commands" => "Command",
        "config" => "ConfigField",
        "config/profile/apply" => "ConfigUpdateOutput",
        "dag/import" => "CarImportOutput",
        "dag/put" => "OutputObject",
        "dag/resolve" => "ResolveOutput",
        "dag/stat" => "DagStatSummary",
        "dht/query" => "QueryEvent",
        "diag/cmds" => "ReqLogEntry",
        "diag/datastore/count" => "diagDatastoreCountResult",
        "diag/datastore/get" => "diagDatastoreGetResult",
        "files/chcid" | "files/flush" => "flushRes",
        "files/chroot" => "MessageOutput",
        "files/ls" => "filesLsOutput",
        "files/stat" => "statOutput",
        "filestore/dups" | "refs" | "refs/local" => "RefWrapper",
        "filestore/ls" | "filestore/verify" => "ListRes",
        "id" => "IdOutput",
        "key/gen" | "key/import" => "KeyOutput",
        "key/list" | "key/ls" | "key/rm" => "KeyOutputList",
        "key/rename" => "KeyRenameOutput",
        "key/sign" => "KeySignOutput",
        "key/verify" => "KeyVerifyOutput",
        "log/level" => "logLevelOutput",
        "ls" => "LsOutput",
        "mount" => "Mounts",
        "name/inspect" => "IpnsInspectResult",
        "name/publish" | "name/put" => "IpnsEntry",
        "name/pubsub/cancel" => "ipnsPubsubCancel",
        "name/pubsub/state" => "ipnsPubsubState",
        "name/resolve" | "resolve" => "ResolvedPath",
        "object/diff" => "Changes",
        "object/patch/add-link" | "object/patch/rm-link" => "Object",
        "p2p/forward" | "p2p/listen" => "P2PForegroundOutput",
        "p2p/ls" => "P2PLsOutput",
        "p2p/stream/ls" => "P2PStreamsOutput",
        "pin/add" => "AddPinOutput",
        "pin/remote/add" | "pin/remote/ls" => "RemotePinOutput",
        "pin/remote/service/ls" => "PinServicesList",
        "pin/rm" | "pin/update" => "PinOutput",
        "pin/verify" => "PinVerifyRes",
        "ping" => "PingResult",
        "provide/clear" | "p2p/close" => "int",
        "provide/once" => "ProvideOnceEvent",
        "provide/stat" | "stats/provide" | "stats/reprovide" | "bitswap/reprovide" => {
            "provideStats"
        }
        "pubsub/reset" => "pubsubResetResult",
        "pubsub/sub" => "pubsubMessage",
        "repo/gc" => "GcResult",
        "repo/stat" => "Stat",
        "stats/repo" => "Stat",
        "repo/verify" => "VerifyProgress",
        "repo/version" => "RepoVersion",
        "stats/bw" => "Stats",
        "stats/dht" => "dhtStat",
        "swarm/addrs/autonat" => "autoNATResult",
        "swarm/peering/add" | "swarm/peering/rm" => "peeringResult",
        "swarm/peering/ls" => "addrInfos",
        "swarm/peers" => "connInfos",
        "version" => "VersionInfo",
        "version/check" => "VersionCheckOutput",
        "version/deps" => "Dependency",
        path if path.starts_with("bootstrap") => "BootstrapOutput",
        path if path.starts_with("swarm/") || path.starts_with("pubsub/") => "stringList",
        "log/ls" | "name/pubsub/subs" => "stringList",
        path if path.starts_with("routing/") => "QueryEvent",
        "add" => "AddEvent",
        _ => "string",
    }
}

/// What an event has though its JSON leaves it out, and the empty value of each.
pub(super) fn left_out(path: &str) -> &'static [(&'static str, &'static str)] {
    match path {
        "files/stat" => &[
            ("WithLocality", "false"),
            ("Local", "false"),
            ("SizeLocal", "0"),
            ("Mode", "0"),
            ("Mtime", "0"),
            ("MtimeNsecs", "0"),
        ],
        "pin/add" => &[("Progress", "0"), ("Bytes", "0")],
        _ => &[],
    }
}

/// The type in an event that Go has no XML for.
pub(super) fn unsupported(path: &str) -> Option<&'static str> {
    Some(match path {
        "pin/ls" => "map[string]pin.PinLsType",
        "config/show" | "diag/sys" => "map[string]interface {}",
        "swarm/addrs" => "map[string][]string",
        _ => return None,
    })
}

/// Whether it is the name of a field. Keys of maps are anything, and Go writes no maps.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
