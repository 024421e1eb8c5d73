//! Mounting as the daemon starts.

use basalt::repo::config::Config;
use basalt_commands::{Context, DaemonOptions, Error, Result};
use basalt_fuse::Points;

/// Mounts where the options and the configuration say, and tells where.
pub(super) async fn mount(
    ctx: &Context,
    config: &Config,
    options: &DaemonOptions,
) -> Result<String> {
    let points = Points::new(
        config,
        options.mount_ipfs.clone(),
        options.mount_ipns.clone(),
        options.mount_mfs.clone(),
    );
    let checked = points.clone();
    // The folders may lie on a file system that does not answer.
    let checked = tokio::task::spawn_blocking(move || checked.check()).await;
    let checked = checked.map_err(|e| Error::new(e.to_string()))?;
    checked.map_err(|e| Error::new(e.to_string()))?;
    if let Some(mounts) = ctx.mounts() {
        let mounted = mounts.mount(&points).await;
        mounted.map_err(|e| Error::new(e.to_string()))?;
    }
    Ok(points.told())
}
