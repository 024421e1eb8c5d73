use std::io::Write;

use async_trait::async_trait;

use super::Pins;
use crate::commands::support::{CidText, resolve};
use crate::{About, Arg, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `pin rm`.
    pub(crate) struct Options {
        /// Remove recursive pins too, not only direct ones
        recursive: bool = ["recursive", "r"] default "true",
    }
}

/// `ipfs pin rm`.
pub(crate) struct Rm;

#[async_trait]
impl Command for Rm {
    type Options = Options;
    type Event = Pins;
    type State = ();

    const PATH: &'static str = "pin/rm";
    const ABOUT: About = About::new("Remove pins.").text(
        "Removes the pins of blocks, which the next garbage collection then deletes unless something
else keeps them. A block that is pinned only through another one has no pin to remove: 'ipfs pin
ls -t indirect <cid>' tells through which.",
    );
    const ARGS: &'static [Arg] = &[
        Arg::required("ipfs-path", "Paths to what is to be unpinned.")
            .variadic()
            .stdin(),
    ];

    async fn run(mut call: Call<Options>, out: Output<Pins>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let mut pins = Vec::new();
        while let Some(text) = call.next_arg().await? {
            let cid = resolve(&call, &text).await?.cid;
            let node = call.ctx.node().await?;
            node.pins()
                .remove(&cid, call.options.recursive)
                .await
                .map_err(basalt::Error::from)?;
            pins.push(cids.write(&cid));
        }
        out.once(Pins { pins }).await
    }

    fn text(_: &View<Options>, _: &mut (), done: Pins, w: &mut dyn Write) -> Result<()> {
        for cid in done.pins {
            writeln!(w, "unpinned {cid}")?;
        }
        Ok(())
    }
}
