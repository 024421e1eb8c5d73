//! `ipfs name pubsub`.

pub(crate) mod cancel;
pub(crate) mod state;
pub(crate) mod subs;

use basalt::{NameGossip, Node};

use crate::{Error, Result};

/// Names over PubSub.
fn gossip(node: &Node) -> Result<&NameGossip> {
    let gossip = node.name_gossip();
    gossip.ok_or_else(|| Error::client("IPNS pubsub subsystem is not enabled"))
}
