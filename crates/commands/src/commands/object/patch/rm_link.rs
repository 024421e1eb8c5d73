use std::io::Write;

use async_trait::async_trait;

use super::{Made, how, node_at};
use crate::commands::support::CidText;
use crate::{About, Arg, Call, Command, Output, Result, Status, View};

crate::options! {
    /// Options of `object patch rm-link`.
    pub(crate) struct Options {
        /// Do it to nodes that are no directory too
        allow_non_unixfs: bool = ["allow-non-unixfs", ""],
    }
}

/// `ipfs object patch rm-link`.
pub(crate) struct RmLink;

#[async_trait]
impl Command for RmLink {
    type Options = Options;
    type Event = Made;
    type State = ();

    const PATH: &'static str = "object/patch/rm-link";
    const ABOUT: About = About::new(
        "Deprecated: use 'ipfs files rm'. Removes a link from a directory.",
    )
    .text(
        "Writes the CID of a directory like <root> that has no <name>, which may have slashes.
Only directories that are not sharded can be changed this way: 'ipfs files' knows the others too.",
    )
    .status(Status::Deprecated);
    const ARGS: &'static [Arg] = &[
        Arg::required("root", "The directory."),
        Arg::required("name", "The name of the link."),
    ];

    async fn run(call: Call<Options>, out: Output<Made>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let root = node_at(&call, 0).await?;
        let options = how(&call, call.options.allow_non_unixfs);
        let node = call.ctx.node().await?;
        let name = call.meta.args.get(1).map_or("", String::as_str);
        let made = node.remove_link(&root, name, options).await?;
        out.once(Made::new(&cids, &made)).await
    }

    fn text(_: &View<Options>, _: &mut (), made: Made, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", made.hash)?;
        Ok(())
    }
}
