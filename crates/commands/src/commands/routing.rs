//! `ipfs routing`.

pub(crate) mod find_peer;
pub(crate) mod find_provs;
pub(crate) mod get;
pub(crate) mod provide;
pub(crate) mod put;
pub(crate) mod query_event;
pub(crate) mod reprovide;

use basalt::block::{Cid, parse_cid};
use basalt::ipld::go_quote;
use basalt::repo::parse_peer_id;

use crate::commands::support::parse_path;
use crate::{Call, Error, Result};

/// What needs the daemon.
const ONLINE: &str = "this command must be run in online mode. Try running 'ipfs daemon' first";

/// Routing, which needs a daemon.
pub(crate) async fn online<O>(call: &Call<O>) -> Result<basalt::Routing> {
    let node = call.ctx.node().await?;
    let routing = node.routing().cloned();
    routing.ok_or_else(|| Error::new(ONLINE))
}

/// Reads a CID, or a path that is nothing but one.
pub(crate) fn cid_of(text: &str) -> Result<Cid> {
    if let Ok((cid, _)) = parse_cid(text) {
        return Ok(cid);
    }
    let path = parse_path(text)?;
    let cid = *path.immutable_root().map_err(basalt::Error::from)?;
    if path.segments().next().is_some() {
        let text = go_quote(text.as_bytes());
        return Err(Error::new(format!(
            "{text} points below a root CID, expected a single CID"
        )));
    }
    Ok(cid)
}

/// Reads `/ipns/` or `/pk/` with a peer behind it, and gives the key with the peer as bytes.
fn key_of(text: &str) -> Result<Vec<u8>> {
    let parts: Vec<&str> = text.split('/').collect();
    let ["", namespace @ ("ipns" | "pk"), peer] = parts.as_slice() else {
        return Err(Error::new("invalid key"));
    };
    let peer = parse_peer_id(peer).map_err(basalt::Error::from)?;
    let mut key = format!("/{namespace}/").into_bytes();
    key.extend(peer.to_bytes());
    Ok(key)
}
