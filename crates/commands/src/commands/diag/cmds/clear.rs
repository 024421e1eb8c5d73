use async_trait::async_trait;

use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result};

/// `ipfs diag cmds clear`.
pub(crate) struct Clear;

#[async_trait]
impl Command for Clear {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "diag/cmds/clear";
    const ABOUT: About = About::new("Forget the requests that have ended.").no_text();

    async fn run(call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        call.ctx.clear_requests();
        Ok(())
    }
}
