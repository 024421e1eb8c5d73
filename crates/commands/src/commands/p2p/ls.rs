use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{network, write_rows};
use crate::{About, Call, Command, Output, Result, Status, View};

crate::options! {
    /// Options of `p2p ls`.
    pub(crate) struct Options {
        /// Write headings
        headers: bool = ["headers", "v"],
    }
}

/// `ipfs p2p ls`.
pub(crate) struct Ls;

/// Tunnels.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct List {
    listeners: Option<Vec<Listed>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    protocol: String,
    listen_address: String,
    target_address: String,
}

#[async_trait]
impl Command for Ls {
    type Options = Options;
    type Event = List;
    type State = ();

    const PATH: &'static str = "p2p/ls";
    const ABOUT: About = About::new("List the tunnels that are open.").status(Status::Experimental);

    async fn run(call: Call<Options>, out: Output<List>) -> Result<()> {
        let tunnels = network(&call).await?.tunnels();
        let listed = tunnels.into_iter().map(|tunnel| Listed {
            protocol: tunnel.protocol,
            listen_address: tunnel.listen,
            target_address: tunnel.target,
        });
        let listed: Vec<Listed> = listed.collect();
        let listeners = Some(listed).filter(|listed| !listed.is_empty());
        out.once(List { listeners }).await
    }

    fn text(view: &View<Options>, _: &mut (), list: List, w: &mut dyn Write) -> Result<()> {
        let rows = list.listeners.into_iter().flatten();
        let rows =
            rows.map(|l| format!("{}\t{}\t{}", l.protocol, l.listen_address, l.target_address));
        let headings = "Protocol\tListen Address\tTarget Address";
        write_rows(rows, view.options.headers.then_some(headings), w)
    }
}
