use async_trait::async_trait;

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
            return Err(Error::client("daemon not running"));
        }
        call.ctx.shutdown();
        Ok(())
    }
}
