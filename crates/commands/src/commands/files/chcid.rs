use async_trait::async_trait;
use basalt::mfs::path;

use super::{asked_cids, flushes};
use crate::{About, Arg, Call, Command, Error, Output, Result};

crate::options! {
    /// Options of `files chcid`.
    pub(crate) struct Options {
        /// CID version: 0 or 1
        cid_version: Option<i32> = ["cid-version", "cid-ver"],
        /// The hash function; it means CID version 1
        hash: Option<String> = ["hash"],
    }
}

/// `ipfs files chcid`.
pub(crate) struct Chcid;

#[async_trait]
impl Command for Chcid {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "files/chcid";
    const ABOUT: About = About::new("Change how the CID of a directory is made.")
        .text(
            "Sets CID version and hash function of one directory, and nothing in it. What is made in it
later does not follow. The root has those of Import.CidVersion and Import.HashFunction.

Example:

  > ipfs files chcid --cid-version 1 /photos",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::required("path", "The directory; not '/'.")];

    async fn run(mut call: Call<Options>, _: Output<()>) -> Result<()> {
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let at = call.next_arg().await?.unwrap_or_default();
        if at == "/" {
            return Err(Error::new(
                "cannot change CID format of the MFS root; use 'ipfs config Import.CidVersion' and 'ipfs config Import.HashFunction' instead",
            ));
        }
        let options = &call.options;
        if let Some(cids) = asked_cids(options.cid_version, options.hash.as_deref())? {
            files.set_cids(&at, cids).await?;
        }
        if flushes(&call.meta) {
            files.flush(&at).await?;
            files.flush(&path::parent(&at)).await?;
        }
        Ok(())
    }
}
