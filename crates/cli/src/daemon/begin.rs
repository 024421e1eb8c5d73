//! From the command line to an open node: `--init`, the repo's version, what the config forbids.

use std::io::BufRead;

use basalt::Node;
use basalt::repo::config::{Config, Severity, StartOptions};
use basalt::repo::{self, InitOptions, Repo, check_ours};
use basalt_commands::{Call, DaemonOptions, Error, Output, Result, denylists, init_repo};

/// `--init`: makes the repo where there is none.
pub(super) async fn init(call: &Call<DaemonOptions>, out: &Output<String>) -> Result<()> {
    if !call.options.init || !matches!(check_ours(call.ctx.repo()), Err(repo::Error::NoRepo(_))) {
        return Ok(());
    }
    let config = match call.options.init_config.as_ref().filter(|p| !p.is_empty()) {
        Some(path) => Some(
            tokio::fs::read(path)
                .await
                .map_err(|e| crate::disk::failed("open", path.as_ref(), &e))?,
        ),
        None => None,
    };
    let options = InitOptions {
        profiles: call.options.init_profile.clone().unwrap_or_default(),
        config,
        ..InitOptions::default()
    };
    init_repo(call.ctx.repo(), options, out.clone()).await
}

/// Answers for a repo of an older version, of which Basalt has never made any.
pub(super) async fn migrate(call: &Call<DaemonOptions>, out: &Output<String>) -> Result<()> {
    let dir = call.ctx.repo();
    if check_ours(dir).is_err() {
        return Ok(());
    }
    let version = match repo::read_version(dir) {
        Ok(version) if version < i64::from(basalt::REPO_VERSION) => version,
        _ => return Ok(()),
    };
    let shown = dir.display();
    let wanted = basalt::REPO_VERSION;
    out.emit(format!(
        "Kubo repository at {shown} has version {version} and needs to be migrated to version {wanted}.\n"
    ))
    .await?;
    let migrate = match call.options.migrate {
        Some(migrate) => migrate,
        None => yes(out).await?,
    };
    if !migrate {
        out.emit(format!("Not running migrations on repository at {shown}. Re-run daemon with --migrate or see 'ipfs repo migrate --help'\n"))
            .await?;
        return Err(Error::new("fs-repo requires migration"));
    }
    let why = format!(
        "Basalt has made no repo of version {version}: its file 'version' was changed by something else. If nothing else was, write {wanted} into it"
    );
    out.emit(format!("Repository migration failed:\n  {why}\n"))
        .await?;
    Err(Error::new(why))
}

/// Asks the user; three tries, and no answer is a no.
async fn yes(out: &Output<String>) -> Result<bool> {
    for _ in 0..3 {
        out.emit("Run migrations now? [y/N] ".to_owned()).await?;
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin()
                .lock()
                .read_line(&mut line)
                .map(|n| (n, line))
        });
        let line = match read.await {
            Ok(Ok((n, line))) if n > 0 => line,
            _ => {
                out.emit("Invalid input: EOF. Please try again.\n".to_owned())
                    .await?;
                continue;
            }
        };
        match line.trim() {
            "y" | "Y" => return Ok(true),
            "" | "n" | "N" => return Ok(false),
            _ => {
                out.emit("Please press either 'y' or 'n'\n".to_owned())
                    .await?;
            }
        }
    }
    Ok(false)
}

/// Opens the node.
pub(super) async fn open(call: &Call<DaemonOptions>) -> Result<Node> {
    let mut builder = Node::builder().repo(call.ctx.repo());
    builder = builder.denylists(denylists(call.ctx.repo()).await);
    if let Some(file) = call.ctx.config_file() {
        builder = builder.config_file(file);
    }
    if let Some(suffix) = &call.options.agent_suffix {
        builder = builder.agent_suffix(suffix);
    }
    Ok(builder.open().await?)
}

/// Whether the repo has the key of a private network.
pub(super) fn has_swarm_key(repo: &Repo) -> Result<bool> {
    let key = repo.swarm_key().map_err(|e| Error::new(e.to_string()))?;
    Ok(key.is_some())
}

/// Whether the environment refuses to be in the public network.
pub(super) fn is_private_forced() -> bool {
    std::env::var("LIBP2P_FORCE_PNET").is_ok_and(|v| v == "1")
}

/// Options that are there for old scripts.
pub(super) fn warn_of_flags(options: &DaemonOptions) {
    if options.disable_transport_encryption {
        tracing::warn!(target: "basalt::daemon", "Running with --disable-transport-encryption: All connections are UNENCRYPTED. You will not be able to connect to regular encrypted networks.");
    }
    if options.enable_mplex.is_some() {
        tracing::error!(target: "basalt::daemon", "The mplex multiplexer has been removed, and the flag --enable-mplex-experiment with it.");
    }
    if options.enable_pubsub.is_some() {
        tracing::error!(target: "basalt::daemon", "The --enable-pubsub-experiment flag is deprecated. Use Pubsub.Enabled config option instead.");
    }
    if options.enable_ipns_pubsub.is_some() {
        tracing::error!(target: "basalt::daemon", "The --enable-namesys-pubsub flag is deprecated. Use Ipns.UsePubsub config option instead.");
    }
}

/// Whether PubSub is on, if options say: by itself, or for the sake of names.
pub(super) fn asked_pubsub(options: &DaemonOptions, config: &Config) -> Option<bool> {
    let (pubsub, names) = (options.enable_pubsub, options.enable_ipns_pubsub);
    if pubsub.is_none() && names.is_none() {
        return None;
    }
    let names = names.unwrap_or(config.flag("Ipns.UsePubsub") == Some(true));
    Some(pubsub.unwrap_or(config.pubsub().enabled) || names)
}

/// Starts the network unless the daemon is to be offline, and gives what is to be said of it.
pub(super) async fn network(node: &Node, start: &StartOptions) -> Result<String> {
    if !start.online {
        return Ok("Swarm not listening, running in offline mode.\n".to_owned());
    }
    let failed = |e: basalt::Error| {
        Error::new(format!(
            "constructing the node (see log for full detail): {e}"
        ))
    };
    let network = node.start_network(start).await.map_err(failed)?;
    let config = node.require_repo()?.config();
    let routing = start.routing.as_deref().unwrap_or(config.routing_type());
    // The public network's routers know nothing of a private one, and need not know of it.
    let routing = match routing {
        "auto" if start.private_network => "dht",
        other => other,
    };
    let routing = node.start_routing(Some(routing)).await;
    routing.map_err(failed)?;
    node.start_name_gossip(start).await.map_err(failed)?;
    node.start_provider().await.map_err(failed)?;
    let addresses = network.listen_addresses().await;
    let addresses = addresses.map_err(|e| failed(e.into()))?;
    let mut said = match network.network_key() {
        Some(fingerprint) => super::greeting::private_network(fingerprint),
        None => String::new(),
    };
    said.push_str(&super::greeting::swarm(&addresses));
    Ok(said)
}

/// Refuses what the config or the environment forbids, and logs what it only warns of.
pub(super) async fn check(
    node: &Node,
    config: &Config,
    start: &StartOptions,
    has_key: bool,
    out: &Output<String>,
) -> Result<()> {
    let problems = config.validate(start);
    let early = |key: &str| {
        matches!(
            key,
            "AutoConf.URL" | "Bootstrap" | "Datastore.Type" | "Datastore.Spec"
        )
    };
    let fails_early = problems
        .iter()
        .any(|p| p.severity == Severity::Fatal && early(&p.key));
    for problem in &problems {
        match problem.severity {
            Severity::Fatal => {}
            Severity::Warning => tracing::error!(target: "basalt::config", "{}", problem.message),
            Severity::Hint => tracing::warn!(target: "basalt::config", "{}", problem.message),
        }
    }
    if !fails_early {
        let peer = config.string("Identity.PeerID").unwrap_or_default();
        out.emit(format!("PeerID: {peer}\n")).await?;
    }
    if start.private_network && !fails_early {
        warn_of_private_network(config, start);
    }
    node.check_start(start)?;
    if start.online && start.private_network && !has_key {
        return Err(Error::new(
            "constructing the node (see log for full detail): privnet: private network was not configured but is enforced by the environment",
        ));
    }
    if start.online && std::env::var_os("LIBP2P_MUX_PREFS").is_some_and(|v| !v.is_empty()) {
        return Err(Error::new(
            "constructing the node (see log for full detail): configuring muxers with LIBP2P_MUX_PREFS is no longer supported, use Swarm.Transports.Multiplexers",
        ));
    }
    if std::env::var_os("IPFS_REUSEPORT").is_some_and(|v| !v.is_empty()) {
        return Err(Error::new(
            "support for IPFS_REUSEPORT was removed. Use LIBP2P_TCP_REUSEPORT instead",
        ));
    }
    Ok(())
}

fn warn_of_private_network(config: &Config, start: &StartOptions) {
    let routing = start.routing.as_deref().unwrap_or(config.routing_type());
    if routing == "auto" {
        tracing::error!(target: "basalt::daemon", "Private networking (swarm.key / LIBP2P_FORCE_PNET) does not work with public HTTP IPNIs enabled by Routing.Type=auto. Kubo will use Routing.Type=dht instead. Update config to remove this message.");
    }
    if config.flag("AutoTLS.Enabled").is_none() {
        tracing::error!(target: "basalt::daemon", "private networking (swarm.key / LIBP2P_FORCE_PNET) is not compatible with AutoTLS. Set AutoTLS.Enabled=false in config to remove this message.");
    }
}
