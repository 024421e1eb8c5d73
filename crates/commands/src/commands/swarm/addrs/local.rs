use std::io::Write;

use async_trait::async_trait;
use basalt::network::with_peer;

use crate::commands::support::{Strings, online_action};
use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `swarm addrs local`.
    pub(crate) struct Options {
        /// Write the node's peer ID too
        id: bool = ["id"],
    }
}

/// `ipfs swarm addrs local`.
pub(crate) struct Local;

#[async_trait]
impl Command for Local {
    type Options = Options;
    type Event = Strings;
    type State = ();

    const PATH: &'static str = "swarm/addrs/local";
    const ABOUT: About = About::new("List the addresses that the node tells others.");

    async fn run(call: Call<Options>, out: Output<Strings>) -> Result<()> {
        let network = online_action(&call).await?;
        let all = network
            .announced_addresses()
            .await
            .map_err(basalt::Error::from)?;
        let own = network.local_peer();
        let text = |address| match call.options.id {
            true => with_peer(address, own).to_string(),
            false => ToString::to_string(address),
        };
        let all = all.iter().map(text).collect();
        out.once(Strings::sorted(all)).await
    }

    fn text(_: &View<Options>, _: &mut (), all: Strings, w: &mut dyn Write) -> Result<()> {
        all.write(w)
    }
}
