use std::io::Write;

use async_trait::async_trait;
use basalt::network::Multiaddr;
use serde::{Deserialize, Serialize};

use crate::commands::support::online_command;
use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View};

/// `ipfs swarm addrs autonat`.
pub(crate) struct AutoNat;

/// Whether others can reach the node.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    reachability: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    nat: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reachable: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreachable: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<String>,
}

#[async_trait]
impl Command for AutoNat {
    type Options = NoOptions;
    type Event = Report;
    type State = ();

    const PATH: &'static str = "swarm/addrs/autonat";
    const ABOUT: About = About::new("Show whether others can reach the node.").text(
        "Peers that are asked to dial the node back tell whether they could: over all, and address by
address. 'Private' means that the node is behind a firewall or an address translation, and is reached
through relays.",
    );

    async fn run(call: Call<NoOptions>, out: Output<Report>) -> Result<()> {
        let network = online_command(&call).await?;
        let reach = network.reach().await.map_err(basalt::Error::from)?;
        let texts = |all: &[Multiaddr]| all.iter().map(ToString::to_string).collect();
        out.once(Report {
            reachability: reach.overall.to_string(),
            reachable: texts(&reach.reachable),
            unreachable: texts(&reach.unreachable),
            unknown: texts(&reach.unknown),
            ..Report::default()
        })
        .await
    }

    fn text(_: &View<NoOptions>, _: &mut (), report: Report, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "AutoNAT V2 Status:")?;
        writeln!(w, "  Reachability: {}", report.reachability)?;
        if !report.nat.is_empty() {
            writeln!(w, "  NAT: {}", report.nat)?;
        }
        writeln!(w, "\nPer-Address Reachability:")?;
        let sections = [
            ("Reachable", &report.reachable),
            ("Unreachable", &report.unreachable),
            ("Unknown", &report.unknown),
        ];
        if sections.iter().all(|(_, all)| all.is_empty()) {
            writeln!(w, "  (no address reachability data available)")?;
        }
        for (label, all) in sections {
            if !all.is_empty() {
                writeln!(w, "  {label}:")?;
            }
            for address in all {
                writeln!(w, "    {address}")?;
            }
        }
        Ok(())
    }
}
