use basalt::repo::{self, Repo};

use crate::{Context, Error, Result};

/// Does blocking work on the repo and leaves its store alone: on the open node's, or else on one
/// that is opened and locked meanwhile. A repo whose store does not open can be repaired this way.
pub(crate) async fn with_repo<T: Send + 'static>(
    ctx: &Context,
    work: impl FnOnce(&Repo) -> Result<T, repo::Error> + Send + 'static,
) -> Result<T> {
    let node = ctx.opened_node().cloned();
    let (dir, file) = (
        ctx.repo().to_owned(),
        ctx.config_file().map(ToOwned::to_owned),
    );
    let done = tokio::task::spawn_blocking(move || match node {
        Some(node) => Ok(work(node.require_repo()?)?),
        None => Ok(work(&Repo::open(&dir, file.as_deref())?)?),
    });
    done.await
        .map_err(|e| Error::new(e.to_string()))?
        .map_err(|e: basalt::Error| e.into())
}
