use std::io::Write;

use async_trait::async_trait;

use super::Done;
use crate::commands::support::{online_command, parse_addresses, peer_addresses};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, View};

/// `ipfs swarm peering add`.
pub(crate) struct Add;

#[async_trait]
impl Command for Add {
    type Options = NoOptions;
    type Event = Done;
    type State = ();

    const PATH: &'static str = "swarm/peering/add";
    const ABOUT: About = About::new("Stay connected to a peer until the daemon ends.");
    const ARGS: &'static [Arg] =
        &[Arg::required("address", "Where the peer is, with its ID.").variadic()];

    async fn run(mut call: Call<NoOptions>, out: Output<Done>) -> Result<()> {
        let addresses = parse_addresses(&call.all_args().await?)?;
        let peers = peer_addresses(&addresses)?;
        let network = online_command(&call).await?;
        for (peer, addresses) in peers {
            let added = network.peer_with(peer, addresses).await;
            added.map_err(basalt::Error::from)?;
            out.emit(Done::new(peer)).await?;
        }
        Ok(())
    }

    fn text(_: &View<NoOptions>, _: &mut (), done: Done, w: &mut dyn Write) -> Result<()> {
        Ok(writeln!(w, "add {} {}", done.id, done.status)?)
    }
}
