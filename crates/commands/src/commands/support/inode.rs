use basalt::unixfs::Inode;

use super::resolve;
use crate::{Call, Result};

/// The file, directory or symlink that a user's path leads to.
pub(crate) async fn open_inode<O>(call: &Call<O>, path: &str) -> Result<Inode> {
    let found = resolve(call, path).await?;
    let node = call.ctx.node().await?;
    let source = node.unixfs_source(call.meta.globals.offline);
    Ok(Inode::open(source, &found.cid)
        .await
        .map_err(basalt::Error::from)?)
}
