use super::Kind::{
    Any, AutoNat, Bool, Duration, Flag, Int, List, Map, OptBytes, OptDuration, OptInt, OptStr,
    Peer, Priority, Raw, Removed, Router, Str, Strings,
};
use super::{Field, Kind, Struct};

const STR: Kind = Str("string");
const STR_LIST: Kind = List(&STR);
const HEADERS: Kind = Map("map[string][]string", &STR_LIST);

/// Always written.
const fn f(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        pointer: false,
        omit_empty: false,
    }
}

/// Left out while it is the default.
const fn o(name: &'static str, kind: Kind) -> Field {
    Field {
        omit_empty: true,
        ..f(name, kind)
    }
}

/// Left out while it is not set.
const fn p(name: &'static str, kind: Kind) -> Field {
    Field {
        pointer: true,
        ..o(name, kind)
    }
}

macro_rules! structs {
    ($($(#[$doc:meta])* $ident:ident = $name:literal { $($field:expr),* $(,)? })*) => {
        $($(#[$doc])* pub(crate) static $ident: Struct = Struct { name: $name, fields: &[$($field),*] };)*
    };
}

const fn s(of: &'static Struct) -> Kind {
    Kind::Struct(of)
}

structs! {
    /// The whole file.
    CONFIG = "Config" {
        f("Identity", s(&IDENTITY)),
        f("Datastore", s(&DATASTORE)),
        f("Addresses", s(&ADDRESSES)),
        f("Mounts", s(&MOUNTS)),
        f("Discovery", s(&DISCOVERY)),
        f("Routing", s(&ROUTING)),
        f("Ipns", s(&IPNS)),
        f("Bootstrap", STR_LIST),
        f("Gateway", s(&GATEWAY)),
        f("API", s(&API)),
        f("Swarm", s(&SWARM)),
        f("AutoNAT", s(&AUTONAT)),
        f("AutoTLS", s(&AUTOTLS)),
        f("Pubsub", s(&PUBSUB)),
        f("Peering", s(&PEERING)),
        f("DNS", s(&DNS)),
        f("Migration", s(&MIGRATION)),
        f("AutoConf", s(&AUTOCONF)),
        f("Provide", s(&PROVIDE)),
        f("Provider", s(&PROVIDER)),
        f("Reprovider", s(&REPROVIDER)),
        f("HTTPRetrieval", s(&HTTP_RETRIEVAL)),
        f("Experimental", s(&EXPERIMENTAL)),
        f("Plugins", s(&PLUGINS)),
        f("Pinning", s(&PINNING)),
        f("Import", s(&IMPORT)),
        f("Version", s(&VERSION)),
        f("Internal", s(&INTERNAL)),
        f("Bitswap", s(&BITSWAP)),
    }
    IDENTITY = "Identity" { f("PeerID", STR), o("PrivKey", STR) }
    DATASTORE = "Datastore" {
        f("StorageMax", STR),
        f("StorageGCWatermark", Int("int64")),
        f("GCPeriod", STR),
        o("Type", STR),
        o("Path", STR),
        o("NoSync", Bool),
        p("Params", Raw),
        f("Spec", Map("map[string]interface {}", &Any)),
        f("HashOnRead", Bool),
        f("BloomFilterSize", Int("int")),
        f("BlockKeyCacheSize", OptInt),
        o("WriteThrough", Flag),
    }
    ADDRESSES = "Addresses" {
        f("Swarm", STR_LIST),
        f("Announce", STR_LIST),
        f("AppendAnnounce", STR_LIST),
        f("NoAnnounce", STR_LIST),
        f("API", Strings),
        f("Gateway", Strings),
    }
    MOUNTS = "Mounts" {
        f("IPFS", STR),
        f("IPNS", STR),
        f("MFS", STR),
        f("FuseAllowOther", Flag),
        f("StoreMtime", Flag),
        f("StoreMode", Flag),
    }
    DISCOVERY = "Discovery" { f("MDNS", s(&MDNS)) }
    MDNS = "MDNS" { f("Enabled", Bool) }
    ROUTING = "Routing" {
        p("Type", OptStr),
        o("AcceleratedDHTClient", Flag),
        o("LoopbackAddressesOnLanDHT", Flag),
        o("IgnoreProviders", STR_LIST),
        f("DelegatedRouters", STR_LIST),
        o("Routers", Map("config.Routers", &Router)),
        o("Methods", Map("config.Methods", &s(&METHOD))),
    }
    METHOD = "Method" { f("RouterName", STR) }
    HTTP_PARAMS = "HTTPRouterParams" {
        f("Endpoint", STR),
        f("MaxProvideBatchSize", Int("int")),
        f("MaxProvideConcurrency", Int("int")),
    }
    DHT_PARAMS = "DHTRouterParams" {
        f("Mode", Str("config.DHTMode")),
        o("AcceleratedDHTClient", Bool),
        f("PublicIPNetwork", Bool),
    }
    COMPOSABLE_PARAMS = "ComposableRouterParams" {
        f("Routers", List(&s(&CONFIG_ROUTER))),
        p("Timeout", OptDuration),
    }
    CONFIG_ROUTER = "ConfigRouter" {
        f("RouterName", STR),
        f("Timeout", Duration),
        f("IgnoreErrors", Bool),
        p("ExecuteAfter", OptDuration),
    }
    IPNS = "Ipns" {
        f("RepublishPeriod", STR),
        f("RecordLifetime", STR),
        f("ResolveCacheSize", Int("int")),
        p("MaxCacheTTL", OptDuration),
        o("UsePubsub", Flag),
        f("DelegatedPublishers", STR_LIST),
    }
    GATEWAY = "Gateway" {
        f("HTTPHeaders", HEADERS),
        f("RootRedirect", STR),
        f("NoFetch", Bool),
        f("NoDNSLink", Bool),
        f("DeserializedResponses", Flag),
        f("AllowCodecConversion", Flag),
        f("DisableHTMLErrors", Flag),
        f("PublicGateways", Map("map[string]*config.GatewaySpec", &s(&GATEWAY_SPEC))),
        f("ExposeRoutingAPI", Flag),
        p("RetrievalTimeout", OptDuration),
        p("MaxRequestDuration", OptDuration),
        p("MaxConcurrentRequests", OptInt),
        p("MaxRangeRequestFileSize", OptBytes),
        p("DiagnosticServiceURL", OptStr),
    }
    GATEWAY_SPEC = "GatewaySpec" {
        f("Paths", STR_LIST),
        f("UseSubdomains", Bool),
        f("NoDNSLink", Bool),
        f("InlineDNSLink", Flag),
        f("DeserializedResponses", Flag),
    }
    API = "API" {
        f("HTTPHeaders", HEADERS),
        o("Authorizations", Map("map[string]*config.RPCAuthScope", &s(&RPC_AUTH_SCOPE))),
    }
    RPC_AUTH_SCOPE = "RPCAuthScope" { f("AuthSecret", STR), f("AllowedPaths", STR_LIST) }
    SWARM = "SwarmConfig" {
        f("AddrFilters", STR_LIST),
        f("DisableBandwidthMetrics", Bool),
        f("DisableNatPortMap", Bool),
        f("RelayClient", s(&RELAY_CLIENT)),
        f("RelayService", s(&RELAY_SERVICE)),
        o("EnableHolePunching", Flag),
        f("Transports", s(&TRANSPORTS)),
        f("ConnMgr", s(&CONN_MGR)),
        f("ResourceMgr", s(&RESOURCE_MGR)),
    }
    RELAY_CLIENT = "RelayClient" { o("Enabled", Flag), o("StaticRelays", STR_LIST) }
    RELAY_SERVICE = "RelayService" {
        o("Enabled", Flag),
        p("ConnectionDurationLimit", OptDuration),
        p("ConnectionDataLimit", OptInt),
        p("ReservationTTL", OptDuration),
        p("MaxReservations", OptInt),
        p("MaxCircuits", OptInt),
        p("BufferSize", OptInt),
        p("MaxReservationsPerIP", OptInt),
        p("MaxReservationsPerASN", OptInt),
    }
    TRANSPORTS = "Transports" {
        f("Network", s(&NETWORK)),
        f("Security", s(&SECURITY)),
        f("Multiplexers", s(&MULTIPLEXERS)),
    }
    NETWORK = "" {
        o("QUIC", Flag),
        o("TCP", Flag),
        o("Websocket", Flag),
        o("Relay", Flag),
        o("WebTransport", Flag),
        o("WebRTCDirect", Flag),
    }
    SECURITY = "" { o("TLS", Priority), o("Noise", Priority) }
    MULTIPLEXERS = "" { o("Yamux", Priority) }
    CONN_MGR = "ConnMgr" {
        p("Type", OptStr),
        p("LowWater", OptInt),
        p("HighWater", OptInt),
        p("GracePeriod", OptDuration),
        p("SilencePeriod", OptDuration),
    }
    RESOURCE_MGR = "ResourceMgr" {
        o("Enabled", Flag),
        o("Limits", Removed {
            text: "The Swarm.ResourceMgr.Limits configuration has been removed in Kubo 0.19 and should be empty or not present. To set custom libp2p limits, read https://github.com/ipfs/kubo/blob/master/docs/libp2p-resource-management.md#user-supplied-override-limits",
            allow_false: false,
        }),
        p("MaxMemory", OptBytes),
        p("MaxFileDescriptors", OptInt),
        o("Allowlist", STR_LIST),
    }
    AUTONAT = "AutoNATConfig" {
        o("ServiceMode", AutoNat),
        p("Throttle", s(&AUTONAT_THROTTLE)),
    }
    AUTONAT_THROTTLE = "AutoNATThrottleConfig" {
        f("GlobalLimit", Int("int")),
        f("PeerLimit", Int("int")),
        f("Interval", OptDuration),
    }
    AUTOTLS = "AutoTLS" {
        o("Enabled", Flag),
        o("AutoWSS", Flag),
        o("SkipDNSLookup", Flag),
        p("DomainSuffix", OptStr),
        p("RegistrationEndpoint", OptStr),
        p("RegistrationToken", OptStr),
        p("RegistrationDelay", OptDuration),
        p("CAEndpoint", OptStr),
        o("ShortAddrs", Flag),
    }
    PUBSUB = "PubsubConfig" {
        f("Router", STR),
        f("DisableSigning", Bool),
        o("Enabled", Flag),
        p("SeenMessagesTTL", OptDuration),
        p("SeenMessagesStrategy", OptStr),
    }
    PEERING = "Peering" { f("Peers", List(&Peer)) }
    DNS = "DNS" {
        f("Resolvers", Map("map[string]string", &STR)),
        p("MaxCacheTTL", OptDuration),
    }
    MIGRATION = "Migration" { o("DownloadSources", STR_LIST), o("Keep", STR) }
    AUTOCONF = "AutoConf" {
        p("URL", OptStr),
        o("Enabled", Flag),
        p("RefreshInterval", OptDuration),
        o("TLSInsecureSkipVerify", Flag),
    }
    PROVIDE = "Provide" {
        o("Enabled", Flag),
        p("Strategy", OptStr),
        p("BloomFPRate", OptInt),
        f("DHT", s(&PROVIDE_DHT)),
    }
    PROVIDE_DHT = "ProvideDHT" {
        p("Interval", OptDuration),
        p("MaxWorkers", OptInt),
        o("SweepEnabled", Flag),
        p("DedicatedPeriodicWorkers", OptInt),
        p("DedicatedBurstWorkers", OptInt),
        p("MaxProvideConnsPerWorker", OptInt),
        p("KeystoreBatchSize", OptInt),
        p("OfflineDelay", OptDuration),
        p("SendProviderRecordTimeout", OptDuration),
        o("ResumeEnabled", Flag),
    }
    PROVIDER = "Provider" {
        o("Enabled", Flag),
        p("Strategy", OptStr),
        p("WorkerCount", OptInt),
    }
    REPROVIDER = "Reprovider" { p("Interval", OptDuration), p("Strategy", OptStr) }
    HTTP_RETRIEVAL = "HTTPRetrieval" {
        o("Enabled", Flag),
        o("Allowlist", STR_LIST),
        o("Denylist", STR_LIST),
        p("NumWorkers", OptInt),
        p("MaxBlockSize", OptStr),
        o("TLSInsecureSkipVerify", Flag),
    }
    EXPERIMENTAL = "Experiments" {
        f("FilestoreEnabled", Bool),
        f("UrlstoreEnabled", Bool),
        o("ShardingEnabled", Bool),
        f("Libp2pStreamMounting", Bool),
        f("P2pHttpProxy", Bool),
        o("StrategicProviding", Bool),
        f("OptimisticProvide", Bool),
        f("OptimisticProvideJobsPoolSize", Int("int")),
        o("GatewayOverLibp2p", Bool),
        o("GraphsyncEnabled", Removed {
            text: "Support for Experimental.GraphsyncEnabled has been removed in Kubo 0.25.0, please remove this key. For more details see https://github.com/ipfs/kubo/pull/9747.",
            allow_false: true,
        }),
        o("AcceleratedDHTClient", Removed {
            text: "The Experimental.AcceleratedDHTClient key has been moved to Routing.AcceleratedDHTClient in Kubo 0.21, please use this new key and remove the old one.",
            allow_false: false,
        }),
    }
    PLUGINS = "Plugins" { f("Plugins", Map("map[string]config.Plugin", &s(&PLUGIN))) }
    PLUGIN = "Plugin" { f("Disabled", Bool), o("Config", Any) }
    PINNING = "Pinning" {
        f("RemoteServices", Map("map[string]config.RemotePinningService", &s(&REMOTE_SERVICE))),
    }
    REMOTE_SERVICE = "RemotePinningService" {
        f("API", s(&REMOTE_API)),
        f("Policies", s(&REMOTE_POLICIES)),
    }
    REMOTE_API = "RemotePinningServiceAPI" { f("Endpoint", STR), f("Key", STR) }
    REMOTE_POLICIES = "RemotePinningServicePolicies" { f("MFS", s(&REMOTE_MFS_POLICY)) }
    REMOTE_MFS_POLICY = "RemotePinningServiceMFSPolicy" {
        f("Enable", Bool),
        f("PinName", STR),
        f("RepinInterval", STR),
    }
    IMPORT = "Import" {
        f("CidVersion", OptInt),
        f("UnixFSRawLeaves", Flag),
        f("UnixFSChunker", OptStr),
        f("HashFunction", OptStr),
        f("UnixFSFileMaxLinks", OptInt),
        f("UnixFSDirectoryMaxLinks", OptInt),
        f("UnixFSHAMTDirectoryMaxFanout", OptInt),
        f("UnixFSHAMTDirectorySizeThreshold", OptBytes),
        f("UnixFSHAMTDirectorySizeEstimation", OptStr),
        f("UnixFSDAGLayout", OptStr),
        f("BatchMaxNodes", OptInt),
        f("BatchMaxSize", OptInt),
        f("FastProvideRoot", Flag),
        f("FastProvideDAG", Flag),
        f("FastProvideWait", Flag),
    }
    VERSION = "Version" {
        p("AgentSuffix", OptStr),
        o("SwarmCheckEnabled", Flag),
        p("SwarmCheckPercentThreshold", OptInt),
    }
    INTERNAL = "Internal" {
        p("Bitswap", s(&INTERNAL_BITSWAP)),
        p("UnixFSShardingSizeThreshold", OptStr),
        p("Libp2pForceReachability", OptStr),
        p("BackupBootstrapInterval", OptDuration),
        p("MFSNoFlushLimit", OptInt),
        p("ShutdownTimeout", OptDuration),
        o("CGNATCheck", Flag),
        o("DeadListenerCheck", Flag),
        o("NonPublicAddrPublishing", Flag),
    }
    INTERNAL_BITSWAP = "InternalBitswap" {
        f("TaskWorkerCount", OptInt),
        f("EngineBlockstoreWorkerCount", OptInt),
        f("EngineTaskWorkerCount", OptInt),
        f("MaxOutstandingBytesPerPeer", OptInt),
        f("ProviderSearchDelay", OptDuration),
        f("ProviderSearchMaxResults", OptInt),
        f("WantHaveReplaceSize", OptInt),
        Field { omit_empty: false, ..p("BroadcastControl", s(&BROADCAST_CONTROL)) },
    }
    BROADCAST_CONTROL = "BitswapBroadcastControl" {
        o("Enable", Flag),
        f("MaxPeers", OptInt),
        o("LocalPeers", Flag),
        o("PeeredPeers", Flag),
        f("MaxRandomPeers", OptInt),
        o("SendToPendingPeers", Flag),
    }
    BITSWAP = "Bitswap" { o("Libp2pEnabled", Flag), o("ServerEnabled", Flag) }
}
