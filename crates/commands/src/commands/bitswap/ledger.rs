use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{bitswap, stopped};
use crate::commands::support::parse_peer;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, View};

/// `ipfs bitswap ledger`.
pub(crate) struct Ledger;

/// What passed between the node and a peer while it was connected.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Receipt {
    peer: String,
    value: f64,
    sent: u64,
    recv: u64,
    exchanged: u64,
}

#[async_trait]
impl Command for Ledger {
    type Options = NoOptions;
    type Event = Receipt;
    type State = ();

    const PATH: &'static str = "bitswap/ledger";
    const ABOUT: About = About::new("Show what was exchanged with a peer.").text(
        "Shows the bytes of blocks that were sent to a peer and received from it since it connected, how
many blocks that were, and the debt ratio: bytes sent for each byte received.",
    );
    const ARGS: &'static [Arg] = &[Arg::required("peer", "The peer.")];

    async fn run(call: Call<NoOptions>, out: Output<Receipt>) -> Result<()> {
        let bitswap = bitswap(&call).await?;
        let peer = parse_peer(call.meta.args.first().map_or("", String::as_str))?;
        let receipt = match bitswap {
            Some(bitswap) => bitswap.receipt(peer).await.ok_or_else(stopped)?,
            None => Default::default(),
        };
        out.once(Receipt {
            peer: peer.to_string(),
            value: receipt.sent as f64 / (receipt.received + 1) as f64,
            sent: receipt.sent,
            recv: receipt.received,
            exchanged: receipt.exchanged,
        })
        .await
    }

    fn text(_: &View<NoOptions>, _: &mut (), receipt: Receipt, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "Ledger for {}", receipt.peer)?;
        writeln!(w, "Debt ratio:\t{:.6}", receipt.value)?;
        writeln!(w, "Exchanges:\t{}", receipt.exchanged)?;
        writeln!(w, "Bytes sent:\t{}", receipt.sent)?;
        writeln!(w, "Bytes received:\t{}\n", receipt.recv)?;
        Ok(())
    }
}
