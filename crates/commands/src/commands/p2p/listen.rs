use std::io::Write;

use async_trait::async_trait;
use basalt::network::Multiaddr;
use basalt::network::multiaddr::Protocol;

use super::{Foreground, check_protocol, network, stay};
use crate::commands::support::parse_addresses;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `p2p listen`.
    pub(crate) struct Options {
        /// Allow a protocol that does not begin with /x/
        allow_custom_protocol: bool = ["allow-custom-protocol"],
        /// Tell the target first who connects: the peer ID, in a line of its own
        report_peer_id: bool = ["report-peer-id", "r"],
        /// Stay, and close the tunnel on leaving
        foreground: bool = ["foreground", "f"],
    }
}

/// `ipfs p2p listen`.
pub(crate) struct Listen;

#[async_trait]
impl Command for Listen {
    type Options = Options;
    type Event = Foreground;
    type State = ();

    const PATH: &'static str = "p2p/listen";
    const ABOUT: About = About::new("Carry connections of peers to a program here.")
        .text(
            "Serves a protocol: each stream that a peer opens with 'ipfs p2p forward' is carried to an
address here. The tunnel stays until it is closed or the daemon ends; with --foreground until the
command ends.

Example:

  > ipfs p2p listen /x/ssh /ip4/127.0.0.1/tcp/22",
        )
        .status(Status::Experimental);
    const ARGS: &'static [Arg] = &[
        Arg::required("protocol", "The protocol, such as /x/name."),
        Arg::required(
            "target-address",
            "Where the program listens: /ip4/127.0.0.1/tcp/3000.",
        ),
    ];

    async fn run(mut call: Call<Options>, out: Output<Foreground>) -> Result<()> {
        let network = network(&call).await?;
        let [protocol, target] = call.all_args().await?.try_into().unwrap_or_default();
        let addresses = parse_addresses(std::slice::from_ref(&target))?;
        check_port(&addresses[0])?;
        let options = &call.options;
        check_protocol(&protocol, options.allow_custom_protocol)?;
        let tunnel = network
            .serve(&protocol, &addresses[0], options.report_peer_id)
            .await
            .map_err(basalt::Error::from)?;
        match options.foreground {
            true => stay(tunnel, &protocol, &target, &out).await,
            false => Ok(()),
        }
    }

    fn text(_: &View<Options>, _: &mut (), told: Foreground, w: &mut dyn Write) -> Result<()> {
        let Foreground {
            status,
            protocol,
            address,
        } = told;
        match status.as_str() {
            "active" => writeln!(
                w,
                "Listening on {protocol}, forwarding to {address}, waiting for interrupt..."
            )?,
            _ => writeln!(w, "Received interrupt, removing listener for {protocol}")?,
        }
        Ok(())
    }
}

fn check_port(target: &Multiaddr) -> Result<()> {
    let port = target.iter().find_map(|part| match part {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
        _ => None,
    });
    match port {
        None => Err(Error::new("address does not contain tcp or udp protocol")),
        Some(0) => Err(Error::new("port can not be 0")),
        Some(_) => Ok(()),
    }
}
