//! The daemon: a node, its listeners, and an orderly end.

mod begin;
mod domains;
mod files;
mod first_minute;
mod gateway;
mod gateway_for_peers;
mod greeting;
mod listen;
mod mount;
mod p2p_proxy;
mod systemd;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt::Node;
use basalt::repo::config::{Config, StartOptions};
use basalt_commands::{Call, Context, DaemonOptions, Error, Host, Output, Result, version_text};
use basalt_http as http;
use basalt_http::metrics::Requests;
use basalt_rpc::{Access, Face, Pages};
use listen::{Bound, Purpose};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::interrupt::Interrupt;

/// How long running requests may go on when the daemon ends.
const DRAIN: Duration = Duration::from_millis(500);

/// The program as commands see it.
pub(crate) fn host(interrupt: Interrupt) -> Option<Arc<dyn Host>> {
    Some(Arc::new(Program { interrupt }))
}

/// This program.
struct Program {
    interrupt: Interrupt,
}

#[async_trait]
impl Host for Program {
    async fn daemon(&self, call: Call<DaemonOptions>, out: Output<String>) -> Result<()> {
        let told = out.clone();
        let done = run(call, out, &self.interrupt).await;
        if done.is_err() {
            // A blank line sets the error apart from the greeting.
            told.emit("\n".to_owned()).await?;
        }
        done
    }
}

async fn run(call: Call<DaemonOptions>, out: Output<String>, interrupt: &Interrupt) -> Result<()> {
    let options = &call.options;
    out.emit(format!("Initializing daemon...\n{}", version_text()))
        .await?;
    if options.manage_fdlimit {
        files::raise_limit();
    }
    begin::init(&call, &out).await?;
    begin::migrate(&call, &out).await?;
    let node = begin::open(&call).await?;
    let end = run_node(&call, &node, &out, interrupt).await;
    node.close().await;
    end
}

async fn run_node(
    call: &Call<DaemonOptions>,
    node: &Node,
    out: &Output<String>,
    interrupt: &Interrupt,
) -> Result<()> {
    let (options, globals) = (&call.options, &call.meta.globals);
    let repo = node.require_repo()?;
    let config = repo.config();
    let has_key = begin::has_swarm_key(repo)?;
    begin::warn_of_flags(options);
    let start = StartOptions {
        daemon: true,
        online: !globals.offline,
        routing: Some(options.routing.clone()).filter(|r| r != "default" && !r.is_empty()),
        private_network: has_key || begin::is_private_forced(),
        pubsub: begin::asked_pubsub(options, &config),
        names_over_pubsub: options.enable_ipns_pubsub,
    };
    begin::check(node, &config, &start, has_key, out).await?;
    if start.online {
        node.start_auto_conf().await?;
    }
    let swarm = begin::network(node, &start).await?;
    out.emit(swarm).await?;
    if config
        .private_key()
        .is_ok_and(|key| key.algorithm() == "rsa")
    {
        out.emit(greeting::RSA_WARNING.to_owned()).await?;
    }

    let shutdown = CancellationToken::new();
    let stop = CancellationToken::new();
    let ctx = Context::daemon(
        call.ctx.repo().to_owned(),
        call.ctx.config_file().map(Into::into),
        node.clone(),
        shutdown.clone(),
    );
    let files = repo
        .address_files()
        .map_err(|e| Error::new(e.to_string()))?;
    let bound = listen(&config, globals.api.as_deref()).await?;
    out.emit(greeting::listeners(&config, &bound)).await?;
    let address = bound.first().map(Bound::reachable);
    tokio::spawn(node.denylists().clone().watch(stop.clone()));
    let content = gateway::open(node, &config);
    let pages = Pages::new(&config, options.unrestricted_api, Requests::new("api"));
    let routing = config.gateway().expose_routing_api;
    let routing = routing.then(|| node.routing_server());
    let counted = (content.clone(), routing.clone());
    let asked = Requests::new("gateway");
    let pages = pages
        .with_content(gateway::as_content(&content))
        .with_requests(asked.clone())
        .with_metrics(Arc::new(move |out| {
            counted.0.write_metrics(out);
            if let Some(routing) = &counted.1 {
                routing.write_metrics(out);
            }
        }));
    let mut servers = JoinSet::new();
    for bound in bound {
        let access = Access::new(&config, bound.socket.map(|socket| socket.port()));
        let face = Face::new(ctx.clone(), access, pages.clone());
        let mut limits = http::Options::default();
        limits.drain = DRAIN;
        let listeners = vec![bound.listener];
        servers.spawn(http::serve(listeners, face, limits, stop.clone()));
    }
    if let Some(address) = &address {
        files
            .write_api(address)
            .map_err(|e| Error::new(format!("serveHTTPApi: SetAPIAddr() failed: {e}")))?;
    }
    let bound = gateway::listen(&config).await?;
    out.emit(gateway::greeting(&bound, routing.is_some()))
        .await?;
    let url = gateway::serve(
        &p2p_proxy::Front::new(&content, routing, node, asked),
        bound,
        &config,
        &mut servers,
        &stop,
    )?;
    if let Some(url) = &url {
        files
            .write_gateway(url)
            .map_err(|e| Error::new(format!("serveHTTPGateway: SetGatewayAddr() failed: {e}")))?;
    }
    gateway_for_peers::serve(node, &config, &mut servers, &stop)?;
    if options.mount {
        if globals.offline {
            return Err(Error::client(
                "mount is not currently supported in offline mode",
            ));
        }
        out.emit(mount::mount(&ctx, &config, options).await?)
            .await?;
    }
    if options.enable_gc
        && let Err(error) = node.start_auto_gc()
    {
        tracing::error!(target: "basalt::daemon", %error, "garbage is not collected by itself");
    }
    node.start_mfs_policies();
    first_minute::watch(node, stop.clone());
    out.emit("Daemon is ready\n".to_owned()).await?;
    systemd::notify("READY=1");
    if node.routing().is_some_and(basalt::Routing::is_accelerated) {
        out.emit(greeting::ACCELERATED.to_owned()).await?;
    }

    tokio::select! {
        () = interrupt.asked() => {}
        () = shutdown.cancelled() => {}
    }
    systemd::notify("STOPPING=1");
    // Kubo says so for `ipfs shutdown` too. Whoever reads this may have gone; that does not keep the
    // daemon from ending well.
    let _ = out.emit(greeting::STOPPING.to_owned()).await;
    // Their requests end by themselves then, and nobody waits for them.
    node.end_watches();
    stop.cancel();
    while servers.join_next().await.is_some() {}
    if let Some(mounts) = ctx.mounts() {
        mounts.close().await;
    }
    let _ = files.remove();
    Ok(())
}

/// Listens where the supervisor, `--api` or the config says.
async fn listen(config: &Config, asked: Option<&str>) -> Result<Vec<Bound>> {
    let mut bound = Vec::new();
    for passed in systemd::listeners(Purpose::Api)? {
        bound.push(Bound::passed(passed)?);
    }
    let addresses = match asked {
        Some(address) => vec![address.to_owned()],
        None => config.addresses().api,
    };
    let mut taken: Vec<String> = bound.iter().map(|b| b.address.clone()).collect();
    for address in addresses {
        // One that was passed, or that stands in the list twice.
        if taken.contains(&address) {
            continue;
        }
        bound.push(listen::bind(&address, Purpose::Api).await?);
        taken.push(address);
    }
    Ok(bound)
}
