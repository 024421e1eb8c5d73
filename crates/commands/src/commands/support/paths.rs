use basalt::Resolved;
use basalt::ipld::Path;

use crate::{Call, Error, Result};

/// Reads what a user may give for content: a path, a URI, or a CID.
pub(crate) fn parse_path(text: &str) -> Result<Path> {
    Path::parse_argument(text).map_err(|e| Error::new(e.to_string()))
}

/// Follows a path that a user gave.
pub(crate) async fn resolve<O>(call: &Call<O>, text: &str) -> Result<Resolved> {
    resolve_offline(call, text, call.meta.globals.offline).await
}

/// As [`resolve`], where it is not `--offline` alone that says whether anything is fetched.
pub(crate) async fn resolve_offline<O>(
    call: &Call<O>,
    text: &str,
    offline: bool,
) -> Result<Resolved> {
    let path = parse_path(text)?;
    let node = call.ctx.node().await?;
    Ok(node.resolve(&path, offline).await?)
}
