use async_trait::async_trait;
use basalt::mfs::MkdirOptions;

use super::{asked_cids, check_path, flushes};
use crate::{About, Arg, Call, Command, Output, Result};

crate::options! {
    /// Options of `files mkdir`.
    pub(crate) struct Options {
        /// Make the directories above too; one that is there is no error
        parents: bool = ["parents", "p"],
        /// CID version: 0 or 1
        cid_version: Option<i32> = ["cid-version", "cid-ver"],
        /// The hash function; it means CID version 1
        hash: Option<String> = ["hash"],
    }
}

/// `ipfs files mkdir`.
pub(crate) struct Mkdir;

#[async_trait]
impl Command for Mkdir {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "files/mkdir";
    const ABOUT: About = About::new("Make directories.")
        .text(
            "Without options, CID version and hash function are those of the settings under Import.

Examples:

  > ipfs files mkdir /photos
  > ipfs files mkdir -p /photos/2024/june",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::required("path", "The directory.")];

    async fn run(mut call: Call<Options>, _: Output<()>) -> Result<()> {
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let at = call.next_arg().await?.unwrap_or_default();
        let at = check_path(&at)?;
        let flush = flushes(&call.meta);
        files.note_change(flush)?;
        let options = &call.options;
        let cids = asked_cids(options.cid_version, options.hash.as_deref())?;
        let cids = cids.map_or_else(|| node.files_cids(), Ok)?;
        let made = MkdirOptions {
            parents: options.parents,
            cids: Some(cids),
        };
        files.mkdir(&at, made).await?;
        if flush && at != "/" {
            files.flush(&at).await?;
        }
        Ok(())
    }
}
