//! The daemon: a node, its listeners, and an orderly end.

mod listen;

pub(crate) use listen::unix_path;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt::Node;
use basalt::repo::config::StartOptions;
use basalt::repo::{InitOptions, check_ours};
use basalt_commands::{
    Call, Context, DaemonOptions, Error, Host, Output, Result, init_repo, version_text,
};
use basalt_rpc::{Access, Face, http};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long running requests may go on when the daemon ends.
const DRAIN: Duration = Duration::from_millis(500);

/// This program.
pub(crate) struct Program;

#[async_trait]
impl Host for Program {
    async fn daemon(&self, call: Call<DaemonOptions>, out: Output<String>) -> Result<()> {
        let told = out.clone();
        let done = run(call, out).await;
        if done.is_err() {
            // A blank line sets the error apart from the greeting.
            told.emit("\n".to_owned()).await?;
        }
        done
    }
}

async fn run(call: Call<DaemonOptions>, out: Output<String>) -> Result<()> {
    let signals = Signals::new()?;
    let options = &call.options;
    out.emit(format!("Initializing daemon...\n{}", version_text()))
        .await?;
    if options.manage_fdlimit {
        raise_file_limit();
    }
    if options.init && check_ours(call.ctx.repo()).is_err() {
        init(&call, out.clone()).await?;
    }
    let node = open(&call).await?;
    let repo = node.require_repo()?;
    let config = repo.config();
    let start = StartOptions {
        daemon: true,
        routing: (options.routing != "default").then(|| options.routing.clone()),
        ..StartOptions::default()
    };
    let peer = config.string("Identity.PeerID").unwrap_or_default();
    out.emit(format!("PeerID: {peer}\n")).await?;
    node.check_start(&start)?;
    out.emit("Swarm not listening, running in offline mode.\n".to_owned())
        .await?;
    if options.mount {
        return Err(Error::client(
            "mount is not currently supported in offline mode",
        ));
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
    let mut servers = tokio::task::JoinSet::new();
    for (at, address) in config.addresses().api.iter().enumerate() {
        let bound = listen::bind(address).await?;
        out.emit(format!("RPC API server listening on {}\n", bound.address))
            .await?;
        if at == 0 {
            files
                .write_api(&bound.address)
                .map_err(|e| Error::new(e.to_string()))?;
        }
        let face = Face::new(ctx.clone(), Access::new(&config, bound.port));
        let mut limits = http::Options::default();
        limits.drain = DRAIN;
        servers.spawn(http::serve(
            vec![bound.listener],
            face,
            limits,
            stop.clone(),
        ));
    }
    if options.enable_gc {
        node.start_auto_gc()?;
    }
    out.emit("Daemon is ready\n".to_owned()).await?;

    wait(signals, &shutdown).await;
    // Kubo says so for `ipfs shutdown` too. Whoever reads this may have gone; that does not keep the
    // daemon from ending well.
    let _ = out
        .emit(
            "Received interrupt signal, shutting down...\n(Hit ctrl-c again to force-shutdown the daemon.)\n"
                .to_owned(),
        )
        .await;
    stop.cancel();
    while servers.join_next().await.is_some() {}
    let _ = files.remove();
    node.close().await;
    Ok(())
}

async fn init(call: &Call<DaemonOptions>, out: Output<String>) -> Result<()> {
    let config = match &call.options.init_config {
        Some(path) => Some(
            tokio::fs::read(path)
                .await
                .map_err(|e| crate::disk::failed("open", path.as_ref(), &e))?,
        ),
        None => None,
    };
    let profiles = call.options.init_profile.clone().unwrap_or_default();
    let options = InitOptions {
        profiles,
        config,
        ..InitOptions::default()
    };
    init_repo(call.ctx.repo(), options, out).await
}

async fn open(call: &Call<DaemonOptions>) -> Result<Node> {
    let mut builder = Node::builder().repo(call.ctx.repo());
    if let Some(file) = call.ctx.config_file() {
        builder = builder.config_file(file);
    }
    if let Some(suffix) = &call.options.agent_suffix {
        builder = builder.agent_suffix(suffix);
    }
    Ok(builder.open().await?)
}

/// The signals that end a daemon.
struct Signals {
    int: Signal,
    term: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self {
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
        }
    }
}

/// Waits for the end. The second signal ends the process where it stands.
async fn wait(mut signals: Signals, shutdown: &CancellationToken) {
    let interrupted = tokio::select! {
        () = signals.next() => true,
        () = shutdown.cancelled() => false,
    };
    tokio::spawn(async move {
        if !interrupted {
            signals.next().await;
        }
        signals.next().await;
        eprintln!("Received another interrupt before graceful shutdown, terminating...");
        std::process::exit(255);
    });
}

/// Raises the number of open files as far as the system lets a process.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    let wanted = std::env::var("IPFS_FD_MAX")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(8192);
    let target = wanted.min(hard);
    if soft < target && setrlimit(Resource::RLIMIT_NOFILE, target, hard).is_err() {
        tracing::warn!(target: "basalt::daemon", soft, target, "cannot raise the limit of open files");
    }
}

/// The program as commands see it.
pub(crate) fn host() -> Option<Arc<dyn Host>> {
    Some(Arc::new(Program))
}
