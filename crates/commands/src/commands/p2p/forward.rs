use std::io::Write;

use async_trait::async_trait;
use basalt::Node;
use basalt::network::{Multiaddr, PeerId, peer_of, without_peer};

use super::{Foreground, check_protocol, network, stay};
use crate::commands::support::{parse_addresses, resolve_address};
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `p2p forward`.
    pub(crate) struct Options {
        /// Allow a protocol that does not begin with /x/
        allow_custom_protocol: bool = ["allow-custom-protocol"],
        /// Stay, and close the tunnel on leaving
        foreground: bool = ["foreground", "f"],
    }
}

/// `ipfs p2p forward`.
pub(crate) struct Forward;

#[async_trait]
impl Command for Forward {
    type Options = Options;
    type Event = Foreground;
    type State = ();

    const PATH: &'static str = "p2p/forward";
    const ABOUT: About = About::new("Carry connections to a peer.")
        .text(
            "Listens on an address here and carries each connection to a peer, which has to serve the
protocol: see 'ipfs p2p listen'. The tunnel stays until it is closed or the daemon ends; with
--foreground until the command ends.

Examples:

  > ipfs p2p forward /x/ssh /ip4/127.0.0.1/tcp/2222 /p2p/<peer>
  > ssh -p 2222 user@127.0.0.1",
        )
        .status(Status::Experimental);
    const ARGS: &'static [Arg] = &[
        Arg::required("protocol", "The protocol, such as /x/name."),
        Arg::required(
            "listen-address",
            "Where to listen: /ip4/127.0.0.1/tcp/3000, or /unix/path.",
        ),
        Arg::required(
            "target-address",
            "The peer: /p2p/ID, with or without an address.",
        ),
    ];

    async fn run(mut call: Call<Options>, out: Output<Foreground>) -> Result<()> {
        let network = network(&call).await?;
        let [protocol, listen, target] = call.all_args().await?.try_into().unwrap_or_default();
        let addresses = parse_addresses(&[listen.clone(), target])?;
        let node = call.ctx.node().await?;
        let (peer, places) = read_target(node, &addresses[1]).await?;
        check_protocol(&protocol, call.options.allow_custom_protocol)?;
        let tunnel = network
            .forward(&protocol, &addresses[0], peer, places)
            .await
            .map_err(basalt::Error::from)?;
        match call.options.foreground {
            true => stay(tunnel, &protocol, &listen, &out).await,
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
                "Forwarding {protocol} to {address}, waiting for interrupt..."
            )?,
            _ => writeln!(w, "Received interrupt, removing forwarder for {protocol}")?,
        }
        Ok(())
    }
}

/// The peer, and where it may be: as the address says, or as the DNS does where it names none.
async fn read_target(node: &Node, target: &Multiaddr) -> Result<(PeerId, Vec<Multiaddr>)> {
    let found = match peer_of(target) {
        Some(_) => vec![target.clone()],
        None => resolve_address(node, target).await?,
    };
    if found.is_empty() {
        return Err(Error::new(format!(
            "fail to resolve the multiaddr:{target}"
        )));
    }
    let (mut peer, mut places) = (None, Vec::new());
    for found in &found {
        let Some(named) = peer_of(found) else {
            continue;
        };
        let first = *peer.get_or_insert(named);
        if first != named {
            return Err(Error::new(format!(
                "ambiguous multiaddr {target} could refer to {first} or {named}"
            )));
        }
        places.push(without_peer(found));
    }
    places.retain(|place| !place.is_empty());
    let peer = peer.ok_or_else(|| Error::new("invalid p2p multiaddr"))?;
    Ok((peer, places))
}
