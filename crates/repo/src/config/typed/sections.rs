use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::config::Config;
use crate::{Error, GoDuration, parse_byte_size};

/// Where the node listens and what it says of that: multiaddrs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Addresses {
    /// For peers.
    pub swarm: Vec<String>,
    /// Announced in place of what was found out, unless empty.
    pub announce: Vec<String>,
    /// Announced besides what was found out.
    pub append_announce: Vec<String>,
    /// Never announced: addresses, or ranges (`/ip4/10.0.0.0/ipcidr/8`).
    pub no_announce: Vec<String>,
    /// For the RPC API.
    pub api: Vec<String>,
    /// For the HTTP gateway.
    pub gateway: Vec<String>,
}

/// How the store is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datastore {
    /// The most that the store should hold, in bytes. Garbage collection keeps to it.
    pub storage_max: u64,
    /// Collection begins at so many percent of `storage_max`.
    pub gc_watermark: u8,
    /// How often it is looked whether to collect.
    pub gc_period: Duration,
    /// Blocks are verified each time they are read.
    pub hash_on_read: bool,
    /// The size of the filter of present blocks, in bytes; 0 is none.
    pub bloom_filter_size: i64,
    /// How many blocks' sizes are kept in memory; `None` for the default.
    pub block_key_cache_size: Option<i64>,
    /// Blocks are written without looking whether they are there.
    pub write_through: bool,
}

impl Datastore {
    /// The size in bytes at which collection begins.
    pub fn gc_threshold(&self) -> u64 {
        let threshold = u128::from(self.storage_max) * u128::from(self.gc_watermark) / 100;
        u64::try_from(threshold).unwrap_or(u64::MAX)
    }
}

/// How a directory's size is estimated, to decide whether it is sharded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HamtEstimation {
    /// By the lengths of names and CIDs.
    #[default]
    Links,
    /// By the size of the encoded block.
    Block,
    /// Directories are never sharded by size.
    Disabled,
}

/// Defaults of `add` and other commands that make blocks. `None` where the key is not set: some
/// commands derive a default of their own then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Import {
    /// 0 or 1.
    pub cid_version: Option<i64>,
    /// Leaves are blocks of plain bytes.
    pub raw_leaves: Option<bool>,
    /// `size-262144`, `rabin-…`, `buzhash`.
    pub chunker: Option<String>,
    /// The hash function's name.
    pub hash_function: Option<String>,
    /// Links of a file's node, at most.
    pub file_max_links: Option<i64>,
    /// Links of a directory's node, at most; 0 for any number.
    pub directory_max_links: Option<i64>,
    /// Children of a HAMT shard, at most.
    pub hamt_fanout: Option<i64>,
    /// The size in bytes above which a directory is sharded.
    pub hamt_threshold: Option<u64>,
    /// How that size is estimated.
    pub hamt_estimation: HamtEstimation,
    /// The layout of files is trickle rather than balanced; `None` when it is not set.
    pub trickle: Option<bool>,
    /// Nodes in one write, at most.
    pub batch_max_nodes: i64,
    /// Bytes in one write, at most.
    pub batch_max_size: i64,
    /// The root is announced at once.
    pub fast_provide_root: bool,
    /// Every block is announced at once.
    pub fast_provide_dag: bool,
    /// The command waits for that.
    pub fast_provide_wait: bool,
}

impl Import {
    /// The chunker, `size-262144` unless set.
    pub fn chunker_or_default(&self) -> &str {
        self.chunker.as_deref().unwrap_or("size-262144")
    }

    /// Links of a file's node, 174 unless set.
    pub fn file_max_links_or_default(&self) -> i64 {
        self.file_max_links.unwrap_or(174)
    }

    /// Children of a HAMT shard, 256 unless set.
    pub fn hamt_fanout_or_default(&self) -> i64 {
        self.hamt_fanout.unwrap_or(256)
    }

    /// The size above which a directory is sharded, 256 KiB unless set.
    pub fn hamt_threshold_or_default(&self) -> u64 {
        self.hamt_threshold.unwrap_or(256 * 1024)
    }
}

/// The HTTP gateway's settings; those for single host names are left to it, in
/// `Gateway.PublicGateways`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewaySettings {
    /// Headers of every answer.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Where `/` leads; empty for nowhere.
    pub root_redirect: String,
    /// Only what is stored locally is served.
    pub no_fetch: bool,
    /// Host names are not looked up in DNSLink.
    pub no_dns_link: bool,
    /// Files and directories are served, not only blocks and CARs.
    pub deserialized_responses: bool,
    /// One codec may be served as another.
    pub allow_codec_conversion: bool,
    /// Errors are plain text.
    pub disable_html_errors: bool,
    /// Routing is served at `/routing/v1`.
    pub expose_routing_api: bool,
    /// Without progress for so long, an answer is given up; `None` for never.
    pub retrieval_timeout: Option<Duration>,
    /// An answer takes at most so long.
    pub max_request_duration: Duration,
    /// Requests at a time; 0 for any number.
    pub max_concurrent_requests: i64,
    /// Ranges of larger files are refused; 0 for no limit. In bytes.
    pub max_range_request_file_size: u64,
    /// A service that tells why content cannot be had; empty for none.
    pub diagnostic_service_url: String,
}

/// Who may call the RPC, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcAuthorization {
    /// `bearer:TOKEN`, `basic:USER:PASSWORD`, `basic:BASE64`, or a bare token.
    pub secret: String,
    /// Prefixes of the paths that are allowed.
    pub allowed_paths: Vec<String>,
}

/// A remote pinning service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePinningService {
    /// The URL of its API.
    pub endpoint: String,
    /// The secret that it asks for.
    pub key: String,
    /// The mutable file tree is pinned there.
    pub mfs_enable: bool,
    /// The pin's name; empty for the default.
    pub mfs_pin_name: String,
    /// How often it is renewed; empty for the default.
    pub mfs_repin_interval: String,
}

/// Publish and subscribe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pubsub {
    /// Whether it is on.
    pub enabled: bool,
    /// `gossipsub`, `floodsub`, or empty for the default.
    pub router: String,
    /// Messages are not signed.
    pub disable_signing: bool,
}

/// Where `auto` placeholders are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoConf {
    /// Whether they are.
    pub enabled: bool,
    /// The document that resolves them.
    pub url: String,
    /// Whether that is the public network's.
    pub is_public: bool,
    /// How often it is fetched.
    pub refresh_interval: Duration,
}

const GC_PERIOD: GoDuration = GoDuration::from_secs(3600);
const SHUTDOWN_TIMEOUT: GoDuration = GoDuration::from_secs(12 * 3600);

impl Config {
    /// `Addresses`.
    pub fn addresses(&self) -> Addresses {
        let list = |key: &str| self.strings(&format!("Addresses.{key}"));
        Addresses {
            swarm: list("Swarm"),
            announce: list("Announce"),
            append_announce: list("AppendAnnounce"),
            no_announce: list("NoAnnounce"),
            api: list("API"),
            gateway: list("Gateway"),
        }
    }

    /// `Datastore`, but for its `Spec`, which Basalt does not use.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] names the key whose value cannot be used.
    pub fn datastore(&self) -> Result<Datastore, Error> {
        let storage_max = match self.string("Datastore.StorageMax") {
            None | Some("") => 10_000_000_000,
            Some(text) => parse_byte_size(text).map_err(|e| {
                let key = "Datastore.StorageMax";
                Error::Setting(format!("{key} must be a byte size such as 10GB: {e}"))
            })?,
        };
        let period = "a positive duration such as 1h";
        let gc_period = self
            .parsed::<GoDuration>("Datastore.GCPeriod", period)?
            .unwrap_or(GC_PERIOD);
        let gc_period = gc_period.to_std().ok_or_else(|| {
            Error::Setting(format!(
                "Datastore.GCPeriod must be {period}, got {gc_period}"
            ))
        })?;
        let gc_watermark = match self.integer("Datastore.StorageGCWatermark") {
            None | Some(0) => 90,
            Some(percent @ 1..=100) => percent as u8,
            Some(other) => {
                return Err(Error::Setting(format!(
                    "Datastore.StorageGCWatermark must be between 1 and 100, got {other}"
                )));
            }
        };
        Ok(Datastore {
            storage_max,
            gc_watermark,
            gc_period,
            hash_on_read: self.flag("Datastore.HashOnRead").unwrap_or(false),
            bloom_filter_size: self.integer("Datastore.BloomFilterSize").unwrap_or(0),
            block_key_cache_size: self.integer("Datastore.BlockKeyCacheSize"),
            write_through: self.flag("Datastore.WriteThrough").unwrap_or(true),
        })
    }

    /// `Import`.
    pub fn import(&self) -> Import {
        let key = |name: &str| format!("Import.{name}");
        let integer = |name: &str| self.integer(&key(name));
        let string = |name: &str| self.string(&key(name)).map(str::to_owned);
        let flag = |name: &str| self.flag(&key(name));
        let threshold = self
            .bytes("Import.UnixFSHAMTDirectorySizeThreshold")
            // Its name until Kubo 0.40.
            .or_else(|| self.bytes("Internal.UnixFSShardingSizeThreshold"));
        Import {
            cid_version: integer("CidVersion"),
            raw_leaves: flag("UnixFSRawLeaves"),
            chunker: string("UnixFSChunker"),
            hash_function: string("HashFunction"),
            file_max_links: integer("UnixFSFileMaxLinks"),
            directory_max_links: integer("UnixFSDirectoryMaxLinks"),
            hamt_fanout: integer("UnixFSHAMTDirectoryMaxFanout"),
            hamt_threshold: threshold,
            hamt_estimation: match self.string("Import.UnixFSHAMTDirectorySizeEstimation") {
                Some("block") => HamtEstimation::Block,
                Some("disabled") => HamtEstimation::Disabled,
                _ => HamtEstimation::Links,
            },
            trickle: self
                .string("Import.UnixFSDAGLayout")
                .map(|layout| layout == "trickle"),
            batch_max_nodes: integer("BatchMaxNodes").unwrap_or(128),
            batch_max_size: integer("BatchMaxSize").unwrap_or(100 << 20),
            fast_provide_root: flag("FastProvideRoot").unwrap_or(true),
            fast_provide_dag: flag("FastProvideDAG").unwrap_or(false),
            fast_provide_wait: flag("FastProvideWait").unwrap_or(false),
        }
    }

    /// `Gateway`.
    pub fn gateway(&self) -> GatewaySettings {
        let key = |name: &str| format!("Gateway.{name}");
        let flag = |name: &str, default: bool| self.flag(&key(name)).unwrap_or(default);
        let seconds = |name: &str| self.duration(&key(name)).and_then(GoDuration::to_std);
        let string = |name: &str| self.string(&key(name)).map(str::to_owned);
        let retrieval = seconds("RetrievalTimeout").unwrap_or(Duration::from_secs(30));
        let duration = seconds("MaxRequestDuration").filter(|d| !d.is_zero());
        let diagnostics = "https://check.ipfs.network".to_owned();
        GatewaySettings {
            headers: self.headers("Gateway.HTTPHeaders"),
            root_redirect: string("RootRedirect").unwrap_or_default(),
            no_fetch: flag("NoFetch", false),
            no_dns_link: flag("NoDNSLink", false),
            deserialized_responses: flag("DeserializedResponses", true),
            allow_codec_conversion: flag("AllowCodecConversion", false),
            disable_html_errors: flag("DisableHTMLErrors", false),
            expose_routing_api: flag("ExposeRoutingAPI", true),
            retrieval_timeout: (!retrieval.is_zero()).then_some(retrieval),
            max_request_duration: duration.unwrap_or(Duration::from_secs(3600)),
            max_concurrent_requests: self
                .integer("Gateway.MaxConcurrentRequests")
                .unwrap_or(4096),
            max_range_request_file_size: self.bytes("Gateway.MaxRangeRequestFileSize").unwrap_or(0),
            diagnostic_service_url: string("DiagnosticServiceURL").unwrap_or(diagnostics),
        }
    }

    /// `API.Authorizations`: empty when everybody who reaches the RPC may call it.
    pub fn rpc_authorizations(&self) -> BTreeMap<String, RpcAuthorization> {
        let object = self.at("API.Authorizations").and_then(Value::as_object);
        let scope = |v: &Value| RpcAuthorization {
            secret: v["AuthSecret"].as_str().unwrap_or_default().to_owned(),
            allowed_paths: v["AllowedPaths"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|p| p.as_str().map(str::to_owned))
                .collect(),
        };
        object
            .into_iter()
            .flatten()
            .map(|(name, v)| (name.clone(), scope(v)))
            .collect()
    }

    /// `Pinning.RemoteServices`, secrets included.
    pub fn remote_pinning_services(&self) -> BTreeMap<String, RemotePinningService> {
        let object = self.at("Pinning.RemoteServices").and_then(Value::as_object);
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let service = |v: &Value| RemotePinningService {
            endpoint: text(&v["API"]["Endpoint"]),
            key: text(&v["API"]["Key"]),
            mfs_enable: v["Policies"]["MFS"]["Enable"] == true,
            mfs_pin_name: text(&v["Policies"]["MFS"]["PinName"]),
            mfs_repin_interval: text(&v["Policies"]["MFS"]["RepinInterval"]),
        };
        object
            .into_iter()
            .flatten()
            .map(|(name, v)| (name.clone(), service(v)))
            .collect()
    }

    /// `Pubsub`.
    pub fn pubsub(&self) -> Pubsub {
        Pubsub {
            enabled: self.flag("Pubsub.Enabled").unwrap_or(false),
            router: self.string("Pubsub.Router").unwrap_or_default().to_owned(),
            disable_signing: self.flag("Pubsub.DisableSigning").unwrap_or(false),
        }
    }

    /// `AutoConf`.
    pub fn auto_conf(&self) -> AutoConf {
        let interval = self.duration("AutoConf.RefreshInterval");
        let public = crate::config::autoconf::DEFAULT_URL;
        let url = self.string("AutoConf.URL").unwrap_or(public);
        AutoConf {
            enabled: self.flag("AutoConf.Enabled").unwrap_or(true),
            is_public: url == public,
            url: url.to_owned(),
            refresh_interval: interval
                .and_then(GoDuration::to_std)
                .unwrap_or(Duration::from_secs(24 * 3600)),
        }
    }

    /// `Bootstrap`, as written: `auto` is in it still.
    pub fn bootstrap(&self) -> Vec<String> {
        self.strings("Bootstrap")
    }

    /// `Routing.Type`: `auto`, `autoclient`, `dht`, `dhtclient`, `dhtserver`, `none`, `delegated`
    /// or `custom`.
    pub fn routing_type(&self) -> &str {
        self.string("Routing.Type").unwrap_or("auto")
    }

    /// `Internal.ShutdownTimeout`; `None` when the node may take for ever.
    pub fn shutdown_timeout(&self) -> Option<Duration> {
        let timeout = self.duration("Internal.ShutdownTimeout");
        let timeout = timeout.unwrap_or(SHUTDOWN_TIMEOUT).to_std();
        timeout.filter(|t| !t.is_zero())
    }
}
