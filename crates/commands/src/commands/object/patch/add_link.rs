use std::io::Write;

use async_trait::async_trait;

use super::{Made, how, node_at};
use crate::commands::support::CidText;
use crate::{About, Arg, Call, Command, Output, Result, Status, View};

crate::options! {
    /// Options of `object patch add-link`.
    pub(crate) struct Options {
        /// Make the directories on the way
        create: bool = ["create", "p"],
        /// Do it to nodes that are no directory too
        allow_non_unixfs: bool = ["allow-non-unixfs", ""],
    }
}

/// `ipfs object patch add-link`.
pub(crate) struct AddLink;

#[async_trait]
impl Command for AddLink {
    type Options = Options;
    type Event = Made;
    type State = ();

    const PATH: &'static str = "object/patch/add-link";
    const ABOUT: About = About::new("Deprecated: use 'ipfs files cp'. Adds a link to a directory.")
        .text(
            "Writes the CID of a directory like <root> that has <ref> under <name>, which may have
slashes; what had the name before is replaced. Only directories that are not sharded can be changed
this way: 'ipfs files' knows the others too.",
        )
        .status(Status::Deprecated);
    const ARGS: &'static [Arg] = &[
        Arg::required("root", "The directory."),
        Arg::required("name", "The name of the link."),
        Arg::required("ref", "What it leads to."),
    ];

    async fn run(call: Call<Options>, out: Output<Made>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let root = node_at(&call, 0).await?;
        let child = node_at(&call, 2).await?;
        let options = how(&call, call.options.allow_non_unixfs);
        let node = call.ctx.node().await?;
        let name = call.meta.args.get(1).map_or("", String::as_str);
        let create = call.options.create;
        let made = node.add_link(&root, name, &child, create, options).await?;
        out.once(Made::new(&cids, &made)).await
    }

    fn text(_: &View<Options>, _: &mut (), made: Made, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", made.hash)?;
        Ok(())
    }
}
