use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::commands::p2p::{network, write_rows};
use crate::{About, Call, Command, Output, Result, Status, View};

crate::options! {
    /// Options of `p2p stream ls`.
    pub(crate) struct Options {
        /// Write headings
        headers: bool = ["headers", "v"],
    }
}

/// `ipfs p2p stream ls`.
pub(crate) struct Ls;

/// Connections.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct List {
    streams: Option<Vec<Listed>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(rename = "HandlerID")]
    id: String,
    protocol: String,
    origin_address: String,
    target_address: String,
}

#[async_trait]
impl Command for Ls {
    type Options = Options;
    type Event = List;
    type State = ();

    const PATH: &'static str = "p2p/stream/ls";
    const ABOUT: About =
        About::new("List the connections that tunnels carry.").status(Status::Experimental);

    async fn run(call: Call<Options>, out: Output<List>) -> Result<()> {
        let streams = network(&call).await?.tunnel_streams();
        let listed = streams.into_iter().map(|stream| Listed {
            id: stream.id.to_string(),
            protocol: stream.protocol,
            origin_address: stream.origin,
            target_address: stream.target,
        });
        let listed: Vec<Listed> = listed.collect();
        let streams = Some(listed).filter(|listed| !listed.is_empty());
        out.once(List { streams }).await
    }

    fn text(view: &View<Options>, _: &mut (), list: List, w: &mut dyn Write) -> Result<()> {
        let rows = list.streams.into_iter().flatten();
        let rows = rows.map(|s| {
            let Listed {
                id,
                protocol,
                origin_address,
                target_address,
            } = s;
            format!("{id}\t{protocol}\t{origin_address}\t{target_address}")
        });
        let headings = "ID\tProtocol\tOrigin\tTarget";
        write_rows(rows, view.options.headers.then_some(headings), w)
    }
}
