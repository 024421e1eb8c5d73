use async_trait::async_trait;

use super::online;
use crate::options::NoOptions;
use crate::{About, Call, Command, Error, Output, Result, Status};

/// `ipfs routing reprovide`.
pub(crate) struct Reprovide;

const SWEEP: &str = "manual reprovide is not available with the sweep provider; set Provide.DHT.SweepEnabled=false to use the legacy provider, or run 'ipfs provide stat --all' to monitor the sweep schedule";

#[async_trait]
impl Command for Reprovide {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "routing/reprovide";
    const ABOUT: About = About::new("Deprecated: announcing again is scheduled by itself.")
        .status(Status::Deprecated)
        .no_text();

    async fn run(call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        online(&call).await?;
        announce_again(&call).await
    }
}

/// Announces everything again, unless that is done by itself.
pub(crate) async fn announce_again<O>(call: &Call<O>) -> Result<()> {
    let node = call.ctx.node().await?;
    let config = node.require_repo()?.config();
    if config.flag("Provide.Enabled") == Some(false) {
        return Err(Error::new(
            "invalid configuration: Provide.Enabled is set to 'false'",
        ));
    }
    let interval = config.duration("Provide.DHT.Interval");
    if interval.is_some_and(|interval| interval.as_nanos() == 0) {
        return Err(Error::new(
            "invalid configuration: Provide.DHT.Interval is set to '0'",
        ));
    }
    if config.flag("Provide.DHT.SweepEnabled").unwrap_or(true) {
        return Err(Error::new(SWEEP));
    }
    // Without a DHT there is nowhere to announce anything.
    if let Some(provider) = node.provider() {
        provider.announce_all(node).await?;
    }
    Ok(())
}
