use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::commands::support::online_command;
use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View};

/// `ipfs swarm peering ls`.
pub(crate) struct Ls;

/// Peers and where they may be.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct List {
    peers: Option<Vec<Peer>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Peer {
    #[serde(rename = "ID")]
    id: String,
    addrs: Option<Vec<String>>,
}

#[async_trait]
impl Command for Ls {
    type Options = NoOptions;
    type Event = List;
    type State = ();

    const PATH: &'static str = "swarm/peering/ls";
    const ABOUT: About = About::new("List the peers that the node is always connected to.");

    async fn run(call: Call<NoOptions>, out: Output<List>) -> Result<()> {
        let network = online_command(&call).await?;
        let peers = network.peering().await.map_err(basalt::Error::from)?;
        let peers = peers
            .into_iter()
            .map(|(id, addresses)| Peer {
                id: id.to_string(),
                addrs: Some(addresses.iter().map(ToString::to_string).collect()),
            })
            .collect();
        out.once(List { peers: Some(peers) }).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), list: List, w: &mut dyn Write) -> Result<()> {
        for peer in list.peers.iter().flatten() {
            writeln!(w, "{}", peer.id)?;
            for address in peer.addrs.iter().flatten() {
                writeln!(w, "\t{address}")?;
            }
        }
        Ok(())
    }
}
