use basalt::network::Handle;

use crate::{Call, Error, Result};

/// For what asks the network through Kubo's core API.
const ACTION: &str = "this action must be run in online mode, try running 'ipfs daemon' first";

/// For what asks the network itself.
pub(crate) const NEEDS_ONLINE: &str =
    "this command must be run in online mode. Try running 'ipfs daemon' first";

/// The network, for commands which without it say that an action needs one.
pub(crate) async fn online_action<O>(call: &Call<O>) -> Result<Handle> {
    online(call, ACTION).await
}

/// The network, for commands which without it say that they need one.
pub(crate) async fn online_command<O>(call: &Call<O>) -> Result<Handle> {
    online(call, NEEDS_ONLINE).await
}

async fn online<O>(call: &Call<O>, words: &str) -> Result<Handle> {
    let node = call.ctx.node().await?;
    node.network().cloned().ok_or_else(|| Error::new(words))
}
