//! What a daemon looks at when it has run for a while: whether it has found peers, and whether they run
//! a newer version.

use std::time::Duration;

use basalt::Node;
use basalt_commands::newer_version;
use tokio_util::sync::CancellationToken;

/// After this long there should be peers.
const FIRST: Duration = Duration::from_secs(60);
/// How often versions are compared.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// `Version.SwarmCheckPercentThreshold` where it is not set.
const PERCENT: i64 = 5;

/// Whether a list in the config has nothing in it.
fn is_empty(list: &serde_json::Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

/// Looks until `stop` is cancelled.
pub(super) fn watch(node: &Node, stop: CancellationToken) {
    let node = node.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = look(&node) => {}
            () = stop.cancelled() => {}
        }
    });
}

async fn look(node: &Node) {
    let (Some(network), Some(repo)) = (node.network(), node.repo()) else {
        return;
    };
    tokio::time::sleep(FIRST).await;
    let config = repo.config();
    if config.bootstrap().is_empty() && config.at("Peering.Peers").is_none_or(is_empty) {
        // That is how it was meant.
        return;
    }
    match network.connections().await {
        Err(_) => return,
        Ok(open) if open.is_empty() => {
            tracing::error!(target: "basalt::daemon", "failed to bootstrap (no peers found): consider updating Bootstrap or Peering section of your config");
            return;
        }
        Ok(_) => {}
    }
    if config.flag("Version.SwarmCheckEnabled") == Some(false) {
        return;
    }
    let percent = config.integer("Version.SwarmCheckPercentThreshold");
    let percent = percent.unwrap_or(PERCENT);
    loop {
        match newer_version(network, percent).await {
            Ok(None) => {}
            Ok(Some(newer)) => tracing::error!(target: "basalt::daemon", "{newer}"),
            Err(error) => {
                tracing::error!(target: "basalt::daemon", %error, "initial version check failed, will not be run again");
                return;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
