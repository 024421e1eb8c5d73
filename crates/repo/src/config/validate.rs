//! What in a config keeps a node from starting, or should be said at its start.

mod import;
mod provide;
mod unknown;

use super::Config;
use crate::{Error, GoDuration, PrivateKey, go_text::quote, parse_byte_size, parse_peer_id};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The node does not start.
    Fatal,
    /// It is said and the node starts.
    Warning,
    /// It is said to those who look closely: nothing is wrong.
    Hint,
}

/// What a daemon says before what is wrong when it cannot put a node together.
pub const NOT_MADE: &str = "constructing the node (see log for full detail): ";

/// When a problem is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// While the repo is opened, or by the daemon before there is a node.
    Start,
    /// While the node is put together.
    Node,
}

/// Something in the config that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// When it is met; a daemon says it before the other ones of [`Stage::Node`].
    pub stage: Stage,
    /// How bad it is.
    pub severity: Severity,
    /// The key that it is about.
    pub key: String,
    /// What is wrong and what is allowed, in Kubo's words.
    pub message: String,
}

/// How the node is to be started, as far as it matters to the config.
#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    /// As a daemon, rather than for one command.
    pub daemon: bool,
    /// With the network.
    pub online: bool,
    /// The mode of `--routing`, where it was given.
    pub routing: Option<String>,
    /// In a private network: there is a `swarm.key`, or `LIBP2P_FORCE_PNET` is set.
    pub private_network: bool,
    /// Whether PubSub is on, where options say so in place of the config.
    pub pubsub: Option<bool>,
    /// Whether names are exchanged over PubSub, where options say so in place of the config.
    pub names_over_pubsub: Option<bool>,
}

impl Config {
    /// Every problem of a start with these options, the one that Kubo reports first first.
    ///
    /// Whether the hash function of `Import.HashFunction` can be computed is not looked at: that
    /// is known to those who compute it.
    pub fn validate(&self, start: &StartOptions) -> Vec<Problem> {
        let mut check = Check {
            config: self,
            stage: Stage::Start,
            problems: Vec::new(),
        };
        check.datastore();
        if start.daemon {
            check.auto_conf(start.private_network);
            check.daemon(start);
            check.unknown();
        }
        check.renamed();
        check.stage = Stage::Node;
        check.import();
        check.provide();
        check.identity();
        if start.online {
            check.online(start);
        }
        check.problems
    }

    /// The first problem that keeps a node from starting so, as an error.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] with Kubo's words.
    pub fn check_start(&self, start: &StartOptions) -> Result<(), Error> {
        let problems = self.validate(start);
        match problems.into_iter().find(|p| p.severity == Severity::Fatal) {
            Some(problem) if start.daemon && problem.stage == Stage::Node => {
                Err(Error::Setting(format!("{NOT_MADE}{}", problem.message)))
            }
            Some(problem) => Err(Error::Setting(problem.message)),
            None => Ok(()),
        }
    }
}

struct Check<'a> {
    config: &'a Config,
    stage: Stage,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn fatal(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.problem(Severity::Fatal, key.into(), message.into());
    }

    fn warn(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.problem(Severity::Warning, key.into(), message.into());
    }

    fn hint(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.problem(Severity::Hint, key.into(), message.into());
    }

    fn problem(&mut self, severity: Severity, key: String, message: String) {
        self.problems.push(Problem {
            stage: self.stage,
            severity,
            key,
            message,
        });
    }

    fn is_set(&self, key: &str) -> bool {
        self.config.at(key).is_some()
    }

    fn auto_conf(&mut self, private_network: bool) {
        let auto = self.config.auto_conf();
        if auto.enabled {
            if private_network && auto.is_public {
                let url = auto.url;
                self.fatal("AutoConf.URL", format!("AutoConf cannot use the default mainnet URL ({url}) on a private network (swarm.key or LIBP2P_FORCE_PNET detected). Either disable AutoConf by setting AutoConf.Enabled=false, or configure AutoConf.URL to point to a configuration service specific to your private swarm"));
            }
            return;
        }
        for key in [
            "Bootstrap",
            "DNS.Resolvers",
            "Routing.DelegatedRouters",
            "Ipns.DelegatedPublishers",
        ] {
            let in_list = self.config.strings(key).iter().any(|v| v == "auto");
            if in_list || self.config.string_map(key).values().any(|v| v == "auto") {
                self.warn(
                    key,
                    format!("{key} contains 'auto' but AutoConf.Enabled=false"),
                );
            }
        }
        if self.config.bootstrap() == ["auto"] {
            self.fatal("Bootstrap", "no usable bootstrap peers: AutoConf is disabled (AutoConf.Enabled=false) but 'auto' placeholder is used in Bootstrap config. Either set AutoConf.Enabled=true to enable automatic configuration, or replace 'auto' with specific Bootstrap peer addresses");
        }
    }

    fn daemon(&mut self, start: &StartOptions) {
        let config = self.config;
        let routing = match start.routing.as_deref() {
            None | Some("" | "default") => config.routing_type(),
            Some(routing) => routing,
        };
        if start.private_network && config.flag("AutoTLS.Enabled") == Some(true) {
            self.fatal("AutoTLS.Enabled", "private networking (swarm.key / LIBP2P_FORCE_PNET) does not work with AutoTLS.Enabled=true, update config to remove this message");
        }
        const MODES: [&str; 8] = [
            "auto",
            "autoclient",
            "dht",
            "dhtclient",
            "dhtserver",
            "none",
            "delegated",
            "custom",
        ];
        if routing == "supernode" {
            self.fatal(
                "Routing.Type",
                "supernode routing was never fully implemented and has been removed",
            );
        } else if !MODES.contains(&routing) {
            self.fatal(
                "Routing.Type",
                format!("unrecognized routing option: {routing}"),
            );
        }
        if routing == "custom" && config.flag("Routing.AcceleratedDHTClient") == Some(true) {
            self.fatal("Routing.AcceleratedDHTClient", "Routing.AcceleratedDHTClient option is set even tho Routing.Type is custom, using custom .AcceleratedDHTClient needs to be set on DHT routers individually");
        }
        // In a private network `auto` is taken for `dht`, which is said at the start.
        if start.private_network && routing == "autoclient" {
            self.fatal("Routing.Type", "private network does not work with Routing.Type=auto. Update your config to Routing.Type=dht (or none, and do manual peering)");
        }
        if ["Enabled", "Strategy", "WorkerCount"]
            .iter()
            .any(|k| self.is_set(&format!("Provider.{k}")))
        {
            self.fatal("Provider", "deprecated configuration detected. Manually migrate 'Provider' fields to 'Provide' and remove 'Provider' from your config. Documentation: https://github.com/ipfs/kubo/blob/master/docs/config.md#provide");
        }
        if ["Interval", "Strategy"]
            .iter()
            .any(|k| self.is_set(&format!("Reprovider.{k}")))
        {
            self.fatal("Reprovider", "deprecated configuration detected. Manually migrate 'Reprovider' fields to 'Provide': Reprovider.Strategy -> Provide.Strategy, Reprovider.Interval -> Provide.DHT.Interval. Remove 'Reprovider' from your config. Documentation: https://github.com/ipfs/kubo/blob/master/docs/config.md#provide");
        }
        if config.string("Provide.Strategy") == Some("flat") {
            self.fatal("Provide.Strategy", "Provide.Strategy='flat' is no longer supported. Use 'all' instead. Documentation: https://github.com/ipfs/kubo/blob/master/docs/config.md#providestrategy");
        }
        if config.flag("Experimental.StrategicProviding") == Some(true) {
            self.fatal("Experimental.StrategicProviding", "Experimental.StrategicProviding was removed. Remove it from your config. Documentation: https://github.com/ipfs/kubo/blob/master/docs/experimental-features.md#strategic-providing");
        }
        let sweep = config.flag("Provide.DHT.SweepEnabled").unwrap_or(true);
        if sweep && config.integer("Provide.DHT.MaxWorkers") == Some(0) {
            self.fatal("Provide.DHT.MaxWorkers", "invalid configuration: Provide.DHT.MaxWorkers cannot be 0 when Provide.DHT.SweepEnabled=true. Set Provide.DHT.MaxWorkers to a positive value (e.g., 16) to control resource usage. Documentation: https://github.com/ipfs/kubo/blob/master/docs/config.md#providedhtmaxworkers");
        }
        if routing == "delegated" && config.flag("Provide.Enabled").unwrap_or(true) {
            self.fatal("Routing.Type", "Routing.Type=delegated does not support content providing. Set Provide.Enabled=false in your config");
        }
    }

    fn datastore(&mut self) {
        let config = self.config;
        let old = ["Datastore.Type", "Datastore.Path"];
        if old
            .iter()
            .any(|k| config.string(k).is_some_and(|v| !v.is_empty()))
        {
            self.fatal("Datastore.Type", "old style datatstore config detected");
        } else if !self.is_set("Datastore.Spec") {
            self.fatal(
                "Datastore.Spec",
                "required Datastore.Spec entry missing from config file",
            );
        }
        if config.flag("Datastore.NoSync") == Some(true) {
            self.warn("Datastore.NoSync", "Datastore.NoSync is deprecated and has no effect: Basalt syncs what it has acknowledged");
        }
        if let Err(error) = config.datastore() {
            self.warn("Datastore", error.to_string());
        }
    }

    fn renamed(&mut self) {
        if self.config.flag("Experimental.ShardingEnabled") == Some(true) {
            self.fatal("Experimental.ShardingEnabled", "The `Experimental.ShardingEnabled` field is no longer used, please remove it from the config. Use Import.UnixFSHAMTDirectorySizeThreshold instead.");
        }
        let key = "Internal.UnixFSShardingSizeThreshold";
        if self.is_set(key) {
            let message = "The `Internal.UnixFSShardingSizeThreshold` field was renamed to `Import.UnixFSHAMTDirectorySizeThreshold`. Please update your config.\n";
            let both = self.is_set("Import.UnixFSHAMTDirectorySizeThreshold");
            let severity = if both {
                Severity::Fatal
            } else {
                Severity::Warning
            };
            self.problem(severity, key.to_owned(), message.to_owned());
        }
    }

    fn identity(&mut self) {
        let config = self.config;
        let id = config.string("Identity.PeerID").unwrap_or_default();
        if id.is_empty() {
            self.fatal(
                "Identity.PeerID",
                "identity was not set in config (was 'ipfs init' run?)",
            );
            return;
        }
        let given = match parse_peer_id(id) {
            Ok(given) => given,
            Err(error) => {
                self.fatal("Identity.PeerID", format!("peer ID invalid: {error}"));
                return;
            }
        };
        match config.private_key().as_ref().map(PrivateKey::peer_id) {
            Ok(own) if own == given => {}
            Ok(own) => self.fatal(
                "Identity.PeerID",
                format!("private key in config does not match id: {given} != {own}"),
            ),
            Err(Error::NoPrivateKey) => self.fatal(
                "Identity.PrivKey",
                format!("missing private key for node ID: {given}"),
            ),
            Err(error) => self.fatal("Identity.PrivKey", error.to_string()),
        }
    }

    fn online(&mut self, start: &StartOptions) {
        let config = self.config;
        if let Some(other) = config.string("Swarm.ConnMgr.Type")
            && !matches!(other, "none" | "basic" | "")
        {
            let other = quote(other);
            self.fatal(
                "Swarm.ConnMgr.Type",
                format!("unrecognized Swarm.ConnMgr.Type: {other}"),
            );
        }
        let on = config.pubsub().enabled || config.flag("Ipns.UsePubsub") == Some(true);
        if start.pubsub.unwrap_or(on) {
            self.pubsub();
        }
        self.relay();
        self.ipns();
        let off = |key: &str| config.flag(key) == Some(false);
        if off("Bitswap.Libp2pEnabled") && off("HTTPRetrieval.Enabled") {
            self.fatal("Bitswap.Libp2pEnabled", "invalid configuration: Bitswap.Libp2pEnabled and HTTPRetrieval.Enabled are both disabled, unable to initialize Bitswap");
        }
        let size = "HTTPRetrieval.MaxBlockSize";
        if !off("HTTPRetrieval.Enabled")
            && let Some(text) = config.string(size)
            && let Err(error) = parse_byte_size(text)
        {
            self.fatal(size, error.to_string());
        }
        if off("Swarm.Transports.Multiplexers.Yamux") {
            self.fatal(
                "Swarm.Transports.Multiplexers.Yamux",
                "running libp2p with Swarm.Transports.Multiplexers.Yamux disabled is not supported",
            );
        }
        if let Some(other) = config.string("Internal.Libp2pForceReachability")
            && !matches!(other, "public" | "private" | "")
        {
            self.fatal(
                "Internal.Libp2pForceReachability",
                format!("unrecognized reachability option: {other}"),
            );
        }
        if start.private_network {
            for (key, name, short) in [
                ("Swarm.Transports.Network.QUIC", "QUIC", "QUIC"),
                (
                    "Swarm.Transports.Network.WebTransport",
                    "WebTransport",
                    "WebTransport",
                ),
                (
                    "Swarm.Transports.Network.WebRTCDirect",
                    "WebRTC Direct",
                    "WebRTCDirect",
                ),
            ] {
                if config.flag(key) == Some(true) {
                    self.fatal(key, format!("{name} transport does not support private networks, please disable Swarm.Transports.Network.{short}"));
                }
            }
        }
        for id in config.strings("Routing.IgnoreProviders") {
            if let Err(error) = parse_peer_id(&id) {
                self.fatal("Routing.IgnoreProviders", error.to_string());
            }
        }
        for filter in config.strings("Swarm.AddrFilters") {
            if !is_address_range(&filter) {
                self.fatal(
                    "Swarm.AddrFilters",
                    format!("incorrectly formatted address filter in config: {filter}"),
                );
            }
        }
    }

    fn pubsub(&mut self) {
        let strategy = self.config.string("Pubsub.SeenMessagesStrategy");
        if let Some(other) = strategy.filter(|s| !matches!(*s, "last-seen" | "first-seen")) {
            let other = quote(other);
            self.fatal(
                "Pubsub.SeenMessagesStrategy",
                format!("unsupported Pubsub.SeenMessagesStrategy {other}"),
            );
        }
        let router = self.config.pubsub().router;
        if !matches!(router.as_str(), "" | "gossipsub" | "floodsub") {
            self.fatal("Pubsub.Router", format!("unknown pubsub router {router}"));
        }
    }

    fn relay(&mut self) {
        let config = self.config;
        let relay = config
            .flag("Swarm.Transports.Network.Relay")
            .unwrap_or(true);
        let client = config.flag("Swarm.RelayClient.Enabled").unwrap_or(relay);
        for (key, enabled) in [
            (
                "Swarm.RelayService",
                config.flag("Swarm.RelayService.Enabled"),
            ),
            (
                "Swarm.RelayClient",
                config.flag("Swarm.RelayClient.Enabled"),
            ),
        ] {
            if !relay && enabled == Some(true) {
                self.fatal(key, format!("Failed to enable `{key}`, it requires `Swarm.Transports.Network.Relay` to be true."));
            }
        }
        if config.flag("Swarm.EnableHolePunching") == Some(true) && !client {
            self.fatal("Swarm.EnableHolePunching", "failed to enable Swarm.EnableHolePunching: it requires Swarm.RelayClient.Enabled to be true");
        }
    }

    fn ipns(&mut self) {
        let config = self.config;
        if config
            .integer("Ipns.ResolveCacheSize")
            .is_some_and(|size| size < 0)
        {
            self.fatal(
                "Ipns.ResolveCacheSize",
                "cannot specify negative resolve cache size",
            );
        }
        let text = |key| config.string(key).filter(|t| !t.is_empty());
        let mut period = GoDuration::from_secs(4 * 3600);
        if let Some(text) = text("Ipns.RepublishPeriod") {
            let day = GoDuration::from_secs(24 * 3600);
            match text.parse::<GoDuration>() {
                Err(e) => self.fatal(
                    "Ipns.RepublishPeriod",
                    format!("failure to parse config setting IPNS.RepublishPeriod: {e}"),
                ),
                // As in Kubo, one who debugs may do it more often.
                Ok(d) if !debugs() && (d < GoDuration::from_secs(60) || d > day) => {
                    self.fatal(
                        "Ipns.RepublishPeriod",
                        format!(
                            "config setting IPNS.RepublishPeriod is not between 1min and 1day: {d}"
                        ),
                    );
                }
                Ok(d) => period = d,
            }
        }
        let key = "Ipns.RecordLifetime";
        match text(key).map(str::parse::<GoDuration>) {
            None => {}
            Some(Err(e)) => self.fatal(
                key,
                format!("failure to parse config setting IPNS.RecordLifetime: {e}"),
            ),
            Some(Ok(lifetime)) if lifetime < period => {
                self.fatal(key, format!("config setting IPNS.RecordLifetime ({lifetime}) must be >= IPNS.RepublishPeriod ({period}), otherwise records expire before they are republished"));
            }
            Some(Ok(_)) => {}
        }
    }
}

/// `/ip4/10.0.0.0/ipcidr/8` and its like.
fn is_address_range(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        ["", "ip4", ip, "ipcidr", bits] => {
            ip.parse::<std::net::Ipv4Addr>().is_ok() && bits.parse::<u8>().is_ok_and(|b| b <= 32)
        }
        ["", "ip6", ip, "ipcidr", bits] => {
            ip.parse::<std::net::Ipv6Addr>().is_ok() && bits.parse::<u8>().is_ok_and(|b| b <= 128)
        }
        _ => false,
    }
}

/// Whether the environment variable `DEBUG` says yes.
fn debugs() -> bool {
    let text = std::env::var("DEBUG").unwrap_or_default();
    matches!(text.to_ascii_lowercase().as_str(), "true" | "t" | "1")
}

#[cfg(test)]
mod tests;
