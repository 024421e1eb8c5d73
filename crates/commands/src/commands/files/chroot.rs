use std::io::Write;

use async_trait::async_trait;
use basalt::mfs::empty_root;
use serde::{Deserialize, Serialize};

use crate::commands::support::{CidText, single_cid};
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `files chroot`.
    pub(crate) struct Options {
        /// Do it: the tree that is there is let go
        confirm: bool = ["confirm"],
    }
}

/// `ipfs files chroot`.
pub(crate) struct Chroot;

/// What was done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Told {
    message: String,
}

#[async_trait]
impl Command for Chroot {
    type Options = Options;
    type Event = Told;
    type State = ();

    const PATH: &'static str = "files/chroot";
    const ABOUT: About = About::new("Put another root in place of that of the file tree.")
        .text(
            "For when the tree cannot be read any more. Without a CID, the tree is empty afterwards; with
one, it is that directory, which must be in the store. What was in the tree before is removed
by the next garbage collection, unless it is pinned.

Works only while the daemon is stopped.

Examples:

  > ipfs files chroot --confirm
  > ipfs files chroot --confirm <cid>",
        )
        .status(Status::Experimental)
        .client_only()
        .no_repo();
    const ARGS: &'static [Arg] = &[Arg::optional("cid", "The new root.")];

    async fn run(mut call: Call<Options>, out: Output<Told>) -> Result<()> {
        if !call.options.confirm {
            return Err(Error::new(
                "this is a potentially destructive operation; pass --confirm to proceed",
            ));
        }
        let cids = CidText::new(&call.meta.globals)?;
        let new = match call.next_arg().await? {
            None => empty_root(),
            Some(text) => single_cid(&text)
                .map_err(|why| Error::new(format!("invalid CID {text:?}: {why}")))?,
        };
        let opened = call.ctx.node().await.map_err(|e| {
            let why = e.message;
            Error::new(format!("opening repo (is the daemon running?): {why}"))
        });
        let node = opened?.clone();
        let files = node.files()?;
        let old = files.replace_root(new, |cid| cids.write(cid)).await?;
        let new = cids.write(&new);
        let message = match old.map(|cid| cids.write(&cid)) {
            None => format!("MFS root set to {new}\n"),
            Some(old) => format!(
                "MFS root changed from {old} to {new}\nThe old root {old} will be garbage collected unless pinned.\n"
            ),
        };
        out.once(Told { message }).await
    }

    fn text(_: &View<Options>, _: &mut (), told: Told, w: &mut dyn Write) -> Result<()> {
        w.write_all(told.message.as_bytes())?;
        Ok(())
    }
}
