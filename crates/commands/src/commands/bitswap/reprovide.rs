use std::io::Write;

use async_trait::async_trait;

use super::online_node;
use crate::options::NoOptions;
use crate::spec::Status;
use crate::{About, Call, Command, Error, Output, Result, View};

/// `ipfs bitswap reprovide`.
pub(crate) struct Reprovide;

/// With the way of announcing that is the default, nothing is announced by hand.
const SWEEP: &str = "manual reprovide is not available with the sweep provider; set Provide.DHT.SweepEnabled=false to use the legacy provider, or run 'ipfs provide stat --all' to monitor the sweep schedule";

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
        if config.flag("Provide.Enabled") == Some(false) {
            return Err(Error::new(
                "invalid configuration: Provide.Enabled is set to 'false'",
            ));
        }
        let interval = config.duration("Provide.DHT.Interval");
        if interval
            .and_then(|i| i.to_std())
            .is_some_and(|i| i.is_zero())
        {
            return Err(Error::new(
                "invalid configuration: Provide.DHT.Interval is set to '0'",
            ));
        }
        if config.routing_type() == "none" {
            // There is nowhere to announce anything.
            return Ok(());
        }
        if config.flag("Provide.DHT.SweepEnabled").unwrap_or(true) {
            return Err(Error::new(SWEEP));
        }
        Err(Error::new("this node does not announce blocks yet"))
    }

    fn text(_: &View<NoOptions>, _: &mut (), (): (), _: &mut dyn Write) -> Result<()> {
        Ok(())
    }
}
