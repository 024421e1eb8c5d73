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
        refuse(&call).await
    }
}

/// Why nobody needs to ask for what is done by itself.
pub(crate) async fn refuse<O>(call: &Call<O>) -> Result<()> {
    let config = call.ctx.node().await?.require_repo()?.config();
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
    Err(Error::new(SWEEP))
}
