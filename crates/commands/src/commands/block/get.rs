use async_trait::async_trait;

use crate::commands::support::resolve;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result};

/// `ipfs block get`.
pub(crate) struct Get;

#[async_trait]
impl Command for Get {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "block/get";
    const ABOUT: About = About::new("Write a block's bytes.")
        .text("Writes the bytes of a block to standard output as they are stored.");
    const ARGS: &'static [Arg] =
        &[Arg::required("cid", "The CID of the block, or a path to it.").stdin()];

    async fn run(mut call: Call<NoOptions>, out: Output<()>) -> Result<()> {
        let text = call.next_arg().await?.unwrap_or_default();
        let found = resolve(&call, &text).await?;
        let node = call.ctx.node().await?;
        let blocks = node.blocks_for(call.meta.globals.offline);
        let block = blocks.get(&found.cid).await.map_err(basalt::Error::from)?;
        out.content_type("application/vnd.ipld.raw").await?;
        out.bytes(block.into_data()).await
    }
}
