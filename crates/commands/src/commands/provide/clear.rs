use std::io::Write;

use async_trait::async_trait;

use crate::{About, Call, Command, Output, Result, Status, View};

crate::options! {
    /// Options of `provide clear`.
    pub(crate) struct Options {
        /// Write nothing
        quiet: bool = ["quiet", "q"],
    }
}

/// `ipfs provide clear`.
pub(crate) struct Clear;

#[async_trait]
impl Command for Clear {
    type Options = Options;
    type Event = u64;
    type State = ();

    const PATH: &'static str = "provide/clear";
    const ABOUT: About = About::new("Forget what waits to be announced for the first time.")
        .text(
            "Empties the queue of what was added and is not announced yet. What the strategy names is announced
again in its turn all the same. The queue is emptied by itself when Provide.Strategy changes.",
        )
        .status(Status::Experimental);

    async fn run(call: Call<Options>, out: Output<u64>) -> Result<()> {
        let node = call.ctx.node().await?;
        let cleared = node.clear_provide_queue().await?;
        match call.options.quiet {
            true => Ok(()),
            false => out.once(cleared).await,
        }
    }

    fn text(view: &View<Options>, _: &mut (), cleared: u64, w: &mut dyn Write) -> Result<()> {
        if !view.options.quiet {
            writeln!(w, "removed {cleared} items from provide queue")?;
        }
        Ok(())
    }
}
