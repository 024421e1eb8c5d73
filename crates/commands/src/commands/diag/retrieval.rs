use std::io::Write;

use async_trait::async_trait;
use basalt::retrieval::{Report, ServerReport};
use serde::{Deserialize, Serialize};

use crate::commands::support::{human_bytes, online_command};
use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View};

/// `ipfs diag retrieval`.
pub(crate) struct Retrieval;

/// The HTTP gateways that were asked for blocks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Asked {
    enabled: bool,
    servers: Vec<Server>,
}

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Server {
    url: String,
    peers: Vec<String>,
    asked: u64,
    under_way: u64,
    blocks: u64,
    bytes: u64,
    lacked: u64,
    failed: u64,
    /// The CID that the last failure was about, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<(String, String)>,
    /// Seconds for which it is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resting: Option<u64>,
}

impl From<ServerReport> for Server {
    fn from(server: ServerReport) -> Self {
        Self {
            url: server.url,
            peers: server.peers,
            asked: server.asked,
            under_way: server.under_way,
            blocks: server.blocks,
            bytes: server.bytes,
            lacked: server.lacked,
            failed: server.failed,
            failure: server.failure.map(|f| (f.cid, f.reason)),
            resting: server.resting.map(|rest| rest.as_secs().max(1)),
        }
    }
}

impl From<Option<Report>> for Asked {
    fn from(report: Option<Report>) -> Self {
        let enabled = report.is_some();
        let servers = report.unwrap_or_default().servers;
        Self {
            enabled,
            servers: servers.into_iter().map(Server::from).collect(),
        }
    }
}

#[async_trait]
impl Command for Retrieval {
    type Options = NoOptions;
    type Event = Asked;
    type State = ();

    const PATH: &'static str = "diag/retrieval";
    const ABOUT: About = About::new("Show which HTTP gateways were asked for blocks.").text(
        "Providers whose address is that of an HTTP server are asked over HTTP, as far as HTTPRetrieval in
the config allows. For each such server this shows how many requests were made, what came of them,
why the last one failed that did, and for how long the server is left alone now. It is not among
Kubo's commands.",
    );

    async fn run(call: Call<NoOptions>, out: Output<Asked>) -> Result<()> {
        online_command(&call).await?;
        let node = call.ctx.node().await?;
        let report = node.retrieval().map(|retrieval| retrieval.report());
        out.once(report.into()).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), asked: Asked, w: &mut dyn Write) -> Result<()> {
        if !asked.enabled {
            writeln!(w, "HTTPRetrieval.Enabled is false, or Bitswap is off")?;
        }
        for server in &asked.servers {
            writeln!(w, "{}", server.url)?;
            writeln!(
                w,
                "\tasked: {} ({} under way)",
                server.asked, server.under_way
            )?;
            let bytes = human_bytes(server.bytes);
            writeln!(w, "\tblocks: {} ({bytes})", server.blocks)?;
            writeln!(w, "\tlacked: {}", server.lacked)?;
            writeln!(w, "\tfailed: {}", server.failed)?;
            if let Some((cid, reason)) = &server.failure {
                writeln!(w, "\tlast failure: {cid}: {reason}")?;
            }
            if let Some(rest) = server.resting {
                writeln!(w, "\tleft alone for: {rest} s")?;
            }
            for peer in &server.peers {
                writeln!(w, "\tpeer: {peer}")?;
            }
        }
        Ok(())
    }
}
