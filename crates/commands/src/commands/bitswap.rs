//! `ipfs bitswap`: the exchange of blocks with peers.

pub(crate) mod ledger;
pub(crate) mod reprovide;
pub(crate) mod stat;
pub(crate) mod wantlist;

use basalt::Node;
use basalt::bitswap::Handle;

use crate::commands::support::online_command;
use crate::{Call, Error, Result};

/// The node, if it is among peers.
async fn online_node<O>(call: &Call<O>) -> Result<&Node> {
    online_command(call).await?;
    call.ctx.node().await
}

/// Bitswap of a node that is among peers; `None` when its config forbids it.
async fn bitswap<O>(call: &Call<O>) -> Result<Option<&Handle>> {
    Ok(online_node(call).await?.bitswap())
}

/// Bitswap ends when the node does.
fn stopped() -> Error {
    Error::new("the node is stopping")
}
