use std::io::Write;

use async_trait::async_trait;

use super::online_node;
use crate::commands::routing::reprovide::announce_again;
use crate::options::NoOptions;
use crate::spec::Status;
use crate::{About, Call, Command, Output, Result, View};

/// `ipfs bitswap reprovide`.
pub(crate) struct Reprovide;

#[async_trait]
impl Command for Reprovide {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "bitswap/reprovide";
    const ABOUT: About = About::new("Deprecated: use 'ipfs routing reprovide'.")
        .text("Announces every block again, as 'ipfs routing reprovide' does.")
        .status(Status::Deprecated);

    async fn run(call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        let config = online_node(&call).await?.require_repo()?.config();
        let provides = config.flag("Provide.Enabled") != Some(false);
        let interval = config.duration("Provide.DHT.Interval");
        let never = interval.is_some_and(|interval| interval.as_nanos() == 0);
        if provides && !never && config.routing_type() == "none" {
            // There is nowhere to announce anything.
            return Ok(());
        }
        announce_again(&call).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), (): (), _: &mut dyn Write) -> Result<()> {
        Ok(())
    }
}
