use std::io::Write;

use async_trait::async_trait;

use super::Done;
use crate::commands::support::{online_command, parse_peer};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, View};

/// `ipfs swarm peering rm`.
pub(crate) struct Rm;

#[async_trait]
impl Command for Rm {
    type Options = NoOptions;
    type Event = Done;
    type State = ();

    const PATH: &'static str = "swarm/peering/rm";
    const ABOUT: About = About::new("Stay connected to a peer no more.");
    const ARGS: &'static [Arg] = &[Arg::required("ID", "The peer.").variadic()];

    async fn run(mut call: Call<NoOptions>, out: Output<Done>) -> Result<()> {
        let network = online_command(&call).await?;
        for text in call.all_args().await? {
            let peer = parse_peer(&text)?;
            let removed = network.unpeer(peer).await;
            removed.map_err(basalt::Error::from)?;
            out.emit(Done::new(peer)).await?;
        }
        Ok(())
    }

    fn text(_: &View<NoOptions>, _: &mut (), done: Done, w: &mut dyn Write) -> Result<()> {
        Ok(writeln!(w, "remove {} {}", done.id, done.status)?)
    }
}
