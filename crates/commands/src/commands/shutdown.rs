use async_trait::async_trait;

use crate::commands::support::with_repo;
use crate::options::NoOptions;
use crate::{About, Call, Command, Error, Output, Result};

/// `ipfs shutdown`.
pub(crate) struct Shutdown;

#[async_trait]
impl Command for Shutdown {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "shutdown";
    const ABOUT: About = About::new("End the daemon.").no_text();

    async fn run(call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        if !call.ctx.is_daemon() {
            // There may be no repo at all.
            with_repo(&call.ctx, |_| Ok(())).await?;
            return Err(Error::client("daemon not running"));
        }
        call.ctx.shutdown();
        Ok(())
    }
}
