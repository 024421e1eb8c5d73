use std::io::Write;

use async_trait::async_trait;

use super::KeyAndSize;
use crate::commands::support::{CidText, resolve};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, View};

/// `ipfs block stat`.
pub(crate) struct Stat;

#[async_trait]
impl Command for Stat {
    type Options = NoOptions;
    type Event = KeyAndSize;
    type State = ();

    const PATH: &'static str = "block/stat";
    const ABOUT: About = About::new("Show the size of a block.")
        .text("Shows the CID and the size in bytes of a block, without reading it.");
    const ARGS: &'static [Arg] =
        &[Arg::required("cid", "The CID of the block, or a path to it.").stdin()];

    async fn run(mut call: Call<NoOptions>, out: Output<KeyAndSize>) -> Result<()> {
        let text = call.next_arg().await?.unwrap_or_default();
        let cids = CidText::new(&call.meta.globals)?;
        let found = resolve(&call, &text).await?;
        let node = call.ctx.node().await?;
        let blocks = node.blocks_for(call.meta.globals.offline);
        let stat = blocks.stat(&found.cid).await.map_err(basalt::Error::from)?;
        out.once(KeyAndSize {
            key: cids.write(&found.cid),
            size: stat.size,
        })
        .await
    }

    fn text(_: &View<NoOptions>, _: &mut (), stat: KeyAndSize, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "Key: {}\nSize: {}", stat.key, stat.size)?;
        Ok(())
    }
}
