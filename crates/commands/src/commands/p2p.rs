//! `ipfs p2p`: tunnels to peers.

pub(crate) mod close;
pub(crate) mod forward;
pub(crate) mod listen;
pub(crate) mod ls;
pub(crate) mod stream;

use std::io::Write;

use basalt::network::{Handle, Tunnel};
use serde::{Deserialize, Serialize};

use crate::commands::support::{NEEDS_ONLINE, write_columns};
use crate::{Call, Error, Output, Result};

/// What protocols begin with, unless another was allowed.
const NAMESPACE: &str = "/x/";
const SETTING: &str = "Experimental.Libp2pStreamMounting";

/// The network, if tunnels are allowed.
async fn network<O>(call: &Call<O>) -> Result<Handle> {
    let node = call.ctx.node().await?;
    let config = node.require_repo()?.config();
    if config.flag(SETTING) != Some(true) {
        return Err(Error::new("libp2p stream mounting not enabled"));
    }
    let network = node.network().cloned();
    network.ok_or_else(|| Error::new(NEEDS_ONLINE))
}

fn check_protocol(name: &str, any: bool) -> Result<()> {
    if any || name.starts_with(NAMESPACE) {
        return Ok(());
    }
    Err(Error::new("protocol name must be within '/x/' namespace"))
}

/// A tunnel that lives as long as its command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Foreground {
    status: String,
    protocol: String,
    address: String,
}

/// Closes a tunnel when the command has ended, however it does.
struct Closing(Tunnel);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Keeps a tunnel open while somebody reads the output, or until it is closed.
async fn stay(
    tunnel: Tunnel,
    protocol: &str,
    address: &str,
    out: &Output<Foreground>,
) -> Result<()> {
    let closing = Closing(tunnel);
    let say = |status: &str| Foreground {
        status: status.to_owned(),
        protocol: protocol.to_owned(),
        address: address.to_owned(),
    };
    out.emit(say("active")).await?;
    tokio::select! {
        () = out.closed() => Ok(()),
        () = closing.0.closed() => out.emit(say("closing")).await,
    }
}

/// Writes rows in columns; Kubo's headings stand before each row.
fn write_rows(
    rows: impl Iterator<Item = String>,
    headings: Option<&str>,
    w: &mut dyn Write,
) -> Result<()> {
    let lines: Vec<String> = rows
        .flat_map(|row| headings.map(str::to_owned).into_iter().chain([row]))
        .collect();
    Ok(write_columns(w, &lines, 1)?)
}
